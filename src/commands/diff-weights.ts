import { parseJson } from "../base/json.ts";
import type { Oid } from "../base/oid.ts";
import type { AdapterRecord } from "../objects/records.ts";
import type { Tensor } from "../onnx/model.ts";
import { parseSafetensorsHeader, readTensor } from "../onnx/safetensors.ts";
import { bytesInMemory, numbersOf, widenToFloat32 } from "../onnx/tensors.ts";
import type { Repository } from "../repo/repository.ts";
import { readAdapterConfig } from "../train/adapter-config.ts";
import { byPattern } from "../train/targets.ts";
import { type LowRankTerm, lowRankNorm } from "./low-rank-norm.ts";
import { treeFile } from "./tree-file.ts";

/** How far the weights that two versions add to a module lie apart: Frobenius norms. */
export interface ModuleDifference {
  /** Module path (LoRA), or name of the tensor (full weights, saved modules). */
  readonly module: string;
  /** Absent where that side does not touch the module. */
  readonly normA?: number;
  readonly normB?: number;
  readonly normDifference: number;
}

interface SideOfModule {
  /** Low-rank terms, or one dense tensor. */
  readonly terms: readonly LowRankTerm[];
  readonly dense?: Float32Array;
}

const PREFIX = "base_model.model.";
const PAIR = /^base_model\.model\.(.+)\.lora_([AB])(?:\.default)?\.weight$/;

/** Differences by module, largest first; modules where both sides hold the same are left out. */
export async function diffWeights(
  repo: Repository,
  a: readonly Oid[],
  b: readonly Oid[],
): Promise<readonly ModuleDifference[]> {
  const shared = a.filter((id) => b.includes(id));
  const left = await modulesOf(
    repo,
    a.filter((id) => !shared.includes(id)),
  );
  const right = await modulesOf(
    repo,
    b.filter((id) => !shared.includes(id)),
  );
  const rows: ModuleDifference[] = [];
  for (const module of new Set([...left.keys(), ...right.keys()])) {
    const [one, two] = [left.get(module), right.get(module)];
    const normDifference = distance(one, two);
    if (normDifference === 0) continue;
    rows.push({
      module,
      ...(one === undefined ? {} : { normA: normOf(one) }),
      ...(two === undefined ? {} : { normB: normOf(two) }),
      normDifference,
    });
  }
  return rows.sort((x, y) => y.normDifference - x.normDifference);
}

function normOf({ terms, dense }: SideOfModule): number {
  return dense === undefined ? lowRankNorm(terms) : Math.hypot(lowRankNorm(terms), euclid(dense));
}

function distance(one: SideOfModule | undefined, two: SideOfModule | undefined): number {
  const negative = (two?.terms ?? []).map((term) => ({ ...term, scale: -term.scale }));
  const terms = [...(one?.terms ?? []), ...negative];
  const dense =
    one?.dense !== undefined && two?.dense !== undefined && one.dense.length === two.dense.length
      ? euclidDifference(one.dense, two.dense)
      : euclid(one?.dense ?? two?.dense ?? new Float32Array());
  return Math.hypot(sameWidth(terms) ? lowRankNorm(terms) : 0, dense);
}

function sameWidth(terms: readonly LowRankTerm[]): boolean {
  return new Set(terms.map((t) => `${t.a.length / t.rank}x${t.b.length / t.rank}`)).size <= 1;
}

function euclid(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum);
}

function euclidDifference(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum);
}

async function modulesOf(
  repo: Repository,
  adapters: readonly Oid[],
): Promise<ReadonlyMap<string, SideOfModule>> {
  const modules = new Map<string, SideOfModule>();
  for (const id of adapters) {
    const adapter = await repo.readRecord(id, "adapter");
    for (const [module, side] of await readSides(repo, adapter)) {
      const before = modules.get(module);
      const dense = side.dense ?? before?.dense;
      modules.set(module, {
        terms: [...(before?.terms ?? []), ...side.terms],
        ...(dense === undefined ? {} : { dense }),
      });
    }
  }
  return modules;
}

async function readSides(
  repo: Repository,
  adapter: AdapterRecord,
): Promise<ReadonlyMap<string, SideOfModule>> {
  const { entries } = await repo.readRecord(adapter.tree, "tree");
  const tensors = await readFloats(repo, treeFile(entries, adapter.entry, "adapter").blob);
  const configBlob = entries.find((e) => e.path === "adapter_config.json")?.blob;
  const config =
    configBlob === undefined
      ? undefined
      : readAdapterConfig(parseJson(await repo.readBytes(configBlob), { name: "adapter_config.json" }));
  const sides = new Map<string, SideOfModule>();
  for (const [name, a] of tensors) {
    const pair = PAIR.exec(name);
    if (pair === null) {
      sides.set(name.replace(PREFIX, ""), { terms: [], dense: a.values });
      continue;
    }
    const [, module = "", half] = pair;
    const b = tensors.get(name.replace("lora_A", "lora_B"));
    if (half !== "A" || b === undefined || config === undefined) continue;
    const rank = a.dims[0] ?? 1;
    const alpha = byPattern(config.alpha_pattern, module, "alpha_pattern") ?? config.lora_alpha;
    const scale = alpha / (config.use_rslora ? Math.sqrt(rank) : rank);
    sides.set(module, { terms: [{ scale, rank, a: a.values, b: b.values }] });
  }
  return sides;
}

async function readFloats(
  repo: Repository,
  blob: Oid,
): Promise<ReadonlyMap<string, { readonly dims: readonly number[]; readonly values: Float32Array }>> {
  const source = await repo.openObject(blob);
  const header = await parseSafetensorsHeader(source);
  const tensors = new Map<string, { dims: readonly number[]; values: Float32Array }>();
  for (const [name, { dims }] of header.tensors)
    tensors.set(name, { dims, values: floatsOf(await readTensor(source, header, name)) });
  return tensors;
}

function floatsOf(tensor: Tensor): Float32Array {
  const bytes = bytesInMemory(tensor);
  if (tensor.dtype === "float32") return new Float32Array(bytes.slice().buffer);
  if (tensor.dtype === "float16" || tensor.dtype === "bfloat16") return widenToFloat32(tensor.dtype, bytes);
  return Float32Array.from(numbersOf(tensor));
}
