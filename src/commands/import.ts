import path from "node:path";
import { IngotError } from "../base/errors.ts";
import { userPathKind } from "../storage/files.ts";
import type { Context } from "./context.ts";
import { importAdapter } from "./import/adapter.ts";
import { importModel } from "./import/model.ts";
import type { ImportOptions, ImportResult } from "./import/result.ts";

export type { ImportResult } from "./import/result.ts";

/** Imports a base model (folder in HF layout, or an `.onnx` file) or a PEFT adapter as a new version, after it was loaded and run once. */
export async function importPath(context: Context, options: ImportOptions): Promise<ImportResult> {
  const target = path.resolve(context.cwd, options.path);
  const kind = userPathKind(target);
  if (kind === undefined)
    throw new IngotError("file.missing", `no file or folder '${options.path}'`, { data: { where: target } });
  if (kind === "folder" && userPathKind(path.join(target, "adapter_config.json")) === "file")
    return importAdapter(context, target, options);
  return importModel(context, target, kind, options);
}
