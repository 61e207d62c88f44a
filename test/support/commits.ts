import type { Oid } from "../../src/base/oid.ts";
import type { CommitRecord, RefEdit } from "../../src/objects/records.ts";
import type { Repository, WriteSession } from "../../src/repo/repository.ts";
import { START_MS } from "./repo.ts";

const text = (value: string) => new TextEncoder().encode(value);

export interface BuiltBase {
  readonly model: Oid;
  readonly tree: Oid;
}

/** Stores a model of a few bytes. */
export async function putBase(session: WriteSession, name = "base"): Promise<BuiltBase> {
  const bytes = text(`not really a model: ${name}`);
  const blob = await session.putBytes(bytes);
  const tree = await session.putRecord({
    kind: "tree",
    entries: [{ path: "model.onnx", blob, sizeBytes: bytes.length }],
  });
  return {
    tree,
    model: await session.putRecord({ kind: "model", format: "onnx", tree, entry: "model.onnx" }),
  };
}

export interface CommitSpec {
  readonly model: Oid;
  readonly parents: readonly Oid[];
  readonly timeMs: number;
  /** Bytes of the adapter; no adapter where absent. */
  readonly adapter?: Uint8Array;
  readonly message?: string;
}

/** Stores one version: adapter, snapshot, commit. */
export async function putCommit(
  session: WriteSession,
  { model, parents, timeMs, adapter, message = "a version" }: CommitSpec,
): Promise<Oid> {
  const adapters: Oid[] = [];
  if (adapter !== undefined) {
    const blob = await session.putBytes(adapter);
    const tree = await session.putRecord({
      kind: "tree",
      entries: [{ path: "adapter_model.safetensors", blob, sizeBytes: adapter.length }],
    });
    adapters.push(
      await session.putRecord({
        kind: "adapter",
        method: "lora",
        model,
        tree,
        entry: "adapter_model.safetensors",
      }),
    );
  }
  const snapshot = await session.putRecord({ kind: "snapshot", base: model, adapters });
  const commit: CommitRecord = {
    kind: "commit",
    snapshot,
    parents,
    author: { name: "Ada", email: "ada@example.org" },
    timeMs,
    message,
    datasets: [],
    environment: { ingot: "test" },
  };
  return session.putRecord(commit);
}

export interface BuildOptions {
  /** Called with the number of every commit that is made. */
  readonly onCommit?: (number: number) => void;
  /** Branch that the commits are made on. */
  readonly branch?: string;
  /** Makes the adapters differ from those of other builders. */
  readonly salt?: string;
}

/** Makes `count` versions one on the other, each by an operation of its own, as trainings would; the first is the base. */
export async function buildCommits(
  repo: Repository,
  count: number,
  { onCommit, branch = "main", salt = "" }: BuildOptions = {},
): Promise<readonly Oid[]> {
  const made: Oid[] = [];
  let model: Oid | undefined;
  for (let i = 0; i < count; i++) {
    const session = await repo.begin();
    model ??= (await putBase(session)).model;
    const tip = (await repo.refs()).oid(`heads/${branch}`);
    const oid = await putCommit(session, {
      model,
      parents: tip === undefined ? [] : [tip],
      timeMs: START_MS + i * 1000,
      message: `training ${i} ${salt}`,
      ...(i === 0 ? {} : { adapter: text(`adapter ${i} ${salt}`) }),
    });
    await session.publish((refs, next) => {
      const version = `v${next("version") - 1}`;
      const old = refs.get(`heads/${branch}`);
      const edits: RefEdit[] = [
        { ref: `tags/${version}`, new: { oid } },
        { ref: `heads/${branch}`, ...(old === undefined ? {} : { old }), new: { oid } },
      ];
      return { command: "train", edits };
    });
    made.push(oid);
    onCommit?.(i);
  }
  return made;
}
