import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";

/**
 * Workload W1, deterministic: a bfloat16 base model, five checkpoints of a float32 LoRA adapter, two full fine-tunes that leave about
 * 60 % of the values as they are, and a chat dataset in two versions (2.5 % of the lines changed, 2.5 % inserted).
 * `mib` is the size of the base; all else is in proportion.
 */
export function generateW1(folder, { mib = 64, seed = 1 } = {}) {
  const draw = (name) => sfc32(`${seed}:${name}`);
  const groups = { base: [], lora: [], fineTunes: [], data: [] };
  const add = (group, name) => {
    const file = path.join(folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    groups[group].push(file);
    return file;
  };
  writeModel(add("base", "base/model.safetensors"), mib, draw, "");
  writeAdapters(mib, draw, (version) => add("lora", `lora/adapter_v${version}.safetensors`));
  for (const tag of ["ft1", "ft2"]) writeModel(add("fineTunes", `${tag}/model.safetensors`), mib, draw, tag);
  writeChats(mib, draw, add("data", "data/train_v1.jsonl"), add("data", "data/train_v2.jsonl"));
  return groups;
}

/** Standard deviation of a fine-tune's update, in those of the tensor. */
const UPDATE_RATIO = 0.0019;
const STEP = 1 / 262144;

/** Chris Doty-Humphrey's sfc32, seeded by text. */
function sfc32(name) {
  const word = (part) =>
    createHash("sha256")
      .update(name + part)
      .digest()
      .readUInt32LE(0) | 0;
  let [a, b, c, count] = [word("a"), word("b"), word("c"), 1];
  const next = () => {
    const sum = (((a + b) | 0) + count) | 0;
    count = (count + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}

/** Quantiles of the normal distribution at 16385 points, by bisection of its distribution function. */
const QUANTILES = (() => {
  const table = new Float64Array(16385);
  for (let i = 0; i <= 16384; i++) {
    const p = Math.min(Math.max(i / 16384, 1e-6), 1 - 1e-6);
    let [low, high] = [-6, 6];
    for (let k = 0; k < 40; k++) {
      const middle = (low + high) / 2;
      if (distribution(middle) < p) low = middle;
      else high = middle;
    }
    table[i] = (low + high) / 2;
  }
  return table;
})();

/** Normal distribution function (Abramowitz and Stegun 7.1.26). */
function distribution(x) {
  const t = 1 / (1 + (0.3275911 * Math.abs(x)) / Math.SQRT2);
  const poly =
    ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  const tail = poly * Math.exp((-x * x) / 2);
  return x < 0 ? tail / 2 : 1 - tail / 2;
}

function normal(word) {
  const k = word >>> 18;
  const q = QUANTILES[k];
  return q + (QUANTILES[k + 1] - q) * (word & 0x3ffff) * STEP;
}

const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);

function toBf16(value) {
  f32[0] = value;
  return (u32[0] + 0x7fff + ((u32[0] >>> 16) & 1)) >>> 16;
}

function fromBf16(bits) {
  u32[0] = bits << 16;
  return f32[0];
}

function modelTensors(mib) {
  const hidden = mib >= 512 ? 2048 : mib >= 64 ? 1024 : 256;
  const inner = Math.round((hidden * 2.6875) / 64) * 64;
  const vocabulary = mib >= 512 ? 32000 : mib >= 64 ? 8000 : 1000;
  const layerBytes = (4 * hidden * hidden + 3 * hidden * inner + 2 * hidden) * 2;
  const layers = Math.max(1, Math.floor((mib * 1048576 - vocabulary * hidden * 2 - hidden * 2) / layerBytes));
  const tensors = [{ name: "model.embed_tokens.weight", shape: [vocabulary, hidden], mean: 0, std: 0.02 }];
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `model.layers.${layer}.`;
    const std = 0.02 * (0.7 + (0.6 * layer) / layers);
    const outStd = (std / Math.sqrt(2 * layers)) * 3;
    const add = (name, shape, mean, each) => tensors.push({ name: prefix + name, shape, mean, std: each });
    add("input_layernorm.weight", [hidden], 1, 0.1);
    add("mlp.down_proj.weight", [hidden, inner], 0, outStd);
    add("mlp.gate_proj.weight", [inner, hidden], 0, std);
    add("mlp.up_proj.weight", [inner, hidden], 0, std);
    for (const each of "koqv")
      add(`self_attn.${each}_proj.weight`, [hidden, hidden], 0, each === "o" ? outStd : std);
  }
  return { tensors, hidden };
}

const sizeOf = (shape) => shape.reduce((a, b) => a * b, 1);

function header(tensors, dtype, width) {
  let at = 0;
  const table = { __metadata__: { format: "pt" } };
  for (const { name, shape } of tensors) {
    const bytes = sizeOf(shape) * width;
    table[name] = { dtype, shape, data_offsets: [at, at + bytes] };
    at += bytes;
  }
  const text = JSON.stringify(table);
  const padded = Buffer.from(text + " ".repeat((8 - (text.length % 8)) % 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, padded]);
}

function writeParts(file, parts) {
  const fd = fs.openSync(file, "w");
  for (const part of parts) fs.writeSync(fd, part);
  fs.closeSync(fd);
}

function writeModel(file, mib, draw, tag) {
  const { tensors } = modelTensors(mib);
  writeParts(
    file,
    (function* () {
      yield header(tensors, "BF16", 2);
      for (const { name, shape, mean, std } of tensors) {
        const values = new Uint16Array(sizeOf(shape));
        const first = draw(name);
        const update = tag === "" ? undefined : draw(tag + name);
        for (let i = 0; i < values.length; i++) {
          let bits = toBf16(mean + std * normal(first()));
          if (update !== undefined) bits = toBf16(fromBf16(bits) + UPDATE_RATIO * std * normal(update()));
          values[i] = bits;
        }
        yield Buffer.from(values.buffer);
      }
    })(),
  );
}

function writeAdapters(mib, draw, fileOf) {
  const rank = 16;
  const { hidden } = modelTensors(mib);
  const layers = Math.max(1, Math.round((mib * 1048576) / 51.2 / (4 * 2 * rank * hidden * 4)));
  const tensors = [];
  for (let layer = 0; layer < layers; layer++) {
    for (const each of "koqv") {
      const prefix = `base_model.model.model.layers.${layer}.self_attn.${each}_proj.`;
      tensors.push({ name: `${prefix}lora_A.weight`, shape: [rank, hidden], std: 0.0127 });
      tensors.push({ name: `${prefix}lora_B.weight`, shape: [hidden, rank], std: 0.004 });
    }
  }
  const values = tensors.map(({ name, shape, std }) => {
    const next = draw(`lora${name}`);
    return Float32Array.from({ length: sizeOf(shape) }, () => std * normal(next()));
  });
  [1, 0.08, 0.04, 0.02, 0.01].forEach((share, i) => {
    if (i > 0) {
      tensors.forEach(({ name, std }, t) => {
        const next = draw(`step${i}${name}`);
        const tensor = values[t];
        for (let k = 0; k < tensor.length; k++) tensor[k] += share * std * normal(next());
      });
    }
    writeParts(fileOf(i + 1), [
      header(tensors, "F32", 4),
      ...values.map((tensor) => Buffer.from(tensor.buffer)),
    ]);
  });
}

const SYLLABLES =
  "ba be bi bo bu ca ce co da de di do fa fe ga go ha he hi in ka ke la le li lo ma me mi mo na ne ni no on or pa pe po ra re ri ro sa se si so ta te ti to un va ve wa we za".split(
    " ",
  );

function writeChats(mib, draw, firstFile, secondFile) {
  const targetBytes = (mib / 1024) * 200e6;
  const letters = draw("words");
  const words = Array.from({ length: 20_000 }, () =>
    Array.from({ length: 1 + (letters() % 4) }, () => SYLLABLES[letters() % SYLLABLES.length]).join(""),
  );
  // Words are as frequent as their rank makes them (Zipf).
  const word = (next) =>
    words[Math.min(19_999, Math.floor(Math.exp((next() / 4294967296) * Math.log(20_000)) - 1))];
  const text = (next, sentences) =>
    Array.from(
      { length: sentences },
      () => `${Array.from({ length: 5 + (next() % 14) }, () => word(next)).join(" ")}.`,
    ).join(" ");
  const line = (id, next) =>
    `${JSON.stringify({
      id: `ex-${String(id).padStart(8, "0")}`,
      messages: [
        { role: "system", content: "You are a helpful assistant." },
        { role: "user", content: text(next, 1 + (next() % 3)) },
        { role: "assistant", content: text(next, 2 + (next() % 6)) },
      ],
      score: Math.floor((next() / 4294967296) * 1000) / 1000,
    })}\n`;
  const [next, change] = [draw("jsonl"), draw("jsonl2")];
  const [first, second] = [[], []];
  for (let bytes = 0, id = 0; bytes < targetBytes; id++) {
    const row = line(id, next);
    bytes += row.length;
    first.push(row);
    const dice = change() % 1000;
    if (dice < 50) second.push(line(dice < 25 ? id : 10_000_000 + id, change));
    if (dice >= 25) second.push(row);
  }
  fs.writeFileSync(firstFile, first.join(""));
  fs.writeFileSync(secondFile, second.join(""));
}
