import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { makeNode } from "../src/onnx/edit.ts";
import { encodeModel } from "../src/onnx/encode.ts";
import { openRuntime } from "../src/runtime/ort.ts";
import { openScratch } from "../src/storage/scratch.ts";
import { PreparedRun } from "../src/train/run.ts";
import { countParameters, llamaModel } from "./llama-model.ts";

// A step of LoRA on all seven projections of a Llama-like model of 31.7 M parameters, batch 4 x 128 tokens, against the rate of
// ONNX Runtime's own matrix product on this machine in the same run.
const SHAPE = { vocabulary: 8192, width: 512, layers: 8, heads: 8, feedForward: 1216 };
const BATCH = 4;
const TOKENS = 128;
const WARM = 2;

const argument = (name: string, fallback: number): number => {
  const i = process.argv.indexOf(`--${name}`);
  return i < 0 ? fallback : Number(process.argv[i + 1]);
};
const threads = argument("threads", 2);
const steps = argument("steps", 8);
const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

const runtime = await openRuntime();

/** GFLOP/s of [512, 2048] x [2048, 2048]. */
async function productRate(): Promise<number> {
  const [m, k, n] = [512, 2048, 2048];
  const model = {
    irVersion: 8,
    opsets: new Map([["", 18]]),
    functions: new Map(),
    metadata: new Map(),
    producer: "ingot bench",
    graph: {
      name: "product",
      nodes: [makeNode("MatMul", ["a", "b"], ["c"])],
      inputs: [
        { name: "a", dtype: "float32" as const, dims: [m, k] },
        { name: "b", dtype: "float32" as const, dims: [k, n] },
      ],
      outputs: [{ name: "c" }],
      initializers: new Map(),
    },
  };
  const session = await runtime.open(encodeModel(model), { threads, optimize: "all" });
  const feeds = new Map([
    ["a", { dtype: "float32" as const, dims: [m, k], data: new Float32Array(m * k).fill(0.5) }],
    ["b", { dtype: "float32" as const, dims: [k, n], data: new Float32Array(k * n).fill(0.5) }],
  ]);
  const seconds: number[] = [];
  for (let i = 0; i < 12; i++) {
    const started = performance.now();
    await session.run(feeds);
    seconds.push((performance.now() - started) / 1000);
  }
  await session.close();
  return (2 * m * k * n) / median(seconds) / 1e9;
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ingot-bench-"));
try {
  const before = await productRate();
  const scratch = await openScratch(folder);
  const bytes = llamaModel(SHAPE);
  await scratch.write("model", bytes);
  const rows = Array.from({ length: 32 }, (_, row) => {
    const ids = Array.from(
      { length: TOKENS },
      (_, i) => 1 + ((row * 7919 + i * 104_729) % (SHAPE.vocabulary - 1)),
    );
    return JSON.stringify({ input_ids: ids, labels: ids });
  });
  await scratch.write("rows", new TextEncoder().encode(`${rows.join("\n")}\n`));
  const { readExamples } = await import("../src/text/dataset-file.ts");
  const source = (await scratch.open("rows"))!;
  const ids: string[] = [];
  for await (const example of readExamples(source, "rows.jsonl")) ids.push(example.id);
  await source.close();
  let peak = 0;
  const run = await PreparedRun.prepare(
    {
      model: { folder, entry: "model.onnx", files: [{ path: "model.onnx", name: "model" }], id: "bench" },
      adapters: [],
      stack: false,
      datasets: [
        {
          name: "rows",
          oid: "",
          role: "train",
          format: "tokens",
          options: {},
          files: [{ path: "rows.jsonl", name: "rows" }],
          train: ids,
          heldOut: [],
        },
      ],
      given: {
        task: "text-generation",
        per_device_train_batch_size: BATCH,
        max_steps: steps + WARM,
        r: 16,
        target_modules: ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
      },
      threads,
      probe: "none",
      regressed: [],
    },
    {
      runtime,
      scratch,
      nowMs: () => performance.now(),
      memoryBytes: () => process.memoryUsage().rss,
      environment: {},
      label: "bench",
    },
  );
  const seconds: number[] = [];
  for await (const event of run.execute(() => false)) {
    if (event.event !== "step") continue;
    peak = Math.max(peak, event.memoryBytes);
    if (event.step > WARM) seconds.push(event.durationMs / 1000);
  }
  const rate = (before + (await productRate())) / 2;
  const { products, all } = countParameters(SHAPE);
  const step = median(seconds);
  const flops = (4 * products * BATCH * TOKENS) / step / 1e9;
  const weightBytes = all * 4;
  const peakRss = process.resourceUsage().maxRSS * 1024;
  console.log(
    `model ${(all / 1e6).toFixed(1)} M parameters (${(products / 1e6).toFixed(1)} M in products), LoRA r 16 on 7 projections, ${BATCH} x ${TOKENS} tokens, ${threads} threads`,
  );
  console.log(
    `step ${step.toFixed(3)} s   ${Math.round((BATCH * TOKENS) / step)} tokens/s   ${flops.toFixed(0)} GFLOP/s = ${((100 * flops) / rate).toFixed(0)} % of the runtime's own MatMul (${rate.toFixed(0)} GFLOP/s)`,
  );
  console.log(
    `peak memory ${(peakRss / 1e6).toFixed(0)} MB = ${(peakRss / weightBytes).toFixed(2)} x the weights (${(weightBytes / 1e6).toFixed(0)} MB)`,
  );
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
