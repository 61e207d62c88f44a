import path from "node:path";
import { IngotError } from "../../base/errors.ts";
import { decodeModel } from "../../onnx/decode.ts";
import { readUserFile, userPathKind } from "../../storage/files.ts";
import { listUserFolder } from "../../storage/user-folder.ts";
import { externalFiles } from "../external-files.ts";

const MAX_ONNX_BYTES = 2 ** 31 - 1;
/** Weights in other formats, and what never belongs to a model that runs: pickles are not even read. */
const NOT_MODEL =
  /\.(onnx|onnx_data|onnx\.data|data|bin|pt|pth|ckpt|pkl|pickle|joblib|safetensors|h5|msgpack|gguf|npy|npz|tflite|pb|zip|tar|gz)$/i;

/** What of a folder is the model. */
export interface ModelFiles {
  readonly folder: string;
  readonly entry: string;
  readonly paths: readonly string[];
  readonly skipped: readonly string[];
}

/**
 * The files of a model: its entry, the weight files that it names, and what lies beside it and is no model of another kind. Throws
 * `file.missing`, `input.format` where there is no ONNX file, `usage.argument` where there are several and none is named.
 */
export async function findModelFiles(
  target: string,
  kind: "file" | "folder",
  wantedEntry: string | undefined,
): Promise<ModelFiles> {
  const folder = kind === "file" ? path.dirname(target) : target;
  const listed = kind === "file" ? [path.basename(target)] : listUserFolder(folder).map((f) => f.path);
  const entry = kind === "file" ? path.basename(target) : chooseEntry(listed, wantedEntry, target);
  const bytes = await readUserFile(path.join(folder, entry), MAX_ONNX_BYTES);
  const external = externalFiles(decodeModel(bytes), entry);
  for (const file of external) {
    if (userPathKind(path.join(folder, file)) !== "file") {
      throw new IngotError("file.missing", `the model reads '${file}', which is not there`, {
        hint: "put the weights file beside the model",
        data: { where: `${entry}: external data` },
      });
    }
  }
  const beside = listed.filter((p) => p !== entry && !external.includes(p));
  const skipped = beside.filter((p) => NOT_MODEL.test(p));
  return {
    folder,
    entry,
    paths: [entry, ...external, ...beside.filter((p) => !NOT_MODEL.test(p))].sort(),
    skipped,
  };
}

/** Entry of a folder: as told, `onnx/model.onnx`, `model.onnx`, or the only `*.onnx`. */
function chooseEntry(paths: readonly string[], wanted: string | undefined, folder: string): string {
  const models = paths.filter((p) => p.endsWith(".onnx"));
  if (wanted !== undefined) {
    if (!paths.includes(wanted))
      throw new IngotError("file.missing", `no '${wanted}' in '${folder}'`, {
        hint: models.length > 0 ? `--entry ${models[0]}` : "check the folder",
      });
    return wanted;
  }
  for (const usual of ["onnx/model.onnx", "model.onnx"]) if (paths.includes(usual)) return usual;
  const [only, ...others] = models;
  if (only === undefined) {
    throw new IngotError("input.format", `no ONNX file in '${folder}'`, {
      hint: "export the model first: optimum-cli export onnx --model NAME DIR",
      data: { where: folder },
    });
  }
  if (others.length > 0)
    throw new IngotError("usage.argument", `'${folder}' holds ${models.length} ONNX files`, {
      hint: `say which: --entry ${only}`,
      data: { where: models.slice(0, 8).join(", ") },
    });
  return only;
}
