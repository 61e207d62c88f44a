import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { decodeModel } from "../../src/onnx/decode.ts";
import type { Tensor } from "../../src/onnx/model.ts";
import { intTensor, numbersOf } from "../../src/onnx/tensors.ts";
import type { TrainEvent } from "../../src/train/events.ts";
import { ingot, ingotEvents, temporaryFolder } from "../support/cli.ts";
import { type NumberTensor, readNumbers, readTensors, writeTensors } from "../support/safetensors-file.ts";

/**
 * Tiny models of real architectures with a training run recorded from PyTorch (and PEFT), as `expected.json` and
 * `expected.safetensors` beside them say; the program must arrive at the same numbers within the tolerances stated there.
 */
const GOLDEN = fileURLToPath(new URL("../vectors/golden", import.meta.url));

interface Expected {
  readonly losses: readonly number[];
  readonly grad_norms: readonly number[];
  readonly learning_rates: readonly number[];
  readonly weights: Readonly<
    Record<string, readonly { readonly tensor: string; readonly transposed: boolean }[]>
  >;
  readonly tolerances: {
    readonly loss_absolute: number;
    readonly grad_norm_relative: number;
    readonly logits_before_absolute: number;
    readonly logits_after_absolute: number;
    readonly final_absolute: Readonly<Record<string, number>>;
    readonly final_rms: Readonly<Record<string, number>>;
  };
}

interface Recipe {
  readonly method: "lora" | "full";
  readonly per_device_train_batch_size: number;
  readonly shuffle: boolean;
  readonly label_shift: number;
}

function readJson<T>(...parts: readonly string[]): T {
  return JSON.parse(fs.readFileSync(path.join(...parts), "utf8")) as T;
}

/** First `size` rows of the data, as the tensors a user would hand to `run --input`. */
async function firstBatch(folder: string, size: number): Promise<ReadonlyMap<string, Tensor>> {
  const tensorFile = path.join(folder, "data.safetensors");
  if (fs.existsSync(tensorFile)) {
    const all = [...(await readTensors(tensorFile))].filter(([name]) => name !== "labels");
    return new Map(all.map(([name, tensor]) => [name, firstRows(tensor, size)]));
  }
  const rows = fs
    .readFileSync(path.join(folder, "data.jsonl"), "utf8")
    .trim()
    .split("\n")
    .slice(0, size)
    .map((line) => JSON.parse(line) as Record<string, readonly number[]>);
  const names = Object.keys(rows[0] ?? {}).filter((name) => name !== "labels");
  return new Map(
    names.map((name) => [
      name,
      intTensor(
        [size, rows[0]?.[name]?.length ?? 0],
        rows.flatMap((row) => row[name] ?? []),
      ),
    ]),
  );
}

function firstRows(tensor: Tensor, size: number): Tensor {
  if (tensor.data.at !== "memory") throw new Error("a tensor outside its file");
  const bytes = tensor.data.bytes.slice(0, (tensor.data.bytes.length / tensor.dims[0]!) * size);
  return { ...tensor, dims: [size, ...tensor.dims.slice(1)], data: { at: "memory", bytes } };
}

/** Trained weights under the names of the recording: from the adapter, or from the ONNX file written after full training. */
async function finalWeights(
  out: string,
  expected: Expected,
  method: string,
): Promise<ReadonlyMap<string, NumberTensor>> {
  if (method === "lora") return readNumbers(path.join(out, "adapter_model.safetensors"));
  const { graph } = decodeModel(new Uint8Array(fs.readFileSync(path.join(out, "model.onnx"))));
  const weights = new Map<string, NumberTensor>();
  for (const [name, [place]] of Object.entries(expected.weights)) {
    const tensor = place === undefined ? undefined : graph.initializers.get(place.tensor);
    if (place === undefined || tensor === undefined) continue;
    const values = numbersOf(tensor);
    const [rows = 0, columns = 0] = tensor.dims;
    weights.set(
      name,
      place.transposed
        ? {
            dims: [columns, rows],
            values: values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!),
          }
        : { dims: tensor.dims, values },
    );
  }
  return weights;
}

/** Largest difference where `counts` says so. */
function worst(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  counts: (i: number) => boolean = () => true,
): number {
  expect(a.length).toBe(b.length);
  let most = 0;
  for (let i = 0; i < b.length; i++) if (counts(i)) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
}

async function logitsOf(repo: string, revision: string, input: string): Promise<readonly number[]> {
  const out = path.join(repo, `${revision}.safetensors`);
  await ingot(repo, ["run", revision, "--input", input, "--out", out]);
  const outputs = await readNumbers(out);
  return (outputs.get("logits") ?? [...outputs.values()][0])?.values ?? [];
}

describe("a training recorded from PyTorch", () => {
  const cases = fs
    .readdirSync(GOLDEN)
    .filter((name) => fs.existsSync(path.join(GOLDEN, name, "expected.json")));
  it.each(cases)("%s: losses, gradient norms, rates, weights and logits", async (name) => {
    const folder = path.join(GOLDEN, name);
    const expected = readJson<Expected>(folder, "expected.json");
    const { shuffle, label_shift: _, ...keys } = readJson<Recipe>(folder, "recipe.json");
    const tensors = await readNumbers(path.join(folder, "expected.safetensors"));
    const { tolerances } = expected;
    const { folder: repo, remove } = temporaryFolder();

    await ingot(repo, ["init"]);
    await ingot(repo, ["import", path.join(folder, "model")]);
    if (keys.method === "lora")
      await ingot(repo, ["import", path.join(folder, "adapter-init"), "--onto", "v0"]);
    const before = keys.method === "lora" ? "v1" : "v0";
    const data = ["data.jsonl", "data.safetensors"]
      .map((file) => path.join(folder, file))
      .find((file) => fs.existsSync(file));
    await ingot(repo, ["data", "add", data ?? "", "--name", "rows", "--eval", "none"]);
    const recipe = path.join(repo, "recipe.json");
    fs.writeFileSync(recipe, JSON.stringify({ ...keys, order: shuffle ? "shuffled" : "sequential" }));

    const batch = await firstBatch(folder, keys.per_device_train_batch_size);
    const input = path.join(repo, "in.safetensors");
    writeTensors(input, batch);
    const mask = batch.get("attention_mask");
    const real = mask === undefined ? undefined : numbersOf(mask);
    const compareLogits = async (revision: string, key: string, allowed: number): Promise<void> => {
      const want = tensors.get(key) ?? { dims: [], values: [] };
      const width = want.values.length / (real?.length ?? 1);
      const counts = (i: number) =>
        real === undefined || want.dims.length < 3 || real[Math.floor(i / width)] === 1;
      expect(worst(await logitsOf(repo, revision, input), want.values, counts), key).toBeLessThanOrEqual(
        allowed,
      );
    };
    await compareLogits("v0", "logits.base", tolerances.logits_before_absolute);
    if (tensors.has("logits.before"))
      await compareLogits(before, "logits.before", tolerances.logits_before_absolute);

    const train = ["train", "rows", "--recipe", recipe, "--probe", "none", "--yes"];
    const events = await ingotEvents<TrainEvent>(repo, train);
    const steps = events.filter((e) => e.event === "step");
    expect(
      worst(
        steps.map((s) => s.loss),
        expected.losses,
      ),
    ).toBeLessThanOrEqual(tolerances.loss_absolute);
    const norms = steps.map((s, i) => s.grad_norm / expected.grad_norms[i]!);
    expect(
      worst(
        norms,
        norms.map(() => 1),
      ),
    ).toBeLessThanOrEqual(tolerances.grad_norm_relative);
    expect(
      worst(
        steps.map((s) => s.learning_rate),
        expected.learning_rates,
      ),
    ).toBeLessThanOrEqual(1e-9);

    const done = events.at(-1);
    if (done?.event !== "done") throw new Error(`ended with ${JSON.stringify(done)}`);
    const out = path.join(repo, "out");
    await ingot(repo, ["checkout", done.version, out]);
    const weights = await finalWeights(out, expected, keys.method);
    for (const [key, want] of tensors) {
      if (!key.startsWith("final.")) continue;
      const weight = key.slice("final.".length);
      const got = weights.get(weight);
      expect(got?.dims, weight).toEqual(want.dims);
      const off = want.values.map((v, i) => Math.abs(v - got!.values[i]!));
      const rms = Math.sqrt(off.reduce((sum, d) => sum + d * d, 0) / off.length);
      expect(Math.max(...off), weight).toBeLessThanOrEqual(tolerances.final_absolute[weight]!);
      expect(rms, weight).toBeLessThanOrEqual(tolerances.final_rms[weight]!);
    }
    await compareLogits(done.version, "logits.after", tolerances.logits_after_absolute);
    remove();
  });
});
