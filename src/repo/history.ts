import type { Oid } from "../base/oid.ts";
import type { CommitRecord } from "../objects/records.ts";
import type { Repository } from "./repository.ts";

export interface HistoryEntry {
  readonly oid: Oid;
  readonly commit: CommitRecord;
}

/**
 * How many commits are read beyond the one that is given out. Times may lie (clocks differ between machines), so a child may look older
 * than its parent; within this distance it still comes first.
 */
const LOOKAHEAD = 128;

interface Waiting extends HistoryEntry {
  /** Children that were read and not given out yet. */
  children: number;
}

/** Commits that lead to `tips`, newest first, no parent before its children; read as they are asked for. */
export async function* commits(repo: Repository, tips: readonly Oid[]): AsyncGenerator<HistoryEntry> {
  const known = new Map<Oid, Waiting>();
  const frontier: Waiting[] = [];
  const ready: Waiting[] = [];
  let ahead = 0;

  const meet = async (oid: Oid): Promise<Waiting> => {
    let waiting = known.get(oid);
    if (waiting === undefined) {
      waiting = { oid, commit: await repo.readRecord(oid, "commit"), children: 0 };
      known.set(oid, waiting);
      insert(frontier, waiting);
      ahead++;
    }
    return waiting;
  };
  const expand = async (): Promise<void> => {
    for (const parent of (frontier.pop() as Waiting).commit.parents) (await meet(parent)).children++;
  };

  const starts: Waiting[] = [];
  for (const tip of new Set(tips)) starts.push(await meet(tip));
  const started = new Set<Waiting>();
  for (;;) {
    while (frontier.length > 0 && ahead < LOOKAHEAD) await expand();
    for (const start of starts) {
      if (start.children > 0 || started.has(start)) continue;
      started.add(start);
      insert(ready, start);
    }
    const next = ready.pop();
    if (next === undefined) return;
    if (next.children > 0) {
      started.delete(next);
      continue;
    }
    ahead--;
    // Its parents must be known before they can be given out.
    while (frontier.includes(next)) await expand();
    yield { oid: next.oid, commit: next.commit };
    for (const oid of next.commit.parents) {
      const parent = known.get(oid) as Waiting;
      parent.children--;
      if (parent.children === 0 && !started.has(parent)) {
        started.add(parent);
        insert(ready, parent);
      }
    }
  }
}

/** Keeps a list sorted so that its last element is the newest; equal times by id, so that the order is one. */
function insert(list: Waiting[], item: Waiting): void {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isOlder(list[middle] as Waiting, item)) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, item);
}

function isOlder(a: Waiting, b: Waiting): boolean {
  return a.commit.timeMs !== b.commit.timeMs ? a.commit.timeMs < b.commit.timeMs : a.oid > b.oid;
}
