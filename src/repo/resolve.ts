import { IngotError } from "../base/errors.ts";
import { isRefName } from "../base/names.ts";
import { nearest } from "../base/nearest.ts";
import { isOid, type Oid, shortOid } from "../base/oid.ts";
import { valueAt } from "./ref-history.ts";
import type { RefTable, Repository } from "./repository.ts";
import { findBase, findLatest } from "./versions.ts";

/** A word, an optional `@{...}`, then any number of `~N`, `^`, `^N`. */
const REVISION = /^([^~^@{}]*|@)(?:@\{([^{}]+)\})?((?:~[0-9]{0,9}|\^[0-9]{0,2})*)$/;
const MAX_TEXT = 512;

/**
 * Id of the commit that a revision names: `HEAD`, `latest`, `base`, `v3`, a tag, branch, protected ref, `main~2`, `v3^`, `main@{1}`,
 * `production@{2026-05-01}`, digits of an id. Throws `usage.argument` for text that is none, `ref.missing` with the nearest name,
 * `object.missing`, `object.ambiguous`, and `input.version` for something that is no version.
 */
export async function resolveRevision(repo: Repository, text: string): Promise<Oid> {
  const oid = await resolveObject(repo, text);
  const record = await repo.findRecord(oid);
  if (record?.kind === "commit") return oid;
  throw new IngotError("input.version", `'${text}' is a ${record?.kind ?? "blob"}, not a version`, {
    hint: "ingot log lists the versions",
    data: { where: text, oid },
  });
}

/** As `resolveRevision`, for an object of any kind: datasets, runs and ids of records and blobs as well. */
export async function resolveObject(repo: Repository, text: string): Promise<Oid> {
  const match = text.length > MAX_TEXT ? null : REVISION.exec(text);
  const word = match?.[1] === "@" || (match?.[1] === "" && match[2] !== undefined) ? "HEAD" : match?.[1];
  if (match === null || word === undefined || word === "") {
    throw new IngotError("usage.argument", `'${text.slice(0, 80)}' is not a revision`, {
      hint: "for example HEAD~2, v3, main@{1}, production@{2026-05-01}",
      data: { where: text.slice(0, 80) },
    });
  }
  const [, , when, steps = ""] = match;
  const refs = await repo.refs();
  const start =
    when === undefined ? await resolveWord(repo, refs, word) : await resolveThen(repo, refs, word, when);
  return climb(repo, start, steps, text);
}

async function resolveWord(repo: Repository, refs: RefTable, word: string): Promise<Oid> {
  const special = await resolveSpecial(repo, refs, word);
  if (special !== undefined) return special;
  const ref = findRefName(refs, word);
  const oid = ref === undefined ? undefined : refs.oid(ref);
  return oid ?? (await resolvePrefix(repo, word)) ?? refuse(repo, refs, word);
}

async function resolveSpecial(repo: Repository, refs: RefTable, word: string): Promise<Oid | undefined> {
  const find = SPECIAL[word];
  if (find === undefined) return undefined;
  const oid = await find(repo, refs);
  if (oid !== undefined) return oid;
  throw new IngotError("ref.missing", `'${word}' names nothing yet: there is no version`, {
    hint: "ingot import MODEL brings in the first",
    data: { where: word },
  });
}

type Special = (repo: Repository, refs: RefTable) => Promise<Oid | undefined>;

const SPECIAL: Readonly<Record<string, Special | undefined>> = Object.assign(Object.create(null), {
  HEAD: async (_: Repository, refs: RefTable) => refs.oid("HEAD"),
  latest: findLatest,
  base: findBase,
});

/** Full name of the ref that a word means, in the order of architecture.md; undefined where no ref is called so. */
export function findRefName(refs: RefTable, word: string): string | undefined {
  const candidates = [
    `tags/${word}`,
    `heads/${word}`,
    ...(word.includes("/") ? [] : [word]),
    ...datasetRef(refs, word),
    ...runRef(refs, word),
    word,
    ...remoteRefs(word),
  ];
  return candidates.find((name) => isRefName(name) && refs.get(name) !== undefined);
}

/** `refunds` is the newest version of that dataset, `refunds:v2` the second. */
function datasetRef(refs: RefTable, word: string): string[] {
  const [name = "", version] = word.split(":");
  if (version !== undefined) return [`data/${name}/${version}`];
  const newest = refs
    .list(`data/${name}/v`)
    .map((ref) => ref.name)
    .filter((ref) => /^v[0-9]+$/.test(ref.slice(`data/${name}/`.length)))
    .sort((a, b) => tailNumber(b) - tailNumber(a))[0];
  return newest === undefined ? [] : [newest];
}

/** `t3` is the newest checkpoint of that run. */
function runRef(refs: RefTable, word: string): string[] {
  if (!/^t[0-9]+$/.test(word)) return [];
  const newest = refs
    .list(`runs/${word}/`)
    .map((ref) => ref.name)
    .sort((a, b) => tailNumber(b) - tailNumber(a))[0];
  return newest === undefined ? [] : [newest];
}

const tailNumber = (ref: string) => Number(/[0-9]+$/.exec(ref)?.[0] ?? 0);

/** `origin/main` and `origin/v3`. */
function remoteRefs(word: string): string[] {
  const at = word.indexOf("/");
  if (at < 1) return [];
  const [remote, rest] = [word.slice(0, at), word.slice(at + 1)];
  return [`remotes/${remote}/heads/${rest}`, `remotes/${remote}/tags/${rest}`, `remotes/${remote}/${rest}`];
}

async function resolvePrefix(repo: Repository, word: string): Promise<Oid | undefined> {
  if (isOid(word)) return word;
  if (!/^[0-9a-f]{4,63}$/.test(word)) return undefined;
  const found = await repo.findPrefix(word, 3);
  if (found.length < 2) return found[0];
  throw new IngotError("object.ambiguous", `'${word}' begins the ids of several objects`, {
    hint: `type more digits: ${found.map((oid) => shortOid(oid, word.length + 4)).join(", ")}`,
    data: { where: word, candidates: found },
  });
}

function refuse(repo: Repository, refs: RefTable, word: string): never {
  if (refs.get(`dropped/${word}`) !== undefined) {
    throw new IngotError("ref.missing", `the version '${word}' was deleted`, {
      hint: `its record is dropped/${word}; ingot undo brings it back for 30 days`,
      data: { where: word },
    });
  }
  if (word.startsWith("e:"))
    throw new IngotError("ref.missing", `'${word.slice(0, 80)}' is an example, not a version or an object`, {
      hint: /^e:[0-9a-f]{4,64}$/.test(word)
        ? `ingot evolution ${word} shows how it was learned`
        : "ingot evolution lists the examples of a version, as e: and digits of their ids",
      data: { where: word },
    });
  const near = nearest(word, shortNames(refs));
  throw new IngotError("ref.missing", `nothing in '${repo.location}' is called '${word.slice(0, 80)}'`, {
    hint: near === undefined ? "ingot show-ref lists the names" : `did you mean ${near}?`,
    data: { where: word, ...(near === undefined ? {} : { nearest: near }) },
  });
}

function shortNames(refs: RefTable): string[] {
  const names = refs
    .list("")
    .map(({ name }) => name.replace(/^(tags|heads|remotes)\//, "").replace(/^data\/(.*)\/v[0-9]+$/, "$1"));
  return [...Object.keys(SPECIAL), ...names];
}

async function resolveThen(repo: Repository, refs: RefTable, word: string, when: string): Promise<Oid> {
  const find = word === "HEAD" ? undefined : SPECIAL[word];
  const ref = word === "HEAD" ? "HEAD" : findRefName(refs, word);
  // A ref that is gone by now still has a history under its full name.
  const valueIn =
    find === undefined
      ? async (then: RefTable) => then.oid(ref ?? word)
      : (then: RefTable) => find(repo, then);
  const oid = await valueAt(repo, when, {
    valueIn,
    touches: ref === undefined || ref === "HEAD" ? undefined : ref,
  });
  if (oid !== undefined) return oid;
  if (ref === undefined && find === undefined) return refuse(repo, refs, word);
  throw new IngotError("ref.missing", `'${word}' had no value at '${when}'`, {
    hint: `ingot reflog ${word}`,
    data: { where: `${word}@{${when}}` },
  });
}

async function climb(repo: Repository, start: Oid, steps: string, text: string): Promise<Oid> {
  let oid = start;
  for (const [step] of steps.matchAll(/~[0-9]*|\^[0-9]*/g)) {
    const count = step.length === 1 ? 1 : Number(step.slice(1));
    const [generations, parent] = step[0] === "~" ? [count, 1] : [count === 0 ? 0 : 1, count];
    for (let i = 0; i < generations; i++) {
      const next: Oid | undefined = (await repo.readRecord(oid, "commit")).parents[parent - 1];
      if (next === undefined)
        throw new IngotError("ref.missing", `'${text}' goes back beyond the first version`, {
          hint: "ingot log",
          data: { where: text, oid },
        });
      oid = next;
    }
  }
  return oid;
}
