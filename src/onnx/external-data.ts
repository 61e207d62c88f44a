import { IngotError } from "../base/errors.ts";

/** Where a tensor's bytes are, as `TensorProto.external_data` says it. */
export interface ExternalRef {
  readonly path: string;
  readonly offset: number;
  /** Absent: to the end of the file. */
  readonly length?: number;
}

const MAX_LOCATION = 1024;

/**
 * Why a `location` is refused; undefined where it is a plain relative path inside the model's own folder. The runtime reads files by
 * these names, so nothing that could leave the folder, name a device, or stand for memory may pass.
 */
export function locationFault(location: string): string | undefined {
  if (location === "") return "is empty";
  if (location.length > MAX_LOCATION) return `is longer than ${MAX_LOCATION} characters`;
  if (/[\x00-\x1f\x7f]/.test(location)) return "holds control characters";
  if (location.includes("_ORT_MEM_ADDR_")) return "stands for an address in memory";
  if (location.includes("\\")) return "holds a backslash";
  if (location.includes(":")) return "holds a colon (a drive, a scheme or a stream)";
  if (location.startsWith("/")) return "is absolute";
  const parts = location.split("/");
  if (parts.some((part) => part === "")) return "has an empty part";
  if (parts.some((part) => part === "." || part === "..")) return "has a part '.' or '..'";
  return undefined;
}

/** The checked reference behind the key-value pairs of a tensor. Throws `input.model` naming the tensor. Unknown keys are ignored. */
export function parseExternalData(tensor: string, entries: ReadonlyMap<string, string>): ExternalRef {
  const location = entries.get("location") ?? "";
  const fault = locationFault(location);
  if (fault !== undefined) {
    throw new IngotError(
      "input.model",
      `external data of tensor '${tensor}': location '${location.slice(0, 200)}' ${fault}`,
      {
        hint: "put the weights file beside the model and export again",
        data: { where: `tensor '${tensor}'`, tensor },
      },
    );
  }
  const offset = parseCount(tensor, "offset", entries.get("offset") ?? "0");
  const length = entries.get("length");
  return {
    path: location,
    offset,
    ...(length === undefined ? {} : { length: parseCount(tensor, "length", length) }),
  };
}

function parseCount(tensor: string, key: string, text: string): number {
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) {
    throw new IngotError(
      "input.model",
      `external data of tensor '${tensor}': ${key} '${text.slice(0, 40)}' is not a count of bytes`,
      {
        data: { where: `tensor '${tensor}'`, tensor },
      },
    );
  }
  return value;
}
