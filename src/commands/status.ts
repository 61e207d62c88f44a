import path from "node:path";
import type { Oid } from "../base/oid.ts";
import type { Plain } from "../objects/records.ts";
import type { RefTable, Repository } from "../repo/repository.ts";
import { openFileSystemStorage } from "../storage/file-system.ts";
import type { Context } from "./context.ts";
import { untrainedDatasets } from "./data/untrained.ts";
import { REPOSITORY_FOLDER } from "./open-context.ts";
import { type Serving, servingVersion } from "./serving.ts";
import { unfinishedRuns } from "./train/runs.ts";
import { callVersion, indexVersions, readHead } from "./versions.ts";

export interface RefAt {
  readonly version: string;
  readonly commit: Oid;
}

export interface UnfinishedRun {
  readonly run: string;
  readonly step: number;
  readonly steps?: number;
  readonly datasets: readonly string[];
}

export interface Status {
  readonly root: string;
  readonly head: {
    readonly branch?: string;
    readonly version?: string;
    readonly commit?: Oid;
    readonly detached: boolean;
  };
  /** The next training: its number, what it builds on, and whether that is a base model. */
  readonly next: { readonly version: string; readonly on?: string; readonly fromBase: boolean };
  readonly production?: RefAt;
  readonly staging?: RefAt;
  /** Which version answers: production, else staging, else latest. */
  readonly serves?: Serving;
  readonly versions: number;
  readonly unfinished: readonly UnfinishedRun[];
  /** Datasets that no version has been trained on. */
  readonly untrained: readonly { readonly name: string; readonly dataset: Oid }[];
  readonly freeBytes?: number;
}

/** What is checked out, serving, unfinished and waiting. Reads a handful of records, whatever the size of the repository. */
export async function status(context: Context): Promise<Status> {
  const repo = await context.openRepository();
  const refs = await repo.refs();
  const index = indexVersions(refs);
  const head = readHead(refs);
  const at = (ref: string): RefAt | undefined => {
    const commit = refs.oid(ref);
    return commit === undefined ? undefined : { version: callVersion(index, commit), commit };
  };
  const production = at("production");
  const staging = at("staging");
  const serves = await servingVersion(repo, refs);
  const freeBytes = await freeBytesAt(path.join(context.root ?? context.cwd, REPOSITORY_FOLDER));
  const onCommit = head.commit === undefined ? undefined : await repo.readRecord(head.commit, "commit");
  const snapshot = onCommit === undefined ? undefined : await repo.readRecord(onCommit.snapshot, "snapshot");
  return {
    root: context.root ?? context.cwd,
    head: {
      ...(head.branch === undefined ? {} : { branch: head.branch }),
      ...(head.commit === undefined ? {} : { version: callVersion(index, head.commit), commit: head.commit }),
      detached: head.branch === undefined,
    },
    next: {
      version: `v${refs.counter("version")}`,
      ...(head.commit === undefined ? {} : { on: callVersion(index, head.commit) }),
      fromBase: snapshot !== undefined && snapshot.adapters.length === 0,
    },
    ...(production === undefined ? {} : { production }),
    ...(staging === undefined ? {} : { staging }),
    ...(serves === undefined ? {} : { serves }),
    versions: index.listed.length,
    unfinished: await describeRuns(repo, refs),
    untrained: await untrainedDatasets(repo, refs),
    ...(freeBytes === undefined ? {} : { freeBytes }),
  };
}

async function freeBytesAt(folder: string): Promise<number | undefined> {
  const storage = openFileSystemStorage(folder);
  try {
    return await storage.freeBytes();
  } finally {
    await storage.close();
  }
}

async function describeRuns(repo: Repository, refs: RefTable): Promise<readonly UnfinishedRun[]> {
  const described: UnfinishedRun[] = [];
  for (const { run, checkpoints } of unfinishedRuns(refs)) {
    const newest = checkpoints.at(-1)!;
    const { plan, recipe } = await repo.readRecord(newest.oid, "checkpoint");
    const steps = recipe.max_steps;
    described.push({
      run,
      step: newest.step,
      ...(typeof steps === "number" ? { steps } : {}),
      datasets: namesIn(plan.datasets),
    });
  }
  return described;
}

/** Names of the datasets a run was given to train on. */
function namesIn(datasets: Plain | undefined): readonly string[] {
  if (!Array.isArray(datasets)) return [];
  return datasets.flatMap((d: Plain) => {
    if (typeof d !== "object" || d instanceof Uint8Array || Array.isArray(d)) return [];
    const { name, role } = d as { readonly [key: string]: Plain };
    return typeof name === "string" && role !== "replay" ? [name] : [];
  });
}
