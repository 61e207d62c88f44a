import { IngotError } from "../base/errors.ts";
import type { ValueInfo } from "../onnx/model.ts";
import { widenToFloat32 } from "../onnx/tensors.ts";
import type { HostTensor, Session, ValueFacts } from "../runtime/session.ts";
import { positionIds } from "../text/batches.ts";
import { type CacheEntry, emptyCache, findCache, selectRows } from "./cache.ts";

/** A language model that is asked for one more token at a time. */
export interface Decoder {
  /** True where earlier positions need not be computed again. */
  readonly hasCache: boolean;
  /** True where the model is told masks and positions, so that rows of unequal length can run together. */
  readonly canPad: boolean;
  /** Entries of the vocabulary; undefined where the model does not say. */
  readonly vocabularySize: number | undefined;
  /** Reads prompts (none empty) and stands behind their last token. */
  open(prompts: readonly (readonly number[])[]): Promise<DecodeBatch>;
}

/** Rows on their way. */
export interface DecodeBatch {
  /** Logits [V] of the next token of a row; a view that `advance` makes stale. */
  logits(row: number): Float32Array;
  /** Appends one token to each row and reads it. */
  advance(tokens: readonly number[]): Promise<void>;
  /** Goes on with these rows only. */
  keep(rows: readonly number[]): void;
}

export interface DecoderOptions {
  /** Inputs beside those of decoding: the tensors of an adapter. */
  readonly extra?: ReadonlyMap<string, HostTensor>;
  /** Inputs as the model declares them, for sessions that do not tell. */
  readonly inputs?: readonly ValueInfo[];
  /** What rows are filled up with, masked; 0 by default. */
  readonly padId?: number | undefined;
  /** False computes every position anew, for comparison. */
  readonly cache?: boolean;
}

/** Bytes of logits that one run may make. */
const LOGITS_BYTES = 256 * 1024 * 1024;
const UNKNOWN_VOCABULARY = 256_000;

interface Model {
  readonly session: Session;
  readonly extra: ReadonlyMap<string, HostTensor>;
  readonly facts: ReadonlyMap<string, ValueFacts>;
  readonly padId: number;
  readonly logits: string;
  readonly cache: readonly CacheEntry[] | undefined;
}

/** Rows of tokens as the model reads them in one run. */
interface Window {
  /** [B][T] tokens of this run. */
  readonly tokens: readonly (readonly number[])[];
  /** [B][P + T] 1 where a token is read, P = positions in the cache. */
  readonly mask: readonly (readonly number[])[];
  readonly past: ReadonlyMap<string, HostTensor>;
}

/**
 * Wraps a session as a decoder. Inputs are told by their names: `input_ids`, `attention_mask`, `position_ids`,
 * `token_type_ids`, `use_cache_branch` and the cache. Throws `input.model` for a model that needs others or gives no logits.
 */
export function openDecoder(session: Session, options: DecoderOptions = {}): Decoder {
  const { extra = new Map<string, HostTensor>(), cache = true, padId = 0 } = options;
  const facts = inputFacts(session, options.inputs ?? []);
  const entries = findCache(session, facts);
  const cached = new Set(entries?.map(({ input }) => input));
  const unknown = session.inputNames.find(
    (name) => !INPUTS.has(name) && !cached.has(name) && !extra.has(name),
  );
  if (unknown !== undefined) {
    throw new IngotError("input.model", `the model needs the input '${unknown}', which no text gives`, {
      hint: "give it with --input",
      data: { where: unknown },
    });
  }
  const present = new Set(entries?.map(({ output }) => output));
  const logits = session.outputNames.includes("logits")
    ? "logits"
    : session.outputNames.find((name) => !present.has(name));
  if (logits === undefined || !session.inputNames.includes("input_ids")) {
    throw new IngotError("input.model", "the model does not turn 'input_ids' into logits", {
      hint: "run it on tensors with --input",
    });
  }
  const model: Model = { session, extra, facts, padId, logits, cache: entries };
  const size = session.outputFacts?.get(logits)?.dims.at(-1);
  const vocabularySize = typeof size === "number" && size > 0 ? size : undefined;
  const hasCache = cache && entries !== undefined;
  return {
    hasCache,
    // Without a cache rows are filled up on the right, where a causal model never looks.
    canPad:
      !hasCache || ["attention_mask", "position_ids"].every((name) => session.inputNames.includes(name)),
    vocabularySize,
    open: (prompts) =>
      hasCache && entries !== undefined
        ? openCached(model, entries, prompts, vocabularySize ?? UNKNOWN_VOCABULARY)
        : openWhole(model, prompts),
  };
}

function inputFacts(session: Session, inputs: readonly ValueInfo[]): ReadonlyMap<string, ValueFacts> {
  const declared = inputs.map(({ name, dtype, dims }): readonly [string, ValueFacts] => [
    name,
    { ...(dtype === undefined ? {} : { dtype }), dims: dims ?? [] },
  ]);
  return new Map([...(session.inputFacts ?? []), ...declared]);
}

/** The last [V] logits of each row. */
class LastLogits {
  #rows: Float32Array[] = [];

  take(output: HostTensor | undefined, last: (row: number) => number): void {
    const [batch, width, size] = output?.dims ?? [];
    if (output === undefined || batch === undefined || width === undefined || size === undefined) {
      throw new IngotError("input.model", "the model's logits are not [batch, tokens, vocabulary]");
    }
    this.#rows = Array.from({ length: batch }, (_, row) => {
      const from = (row * width + last(row)) * size;
      const part = (output.data as Float32Array).subarray(from, from + size);
      if (output.dtype === "float32") return part;
      const bytes = new Uint8Array(part.buffer, part.byteOffset, part.byteLength).slice();
      if (output.dtype === "float16" || output.dtype === "bfloat16")
        return widenToFloat32(output.dtype, bytes);
      throw new IngotError("input.model", `the model's logits are ${output.dtype}`);
    });
  }

  row(row: number): Float32Array {
    return this.#rows[row] as Float32Array;
  }

  keep(rows: readonly number[]): void {
    this.#rows = rows.map((row) => this.row(row));
  }
}

/** With a cache: rows are filled up on the left, so that all stand at their last token. */
async function openCached(
  model: Model,
  entries: readonly CacheEntry[],
  prompts: readonly (readonly number[])[],
  vocabulary: number,
): Promise<DecodeBatch> {
  const width = Math.max(...prompts.map((prompt) => prompt.length));
  const tokens = prompts.map((prompt) => [
    ...new Array<number>(width - prompt.length).fill(model.padId),
    ...prompt,
  ]);
  let mask = prompts.map((prompt) => [
    ...new Array<number>(width - prompt.length).fill(0),
    ...new Array<number>(prompt.length).fill(1),
  ]);
  let past: ReadonlyMap<string, HostTensor> = emptyCache(entries, prompts.length);
  const logits = new LastLogits();

  const read = async (window: Window): Promise<void> => {
    const outputs = await run(model, window, [model.logits, ...entries.map(({ output }) => output)]);
    past = new Map(entries.map(({ input, output }) => [input, outputs.get(output) as HostTensor]));
    const last = (window.tokens[0]?.length ?? 1) - 1;
    logits.take(outputs.get(model.logits), () => last);
  };

  // Long prompts are read in parts: their logits would take far more memory than the cache.
  const part = Math.max(1, Math.floor(LOGITS_BYTES / (4 * vocabulary * prompts.length)));
  for (let from = 0; from < width; from += part) {
    const to = Math.min(width, from + part);
    await read({
      tokens: tokens.map((row) => row.slice(from, to)),
      mask: mask.map((row) => row.slice(0, to)),
      past,
    });
  }
  return {
    logits: (row) => logits.row(row),
    advance: async (next) => {
      mask = mask.map((row) => [...row, 1]);
      await read({ tokens: next.map((token) => [token]), mask, past });
    },
    keep: (rows) => {
      mask = rows.map((row) => mask[row] as number[]);
      past = new Map(
        entries.map((entry) => [entry.input, selectRows(past.get(entry.input) as HostTensor, entry, rows)]),
      );
      logits.keep(rows);
    },
  };
}

/** Without a cache: the whole row again for each token, filled up on the right. */
async function openWhole(model: Model, prompts: readonly (readonly number[])[]): Promise<DecodeBatch> {
  let rows = prompts.map((prompt) => [...prompt]);
  const logits = new LastLogits();

  const read = async (): Promise<void> => {
    const width = Math.max(...rows.map((row) => row.length));
    const window: Window = {
      tokens: rows.map((row) => Array.from({ length: width }, (_, i) => row[i] ?? model.padId)),
      mask: rows.map((row) => Array.from({ length: width }, (_, i) => (i < row.length ? 1 : 0))),
      past: emptyCache(model.cache ?? [], rows.length),
    };
    const outputs = await run(model, window, [model.logits]);
    logits.take(outputs.get(model.logits), (row) => (rows[row] as number[]).length - 1);
  };

  await read();
  return {
    logits: (row) => logits.row(row),
    advance: async (next) => {
      rows = rows.map((row, i) => [...row, next[i] as number]);
      await read();
    },
    keep: (kept) => {
      rows = kept.map((row) => rows[row] as number[]);
      logits.keep(kept);
    },
  };
}

/** The values of an input with one number a token, or one a position for the mask. */
const INPUTS: ReadonlyMap<string, (window: Window) => readonly (readonly number[])[]> = new Map<
  string,
  (window: Window) => readonly (readonly number[])[]
>([
  ["input_ids", ({ tokens }) => tokens],
  ["attention_mask", ({ mask }) => mask],
  ["position_ids", positions],
  ["token_type_ids", ({ tokens }) => tokens.map((row) => row.map(() => 0))],
  ["use_cache_branch", ({ tokens, mask }) => [[(mask[0]?.length ?? 0) > (tokens[0]?.length ?? 0) ? 1 : 0]]],
]);

/** Of the tokens of this run. */
function positions({ tokens, mask }: Window): readonly (readonly number[])[] {
  return mask.map((row, i) => Array.from(positionIds(row)).slice(row.length - (tokens[i]?.length ?? 0)));
}

async function run(
  model: Model,
  window: Window,
  outputs: readonly string[],
): Promise<Map<string, HostTensor>> {
  const { session } = model;
  const feeds = new Map<string, HostTensor>(window.past);
  for (const name of session.inputNames) {
    const extra = model.extra.get(name);
    if (extra !== undefined) feeds.set(name, extra);
    const rows = INPUTS.get(name)?.(window);
    if (rows !== undefined && !feeds.has(name))
      feeds.set(name, wholeNumbers(rows, model.facts.get(name)?.dtype));
  }
  return session.run(feeds, outputs);
}

function wholeNumbers(rows: readonly (readonly number[])[], dtype = "int64"): HostTensor {
  const flat = rows.flat();
  const dims = [rows.length, rows[0]?.length ?? 0];
  if (dtype === "bool") return { dtype: "bool", dims: [flat.length], data: Uint8Array.from(flat) };
  if (dtype === "int32") return { dtype: "int32", dims, data: Int32Array.from(flat) };
  return { dtype: "int64", dims, data: BigInt64Array.from(flat, BigInt) };
}
