import type { Invocation } from "./invocation.ts";

/** What runs a verb; gives an exit code where it is not 0. */
export interface Verb {
  run(invocation: Invocation): Promise<undefined | number>;
}

/** Loads what runs each verb, by its name; nothing heavy is loaded before. */
export const LOADERS: Readonly<Record<string, () => Promise<Verb>>> = {
  branch: () => import("./verbs/branch.ts"),
  "cat-object": () => import("./verbs/cat-object.ts"),
  checkout: () => import("./verbs/checkout.ts"),
  clone: () => import("./verbs/clone.ts"),
  completion: () => import("./verbs/completion.ts"),
  "config get": () => import("./verbs/config-get.ts"),
  "config list": () => import("./verbs/config-list.ts"),
  "config set": () => import("./verbs/config-set.ts"),
  "data add": () => import("./verbs/data-add.ts"),
  "data list": () => import("./verbs/data-list.ts"),
  "data show": () => import("./verbs/data-show.ts"),
  diff: () => import("./verbs/diff.ts"),
  evolution: () => import("./verbs/evolution.ts"),
  fsck: () => import("./verbs/fsck.ts"),
  gc: () => import("./verbs/gc.ts"),
  grad: () => import("./verbs/grad.ts"),
  "hash-object": () => import("./verbs/hash-object.ts"),
  help: () => import("./verbs/help.ts"),
  import: () => import("./verbs/import.ts"),
  init: () => import("./verbs/init.ts"),
  log: () => import("./verbs/log.ts"),
  "ls-objects": () => import("./verbs/ls-objects.ts"),
  promote: () => import("./verbs/promote.ts"),
  pull: () => import("./verbs/pull.ts"),
  push: () => import("./verbs/push.ts"),
  reflog: () => import("./verbs/reflog.ts"),
  "remote add": () => import("./verbs/remote-add.ts"),
  "remote list": () => import("./verbs/remote-list.ts"),
  "remote rm": () => import("./verbs/remote-rm.ts"),
  reproduce: () => import("./verbs/reproduce.ts"),
  "rev-parse": () => import("./verbs/rev-parse.ts"),
  rm: () => import("./verbs/rm.ts"),
  rollback: () => import("./verbs/rollback.ts"),
  run: () => import("./verbs/run.ts"),
  "show-ref": () => import("./verbs/show-ref.ts"),
  show: () => import("./verbs/show.ts"),
  status: () => import("./verbs/status.ts"),
  tag: () => import("./verbs/tag.ts"),
  train: () => import("./verbs/train.ts"),
  undo: () => import("./verbs/undo.ts"),
};
