import { bytesSource, type Scratch } from "../../src/base/ports.ts";

/** A scratch folder that is only a map, for code that opens nothing by path. */
export function memoryScratch(files: ReadonlyMap<string, Uint8Array>): Scratch {
  const held = new Map(files);
  return {
    folder: "/nowhere",
    path: (name) => `/nowhere/${name}`,
    write: async (name, chunks) => {
      if (!(chunks instanceof Uint8Array)) throw new Error("chunks are not kept");
      held.set(name, chunks);
    },
    open: async (name) => {
      const bytes = held.get(name);
      return bytes === undefined ? undefined : { ...bytesSource(bytes), close: async () => {} };
    },
    remove: async (name) => void held.delete(name),
  };
}
