import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hashBytes } from "../../src/base/hash.ts";
import type { Oid } from "../../src/base/oid.ts";
import { encodeFormat } from "../../src/repo/format.ts";
import { readNewest } from "../../src/repo/log.ts";
import { type PackEntry, packKey } from "../../src/repo/pack-format.ts";
import { checkPackShape, readEntry, readFooter, readStored } from "../../src/repo/pack-reader.ts";
import { PackWriter } from "../../src/repo/pack-writer.ts";
import { decodePieceList } from "../../src/repo/piece-list.ts";
import { stateFromTable } from "../../src/repo/state.ts";
import { encodeState, StateTable } from "../../src/repo/state-file.ts";
import { openMemoryStorage } from "../../src/storage/memory.ts";

interface PackCase {
  readonly name: string;
  readonly why: string;
  readonly expect: string;
  readonly pack: Oid;
  readonly bytes: string;
  readonly transient?: boolean;
  readonly entries?: readonly Omit<PackEntry, "bases" | "baseCount">[];
  readonly objects?: readonly { readonly oid: Oid; readonly bytes: string }[];
}

interface LogCase {
  readonly name: string;
  readonly why: string;
  readonly expect: string;
  readonly entries: readonly { readonly key: string; readonly bytes: string; readonly oid: string }[];
  readonly refs?: Readonly<Record<string, unknown>>;
  readonly counters?: Readonly<Record<string, number>>;
  readonly packs?: { readonly live: readonly Oid[]; readonly condemned: readonly { readonly pack: Oid; readonly n: number; readonly atMs: number }[] };
  readonly state?: { readonly key: string; readonly bytes: string };
}

function casesOf<C>(page: string): readonly C[] {
  const file = new URL(`../../objects-spec/vectors/${page}.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { cases: C[] }).cases;
}

const bytesOf = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

async function readWhole({ pack, bytes }: PackCase) {
  const storage = openMemoryStorage();
  await storage.put(packKey(pack), bytesOf(bytes));
  const footer = await readFooter(storage, pack);
  await checkPackShape(storage, footer);
  const contents = new Map<string, { readonly entry: PackEntry; readonly stored: Uint8Array; readonly raw: Uint8Array }>();
  for (const entry of footer.entries()) {
    const stored = await readStored(storage, pack, entry);
    contents.set(`${entry.type} ${entry.oid}`, { entry, stored, raw: await readEntry(storage, pack, entry) });
  }
  return { footer, contents };
}

describe("pack.md", () => {
  for (const each of casesOf<PackCase>("pack")) {
    it(`${each.name}: ${each.why}`, async () => {
      if (each.expect !== "ok") {
        await expect(readWhole(each)).rejects.toMatchObject({ code: each.expect });
        return;
      }
      const { footer, contents } = await readWhole(each);
      expect(footer.transient).toBe(each.transient);
      expect(footer.entries()).toEqual(each.entries?.map((entry) => ({ ...entry, baseCount: 0, bases: [] })));
      for (const { oid, bytes } of each.objects ?? []) {
        const list = contents.get(`list ${oid}`);
        const pieces = decodePieceList(oid, list?.raw as Uint8Array, list?.entry.objectBytes as number);
        const whole = Buffer.concat(pieces.map((piece) => contents.get(`piece ${piece.oid}`)?.raw as Uint8Array));
        expect(whole.toString("hex")).toBe(bytes);
        expect(hashBytes(whole)).toBe(oid);
      }

      const storage = openMemoryStorage();
      const writer = await PackWriter.open(storage, footer.transient);
      const inOrder = [...contents.values()].sort((a, b) => a.entry.offset - b.entry.offset);
      for (const { entry, raw } of inOrder) await writer.add(entry.oid, entry.type, raw, entry.objectBytes);
      const { pack } = await writer.seal();
      expect(pack).toBe(each.pack);
      expect(hexOf(await storage.read(packKey(pack)))).toBe(each.bytes);
    });
  }
});

describe("refs.md", () => {
  for (const each of casesOf<LogCase>("log")) {
    it(`${each.name}: ${each.why}`, async () => {
      const storage = openMemoryStorage();
      for (const { key, bytes } of each.entries) await storage.put(key, bytesOf(bytes));
      if (each.expect !== "ok") {
        await expect(readNewest(storage)).rejects.toMatchObject({ code: each.expect });
        return;
      }
      const { state } = await readNewest(storage);
      const views = [state];
      if (each.state !== undefined) {
        expect(hexOf(encodeState(state))).toBe(each.state.bytes);
        views.push(stateFromTable(new StateTable(bytesOf(each.state.bytes))));
      }
      for (const { refs, packs } of views) {
        expect(Object.fromEntries(refs.list("").map(({ name, value }) => [name, value]))).toEqual(each.refs);
        for (const [name, value] of Object.entries(each.counters ?? {})) expect(refs.counter(name)).toBe(value);
        for (const pack of each.packs?.live ?? []) expect(packs.status(pack)).toEqual({ state: "live" });
        for (const { pack, n, atMs } of each.packs?.condemned ?? []) expect(packs.status(pack)).toEqual({ state: "condemned", n, atMs });
      }
    });
  }
});

describe("repository.md", () => {
  it("has the format file of its example", () => {
    const page = readFileSync(new URL("../../objects-spec/repository.md", import.meta.url), "utf8");
    expect(page).toContain(`\`\`\`\n${Buffer.from(encodeFormat("00112233445566778899aabbccddeeff")).toString()}\`\`\``);
  });
});
