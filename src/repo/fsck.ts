import { IngotError } from "../base/errors.ts";
import { hashBytes, openHasher } from "../base/hash.ts";
import type { Oid } from "../base/oid.ts";
import { references } from "../objects/references.ts";
import { type Finding, finding, findingOf } from "./fsck-finding.ts";
import { checkLog } from "./fsck-log.ts";
import { IndexSegment } from "./index-segment.ts";
import { type PackEntry, type PackFooter, packKey } from "./pack-format.ts";
import { checkPackShape, readEntry, readFooter, readStored } from "./pack-reader.ts";
import { decodePieceList } from "./piece-list.ts";
import type { Repository } from "./repository.ts";
import { OBJECT_TYPES, PIECE_TYPES, type Vault, vaultOf } from "./vault.ts";
import { versionOf } from "./versions.ts";
import { type Root, reachable } from "./walk.ts";

export interface FsckOptions {
  /** Decodes and hashes every stored byte; without, footers, the log, and what refs lead to. */
  readonly deep?: boolean;
  /** Called now and then with the number of entries that were checked. */
  readonly onProgress?: (checked: number, total: number) => void;
}

export interface FsckReport {
  /** True where no finding is worse than a notice. */
  readonly ok: boolean;
  readonly objects: number;
  readonly bytes: number;
  readonly packs: number;
  readonly operations: number;
  readonly findings: readonly Finding[];
}

/** Checks a repository and reports all that is wrong with it; changes nothing. Throws only where it can't be looked at. */
export async function fsck(repo: Repository, options: FsckOptions = {}): Promise<FsckReport> {
  const vault = vaultOf(repo);
  const log = await checkLog(vault.storage);
  const findings: Finding[] = [...log.findings];
  try {
    await vault.refresh();
  } catch (error) {
    // Without a log nothing says which packs belong to the repository.
    if (!(error instanceof IngotError) || error.code !== "integrity.log") throw error;
    return { ok: false, objects: 0, bytes: 0, packs: 0, operations: log.operations, findings };
  }
  const index = await checkIndex(vault);
  const packs = await checkPacks(vault, options);
  for (const found of [index, packs.findings, await checkConnections(repo, vault, packs.lost)])
    for (const each of found) findings.push(each);
  const complete = await addAffected(repo, vault, findings, packs.damaged);
  return {
    ok: complete.every(({ severity }) => severity === "notice"),
    objects: packs.objects,
    bytes: packs.bytes,
    packs: packs.count,
    operations: log.operations,
    findings: complete,
  };
}

async function checkIndex({ storage }: Vault): Promise<Finding[]> {
  const findings: Finding[] = [];
  for await (const { key } of storage.list("idx/")) {
    if (key === "idx/manifest") {
      const text = Buffer.from(await storage.read(key)).toString("latin1");
      const body = text.slice(0, text.lastIndexOf("\n", text.length - 2) + 1);
      if (text.slice(body.length) !== `${hashBytes(Buffer.from(body))}\n`)
        findings.push(finding("index.damaged", key, "the list of index files is damaged"));
    } else if (key.endsWith(".idx")) {
      const segment = await IndexSegment.open(storage, key);
      if ((await segment?.rawRows((pack) => pack)) === undefined)
        findings.push(finding("index.damaged", key, "an index file is damaged"));
    }
  }
  return findings;
}

interface PackCheck {
  readonly findings: Finding[];
  readonly damaged: Set<Oid>;
  /** Packs that can't be read at all, whatever the index still says of them. */
  readonly lost: Set<Oid>;
  objects: number;
  bytes: number;
  count: number;
}

async function checkPacks(vault: Vault, { deep = false, onProgress }: FsckOptions): Promise<PackCheck> {
  const check: PackCheck = {
    findings: [],
    damaged: new Set(),
    lost: new Set(),
    objects: 0,
    bytes: 0,
    count: 0,
  };
  const footers: PackFooter[] = [];
  for (const [pack] of vault.state.packs.list()) {
    const footer = await checkFooter(vault, pack, check);
    if (footer !== undefined) footers.push(footer);
  }
  for await (const { key, sizeBytes } of vault.storage.list("packs/")) {
    const pack = /([0-9a-f]{64})\.pack$/.exec(key)?.[1] as Oid | undefined;
    if (pack === undefined || vault.state.packs.status(pack) === undefined)
      check.findings.push(
        finding("pack.orphan", pack ?? key, `a file of ${sizeBytes} bytes that no operation names`, key),
      );
  }
  const total = footers.reduce((sum, footer) => sum + footer.count, 0);
  let checked = 0;
  for (const footer of footers) {
    for (const entry of footer.entries()) {
      if (entry.type !== "piece") check.objects++;
      check.bytes += entry.storedBytes;
      if (deep) await checkEntry(vault, footer, entry, check);
      if (++checked % 256 === 0) onProgress?.(checked, total);
    }
  }
  onProgress?.(checked, total);
  return check;
}

async function checkFooter(vault: Vault, pack: Oid, check: PackCheck): Promise<PackFooter | undefined> {
  check.count++;
  try {
    const footer = await readFooter(vault.storage, pack);
    await checkPackShape(vault.storage, footer);
    return footer;
  } catch (error) {
    if (!(error instanceof IngotError)) throw error;
    check.lost.add(pack);
    check.findings.push(
      findingOf(error.code === "object.missing" ? "pack.missing" : "pack.damaged", pack, error),
    );
    return undefined;
  }
}

async function checkEntry(
  vault: Vault,
  footer: PackFooter,
  entry: PackEntry,
  check: PackCheck,
): Promise<void> {
  try {
    const stored = await readStored(vault.storage, footer.pack, entry);
    if (hashBytes(stored) !== entry.checksum)
      throw new IngotError(
        "integrity.pack",
        `the entry of '${entry.oid}' in the pack '${footer.pack}' is not the one its footer names`,
      );
    const raw = await readEntry(vault.storage, footer.pack, entry);
    if (entry.type === "list") await checkWhole(vault, entry, raw);
  } catch (error) {
    if (!(error instanceof IngotError)) throw error;
    const where = `${packKey(footer.pack)}, byte ${entry.offset}`;
    check.damaged.add(entry.oid);
    check.findings.push({ ...findingOf("entry.damaged", entry.oid, error), where });
  }
}

/** Hashes a large object out of its pieces: the pieces may all be sound and still be the wrong ones. */
async function checkWhole(vault: Vault, entry: PackEntry, list: Uint8Array): Promise<void> {
  const hasher = openHasher();
  for (const piece of decodePieceList(entry.oid, list, entry.objectBytes))
    hasher.update((await vault.read(piece.oid, PIECE_TYPES)).bytes);
  if (hasher.finish() !== entry.oid)
    throw new IngotError("integrity.blob", `the pieces of '${entry.oid}' do not make up that object`);
}

async function checkConnections(repo: Repository, vault: Vault, lost: ReadonlySet<Oid>): Promise<Finding[]> {
  const findings: Finding[] = [];
  const roots: Root[] = [];
  const dropped: Root[] = [];
  for (const { name, value } of vault.state.refs.list("")) {
    if (!("oid" in value)) continue;
    const root: Root = { oid: value.oid, expect: expectedOf(name), from: name };
    (name.startsWith("dropped/") ? dropped : roots).push(root);
  }
  const onUnreadable = (root: Root, error: IngotError) => {
    if (error.data.expected !== undefined && vault.state.refs.get(root.from) !== undefined)
      findings.push(findingOf("ref.target", root.from, error));
    else
      findings.push(
        findingOf(
          error.code === "integrity.reference" ? "object.missing" : "object.damaged",
          root.oid,
          error,
        ),
      );
  };
  const walked = new Set<Oid>();
  for await (const { oid, record, from } of reachable(repo, roots, { onUnreadable })) {
    walked.add(oid);
    if (record === undefined) findings.push(...(await checkBlob({ vault, lost }, oid, from)));
  }
  for await (const _ of reachable(repo, dropped, {
    blobs: false,
    skip: (oid) => walked.has(oid),
    onUnreadable,
  }));
  return findings;
}

function expectedOf(ref: string): Root["expect"] {
  if (/^(remotes\/[^/]+\/)?(heads|tags|dropped)\//.test(ref) || !ref.includes("/")) return "commit";
  if (/^(remotes\/[^/]+\/)?data\//.test(ref)) return "dataset";
  return ref.startsWith("runs/") ? "checkpoint" : "any";
}

async function checkBlob(
  { vault, lost }: { readonly vault: Vault; readonly lost: ReadonlySet<Oid> },
  oid: Oid,
  from: string,
): Promise<Finding[]> {
  const locate = async (each: Oid, types: typeof PIECE_TYPES) =>
    (await vault.locate(each, types)).filter(({ pack }) => !lost.has(pack));
  const located = await locate(oid, OBJECT_TYPES);
  if (located.length === 0) {
    const what = `'${from}' refers to '${oid}', which is not in the repository`;
    return [finding("object.missing", oid, what, from)];
  }
  if (located.some(({ type }) => type !== "list")) return [];
  const findings: Finding[] = [];
  for (const entry of located) {
    try {
      const list = await readEntry(vault.storage, entry.pack, entry);
      for (const piece of decodePieceList(oid, list, entry.objectBytes)) {
        if ((await locate(piece.oid, PIECE_TYPES)).length === 0)
          throw new IngotError("integrity.blob", `a piece of '${oid}' is missing: '${piece.oid}'`);
      }
      return findings;
    } catch (error) {
      if (!(error instanceof IngotError)) throw error;
      findings.push(findingOf("object.damaged", oid, error));
    }
  }
  return findings;
}

/** Names the versions and refs that each damaged object takes part in. Costs a walk, so only where something is damaged. */
async function addAffected(
  repo: Repository,
  vault: Vault,
  findings: readonly Finding[],
  damaged: ReadonlySet<Oid>,
): Promise<Finding[]> {
  const wanted = new Set<string>([
    ...damaged,
    ...findings.filter(({ code }) => code.startsWith("object.")).map(({ id }) => id),
  ]);
  if (wanted.size === 0) return [...findings];
  const affects = new Map<string, Set<string>>();
  const { refs } = vault.state;
  const roots = refs
    .list("")
    .flatMap(({ name, value }) =>
      "oid" in value ? [{ oid: value.oid, expect: "any" as const, from: name }] : [],
    );
  const commits: { oid: Oid; name: string }[] = [];
  const named = (oid: Oid) => ({ oid, name: versionOf(refs, oid) ?? oid.slice(0, 8) });
  const pointedAt = new Set(roots.map(({ oid }) => oid));
  const onUnreadable = ({ oid }: Root) => {
    if (pointedAt.has(oid)) commits.push(named(oid));
  };
  for await (const { oid, record } of reachable(repo, roots, { blobs: false, onUnreadable })) {
    if (record?.kind === "commit") commits.push(named(oid));
  }
  for (const { oid, name } of commits) {
    const names = [
      name,
      ...roots.filter((root) => root.oid === oid && !root.from.startsWith("tags/v")).map(({ from }) => from),
    ];
    for await (const hit of damagedBelow(repo, vault, oid, wanted)) {
      const known = affects.get(hit) ?? new Set();
      for (const each of names) known.add(each);
      affects.set(hit, known);
    }
  }
  return findings.map((each) => ({ ...each, affects: [...(affects.get(each.id) ?? [])] }));
}

/** Damaged objects and pieces that one commit needs, its parents left out. */
async function* damagedBelow(
  repo: Repository,
  vault: Vault,
  commit: Oid,
  wanted: ReadonlySet<string>,
): AsyncGenerator<string> {
  if (wanted.has(commit)) yield commit;
  const record = await repo.findRecord(commit).catch(() => undefined);
  if (record === undefined) return;
  const roots: Root[] = references(record)
    .filter(({ field }) => !field.startsWith("parents"))
    .map(({ oid, expect }) => ({ oid, expect, from: commit }));
  const missed: string[] = [];
  for await (const { oid, record: inner } of reachable(repo, roots, {
    onUnreadable: ({ oid: bad }) => missed.push(bad),
  })) {
    if (wanted.has(oid)) yield oid;
    if (inner !== undefined) continue;
    for (const entry of await vault.locate(oid, ["list"])) {
      const list = await readEntry(vault.storage, entry.pack, entry).catch(() => undefined);
      if (list === undefined) continue;
      for (const piece of decodePieceList(oid, list, entry.objectBytes))
        if (wanted.has(piece.oid)) yield piece.oid;
    }
  }
  yield* missed.filter((oid) => wanted.has(oid));
}
