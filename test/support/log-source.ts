import type { LogSource, VersionDetail, VersionRow } from "../../src/tui/version-row.ts";

/** A made-up history: v0 base, v1 production on it, v2 aside on v1, v3 on v1 at HEAD, and so on in a line up to `count`. */
export function makeVersions(count = 4): readonly VersionRow[] {
  const commit = (n: number): string =>
    n.toString(16).padStart(2, "0").repeat(32).slice(0, 64).padStart(64, "0");
  return Array.from({ length: count }, (_, i) => {
    const n = count - 1 - i;
    const aside = n === 2;
    return {
      commit: commit(n + 1),
      version: `v${n}`,
      parents: n === 0 ? [] : [commit(n === 3 ? 2 : n)],
      refs: n === count - 1 ? ["main", "latest"] : n === 1 ? ["production"] : [],
      current: n === count - 1,
      timeMs: 1_700_000_000_000 + n,
      message: n === 0 ? "small base" : `training ${n}`,
      datasets: n === 0 ? [] : [n === 1 ? "git-basics" : "git-team"],
      imported: n === 0,
      ...(n === 0 ? {} : { accuracy: aside ? 0.125 : 0.9 + n / 1e6, accuracyBefore: aside ? 0.9 : 0 }),
      ...(aside ? { aside: "forgot" } : {}),
    };
  });
}

export function makeDetail(commit: string, examples = 3): VersionDetail {
  const change = (n: number, kept: boolean) => ({
    id: `e:${n.toString(16).padStart(6, "0")}`,
    label: `How do I do thing number ${n}?`,
    correct: [!kept, kept],
    lossFirst: 2,
    lossLast: 0.25,
  });
  return {
    commit,
    facts: [
      ["message", "made up"],
      ["accuracy", "90.0 %  (parent 0.0 %)"],
    ],
    statuses: [
      ["known", 0],
      ["learned", examples],
      ["regressed", 1],
    ],
    learned: Array.from({ length: examples }, (_, n) => change(n, true)),
    lost: [change(255, false)],
    loss: [6.7, 2.3, 0.3, 0.01],
  };
}

export function makeSource(versions: readonly VersionRow[], examples = 3): LogSource {
  return {
    title: "made-up",
    branch: "main",
    versions: async function* () {
      yield* versions;
    },
    regressed: async (commit) =>
      versions.find((row) => row.commit === commit)?.aside === undefined ? 0 : 84,
    detail: async (commit) => makeDetail(commit, examples),
    difference: async (from, to) => [`from ${from.slice(0, 4)}`, `to ${to.slice(0, 4)}`],
  };
}
