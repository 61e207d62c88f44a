import fs from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Clock, Random } from "../../src/base/ports.ts";
import { initRepository, type OpenOptions } from "../../src/repo/open.ts";
import type { Repository } from "../../src/repo/repository.ts";
import { openFileSystemStorage } from "../../src/storage/file-system.ts";
import { openMemoryStorage } from "../../src/storage/memory.ts";
import type { Storage } from "../../src/storage/port.ts";

/** A clock that stands still until it is told to go on. */
export interface FrozenClock extends Clock {
  advance(ms: number): void;
}

/** 2026-01-01T00:00:00Z, where frozen clocks start. */
export const START_MS = Date.UTC(2026, 0, 1);

export function frozenClock(startMs = START_MS): FrozenClock {
  let nowMs = startMs;
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs - startMs,
    advance: (ms) => {
      nowMs += ms;
    },
  };
}

/** Random bytes that are the same at every run (mulberry32). */
export function seededRandom(seed = 1): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  return { bytes: (count) => Uint8Array.from({ length: count }, () => next() & 0xff) };
}

export interface TestRepository {
  readonly repo: Repository;
  readonly storage: Storage;
  readonly clock: FrozenClock;
  readonly options: Required<OpenOptions>;
  /** Folder of the repository; "" in memory. */
  readonly folder: string;
  remove(): void;
}

export interface TestRepositoryOptions {
  readonly on?: "memory" | "disk";
  readonly durable?: boolean;
  readonly seed?: number;
}

/** A fresh repository under a frozen clock and seeded randomness. */
export async function makeRepository({
  on = "memory",
  durable = false,
  seed = 1,
}: TestRepositoryOptions = {}): Promise<TestRepository> {
  const clock = frozenClock();
  const options = { clock, random: seededRandom(seed), actor: "Ada <ada@example.org>" };
  const folder = on === "disk" ? fs.mkdtempSync(path.join(tmpdir(), "ingot-repo-")) : "";
  const storage =
    on === "disk"
      ? openFileSystemStorage(path.join(folder, ".ingot"), { durability: durable ? "full" : "none" })
      : openMemoryStorage({ nowMs: () => clock.nowMs() });
  const repo = await initRepository(storage, options);
  return {
    repo,
    storage,
    clock,
    options,
    folder,
    remove: () => folder !== "" && fs.rmSync(folder, { recursive: true, force: true }),
  };
}

/** Pseudo-random bytes that do not compress. */
export function noise(sizeBytes: number, seed = 7): Uint8Array {
  const words = new Uint32Array(Math.ceil(sizeBytes / 4));
  let state = seed >>> 0 || 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state >>> 0;
  }
  return new Uint8Array(words.buffer, 0, sizeBytes);
}
