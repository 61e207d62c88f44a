import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { isAbsent } from "./io-error.ts";
import { currentProcess, livenessOf, parseProcessIdentity } from "./process-identity.ts";

const SESSION_FILE = "session.json";
const UNREADABLE_EXPIRES_MS = 24 * 3600 * 1000;

/** Folder of this process's unfinished files: `tmp/<session>/` with a `session.json` that says whose they are. */
export interface SessionFolder {
  /** Path for one more unfinished file. */
  nextFile(): string;
  /** Removes the folder and what is left in it. */
  remove(): void;
}

/** Makes a session folder below `tmp`, and removes those of processes that provably ended. */
export function openSessionFolder(tmp: string): SessionFolder {
  fs.mkdirSync(tmp, { recursive: true });
  removeDeadSessions(tmp);
  const nonce = randomBytes(8).toString("hex");
  const folder = path.join(tmp, nonce);
  fs.mkdirSync(folder, { mode: 0o700 });
  fs.writeFileSync(path.join(folder, SESSION_FILE), JSON.stringify({ nonce, ...currentProcess() }));
  let count = 0;
  return {
    nextFile: () => path.join(folder, `${++count}.part`),
    remove: () => fs.rmSync(folder, { recursive: true, force: true }),
  };
}

function removeDeadSessions(tmp: string): void {
  for (const folder of listSessions(tmp))
    if (isDead(folder)) fs.rmSync(folder, { recursive: true, force: true });
}

function listSessions(tmp: string): string[] {
  try {
    return fs
      .readdirSync(tmp, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => path.join(tmp, entry.name));
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

function isDead(folder: string): boolean {
  try {
    const owner = parseProcessIdentity(JSON.parse(fs.readFileSync(path.join(folder, SESSION_FILE), "utf8")));
    if (owner !== undefined) return livenessOf(owner) === "dead";
  } catch {
    // Torn or not written yet: judged by age, below.
  }
  try {
    return Date.now() - fs.statSync(folder).mtimeMs > UNREADABLE_EXPIRES_MS;
  } catch {
    return false;
  }
}
