import { decodeCanonical, encodeCanonical } from "../../base/canonical.ts";
import { IngotError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { type Oid, parseOid } from "../../base/oid.ts";
import type { EvolutionRecord } from "../../objects/records.ts";
import type { Repository, WriteSession } from "../../repo/repository.ts";
import type { EvolutionTable } from "../../train/evolution.ts";
import { encodeIds, readIds } from "../id-lists.ts";

function bytesOf(column: Float32Array | Uint32Array | Uint8Array): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength).slice();
}

/** Stores a table as an evolution record with its columns as blobs. Times stay outside: the same training gives the same id. */
export async function storeEvolution(
  session: WriteSession,
  table: EvolutionTable,
  datasets: readonly Oid[],
  rule: string,
): Promise<Oid> {
  const record: EvolutionRecord = {
    kind: "evolution",
    datasets,
    examples: await session.putBytes(encodeIds(table.examples.map(parseOid))),
    steps: table.steps,
    learningRates: table.learningRates,
    positions: table.positions,
    rule,
    loss: await session.putBytes(bytesOf(table.loss)),
    confidence: await session.putBytes(bytesOf(table.confidence)),
    correct: await session.putBytes(bytesOf(table.correct)),
    predictions: await session.putBytes(bytesOf(table.predictions)),
    texts: await session.putBytes(encodeCanonical(table.texts)),
  };
  return session.putRecord(record);
}

const MAX_COLUMN_BYTES = 1 << 30;
const MAX_TEXTS_BYTES = LIMITS.recordBytes;

/**
 * Reads a stored evolution. Throws `integrity.blob` for columns of another size than the record says, for predictions without a
 * text and for texts that are none.
 */
export async function readEvolution(
  repo: Repository,
  oid: Oid,
  timesMs: readonly number[] = [],
): Promise<EvolutionTable & { readonly rule: string; readonly datasets: readonly Oid[] }> {
  const record = await repo.readRecord(oid, "evolution");
  const examples = await readIds(repo, record.examples);
  const cells = examples.length * record.steps.length;
  const column = async (name: "loss" | "confidence" | "correct" | "predictions", width: number) => {
    const { sizeBytes } = await repo.openObject(record[name]);
    if (sizeBytes !== cells * width)
      throw damaged(oid, `its ${name} has ${sizeBytes} bytes where ${cells * width} belong`);
    // A copy, so that the bytes lie at the start of a buffer of their own.
    return (await repo.readBytes(record[name], MAX_COLUMN_BYTES)).slice();
  };
  const predictions = new Uint32Array((await column("predictions", 4)).buffer);
  const texts = decodeCanonical(await repo.readBytes(record.texts, MAX_TEXTS_BYTES));
  if (!isTexts(texts)) throw damaged(oid, "its texts are no list of texts");
  if (predictions.some((index) => index >= texts.length)) throw damaged(oid, "a prediction has no text");
  return {
    rule: record.rule,
    datasets: record.datasets,
    steps: record.steps,
    learningRates: record.learningRates,
    positions: record.positions,
    timesMs,
    examples,
    loss: new Float32Array((await column("loss", 4)).buffer),
    confidence: new Float32Array((await column("confidence", 4)).buffer),
    correct: await column("correct", 1),
    predictions,
    texts,
  };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}

function damaged(evolution: Oid, what: string): IngotError {
  return new IngotError("integrity.blob", `the evolution '${evolution}' is damaged: ${what}`, {
    hint: "ingot fsck",
    data: { where: evolution },
  });
}
