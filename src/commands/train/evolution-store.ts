import { decodeCanonical, encodeCanonical } from "../../base/canonical.ts";
import { bug } from "../../base/errors.ts";
import { type Oid, oidToBytes, parseOid } from "../../base/oid.ts";
import type { EvolutionRecord } from "../../objects/records.ts";
import type { Repository, WriteSession } from "../../repo/repository.ts";
import type { EvolutionTable } from "../../train/evolution.ts";
import { readIds } from "../model-cache.ts";

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
  const ids = new Uint8Array(table.examples.length * 32);
  table.examples.forEach((id, i) => {
    ids.set(oidToBytes(parseOid(id)), i * 32);
  });
  const record: EvolutionRecord = {
    kind: "evolution",
    datasets,
    examples: await session.putBytes(ids),
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

/** Reads a stored evolution. Throws `integrity.*` for columns of another size than the record says. */
export async function readEvolution(
  repo: Repository,
  oid: Oid,
  timesMs: readonly number[] = [],
): Promise<EvolutionTable & { readonly rule: string; readonly datasets: readonly Oid[] }> {
  const record = await repo.readRecord(oid, "evolution");
  const column = async (blob: Oid, width: number): Promise<Uint8Array> => {
    const bytes = await repo.readBytes(blob, MAX_COLUMN_BYTES);
    if (bytes.length !== examples.length * record.steps.length * width)
      bug(`a column of ${bytes.length} bytes`);
    return bytes.slice();
  };
  const examples = await readIds(repo, record.examples);
  return {
    rule: record.rule,
    datasets: record.datasets,
    steps: record.steps,
    learningRates: record.learningRates,
    positions: record.positions,
    timesMs,
    examples,
    loss: new Float32Array((await column(record.loss, 4)).buffer),
    confidence: new Float32Array((await column(record.confidence, 4)).buffer),
    correct: await column(record.correct, 1),
    predictions: new Uint32Array((await column(record.predictions, 4)).buffer),
    texts: decodeCanonical(await repo.readBytes(record.texts, MAX_COLUMN_BYTES)) as readonly string[],
  };
}
