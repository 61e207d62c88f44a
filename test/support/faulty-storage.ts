import { IngotError } from "../../src/base/errors.ts";
import type { Storage, StorageWriter } from "../../src/storage/port.ts";

export interface FaultPlan {
  /** Number of the write that fails, from 1. */
  readonly at: number;
  /** `before`: nothing of it happens; `after`: it happens and its caller never hears so. */
  readonly when: "before" | "after";
  /** True: every later write fails too, as after a crash. False: only this one, as on a disk error. */
  readonly sticky: boolean;
}

export interface FaultyStorage {
  readonly storage: Storage;
  /** True once the fault has struck. */
  struck(): boolean;
}

/** A storage whose n-th write fails. Reads always work. */
export function faultyStorage(inner: Storage, plan: FaultPlan): FaultyStorage {
  let writes = 0;
  let struck = false;
  const guard = async <T>(write: () => Promise<T>): Promise<T> => {
    writes++;
    const fails = writes === plan.at || (plan.sticky && writes > plan.at);
    if (!fails) return write();
    if (plan.when === "after" && writes === plan.at) await write();
    struck = true;
    throw new IngotError("environment.io", `write ${writes} fails, as planned`);
  };
  const guardWriter = (writer: StorageWriter): StorageWriter => ({
    write: (bytes) => guard(() => writer.write(bytes)),
    commit: (key) => guard(() => writer.commit(key)),
    abort: () => writer.abort(),
  });
  return {
    struck: () => struck,
    storage: {
      location: inner.location,
      read: (key) => inner.read(key),
      readRange: (key, offset, length) => inner.readRange(key, offset, length),
      stat: (key) => inner.stat(key),
      list: (prefix) => inner.list(prefix),
      put: (key, bytes) => guard(() => inner.put(key, bytes)),
      putIfAbsent: (key, bytes) => guard(() => inner.putIfAbsent(key, bytes)),
      openWriter: async (key) => guardWriter(await guard(() => inner.openWriter(key))),
      delete: (key) => guard(() => inner.delete(key)),
      freeBytes: () => inner.freeBytes(),
      close: () => inner.close(),
    },
  };
}
