/** The library: the same commands that the command line calls, as functions of (context, options). */
export { type ErrorCode, IngotError } from "./base/errors.ts";
export { hashBytes } from "./base/hash.ts";
export { type Oid, parseOid } from "./base/oid.ts";
export { checkoutFiles } from "./commands/checkout-files.ts";
export type { Context } from "./commands/context.ts";
export { addData } from "./commands/data/add.ts";
export { evolution } from "./commands/evolution.ts";
export { importPath } from "./commands/import.ts";
export { init } from "./commands/init.ts";
export { log } from "./commands/log.ts";
export { openContext } from "./commands/open-context.ts";
export { runVersion } from "./commands/run.ts";
export { reproduce } from "./commands/train/reproduce.ts";
export { train } from "./commands/train/train.ts";
export type { AnyRecord, CommitRecord, RecordKind } from "./objects/records.ts";
export { openRepository } from "./repo/open.ts";
export type { Repository } from "./repo/repository.ts";
export type { TrainEvent, TrainPlan } from "./train/events.ts";
