import path from "node:path";
import type { Oid } from "../base/oid.ts";
import type { Repository } from "../repo/repository.ts";
import { openFileSystemStorage } from "../storage/file-system.ts";
import type { Context } from "./context.ts";
import { listDatasets } from "./datasets.ts";
import { REPOSITORY_FOLDER } from "./open-context.ts";
import { type Serving, servingVersion } from "./serving.ts";
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
  readonly head: { readonly branch?: string; readonly version?: string; readonly commit?: Oid; readonly detached: boolean };
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
    unfinished: await unfinishedRuns(repo, refs),
    untrained: (await listDatasets(repo, refs)).filter((d) => d.newest && !d.trained).map(({ name, dataset }) => ({ name, dataset })),
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

/** Trainings with checkpoints: begun, not finished. */
export async function unfinishedRuns(repo: Repository, refs: Awaited<ReturnType<Repository["refs"]>>): Promise<readonly UnfinishedRun[]> {
  const newest = new Map<string, { step: number; oid: Oid }>();
  for (const { name, value } of refs.list("runs/")) {
    const [, run = "", step = "0"] = name.split("/");
    if ("oid" in value && (newest.get(run)?.step ?? -1) <= Number(step)) newest.set(run, { step: Number(step), oid: value.oid });
  }
  const runs: UnfinishedRun[] = [];
  for (const [run, { step, oid }] of newest) {
    const { plan } = await repo.readRecord(oid, "checkpoint");
    const names = Array.isArray(plan.names) ? plan.names.filter((n): n is string => typeof n === "string") : [];
    runs.push({ run, step, ...(typeof plan.steps === "number" ? { steps: plan.steps } : {}), datasets: names });
  }
  return runs;
}
