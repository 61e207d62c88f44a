import { IngotError } from "../base/errors.ts";
import type { Storage } from "../storage/port.ts";
import { type Finding, finding, findingOf } from "./fsck-finding.ts";
import { entryKey, readEntryOf } from "./log.ts";
import { emptyState, extendState, type Operation, type State } from "./state.ts";
import { encodeState } from "./state-file.ts";

const BATCH = 64;

export interface LogCheck {
  readonly findings: readonly Finding[];
  readonly operations: number;
}

/** Reads every entry of the log, follows the chain of ids, and compares the state files with what the entries say. */
export async function checkLog(storage: Storage): Promise<LogCheck> {
  const findings: Finding[] = [];
  const { newest, states, hint } = await listLog(storage);
  let state: State | undefined = emptyState();
  let previous: Operation | undefined;
  let batch: Operation[] = [];
  const flush = () => {
    if (state !== undefined) state = extendState(state, batch);
    batch = [];
  };
  for (let n = 1; n <= newest; n++) {
    let operation: Operation | undefined;
    try {
      operation = await readEntryOf(storage, n);
      const follows =
        previous === undefined ? n === 1 || state === undefined : operation.previous === previous.oid;
      if (!follows)
        findings.push(
          finding("log.chain", String(n), `entry ${n} does not follow entry ${n - 1}`, entryKey(n)),
        );
    } catch (error) {
      if (!(error instanceof IngotError)) throw error;
      const code =
        error.code === "object.missing" ? "log.missing" : n === newest ? "log.torn" : "log.damaged";
      findings.push(findingOf(code, String(n), error));
      state = undefined;
    }
    previous = operation;
    if (operation !== undefined) batch.push(operation);
    if (states.has(n)) {
      flush();
      // Behind a damaged entry nothing says what a state file should hold.
      if (state !== undefined && !(await isStateOf(storage, state)))
        findings.push(
          finding(
            "state.damaged",
            String(n),
            `the state file after entry ${n} is not what the log says`,
            stateName(n),
          ),
        );
      states.delete(n);
    } else if (batch.length >= BATCH) flush();
  }
  for (const n of states)
    findings.push(
      finding(
        "state.damaged",
        String(n),
        `a state file after entry ${n}, which the log does not have`,
        stateName(n),
      ),
    );
  if (hint !== undefined) findings.push(hint);
  return { findings, operations: newest };
}

const stateName = (n: number) => `log/state-${String(n).padStart(12, "0")}`;

async function isStateOf(storage: Storage, state: State): Promise<boolean> {
  return Buffer.compare(await storage.read(stateName(state.n)), encodeState(state)) === 0;
}

async function listLog(
  storage: Storage,
): Promise<{ newest: number; states: Set<number>; hint: Finding | undefined }> {
  let newest = 0;
  const states = new Set<number>();
  let hint: Finding | undefined;
  for await (const { key } of storage.list("log/")) {
    const entry = /^log\/([0-9]{12})$/.exec(key)?.[1];
    if (entry !== undefined) newest = Math.max(newest, Number(entry));
    const state = /^log\/state-([0-9]{12})$/.exec(key)?.[1];
    if (state !== undefined) states.add(Number(state));
  }
  if ((await storage.stat("log/newest-state")) !== undefined) {
    const text = Buffer.from(await storage.read("log/newest-state")).toString("latin1");
    const named = /^([0-9]{1,15})( [0-9]{1,15})?\n$/.exec(text);
    if (
      named === null ||
      !states.has(Number(named[1])) ||
      (named[2] !== undefined && Number(named[2]) >= Number(named[1]))
    ) {
      hint = finding(
        "state.damaged",
        "newest-state",
        "the file that names the newest state file is wrong",
        "log/newest-state",
      );
    }
  }
  return { newest, states, hint };
}
