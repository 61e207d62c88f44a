import fs from "node:fs";
import os from "node:os";
import process from "node:process";

/**
 * A process so described that another one can later tell whether it still runs: pids are used again, so the start time
 * stands beside them, and the boot id beside that.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start of the process in clock ticks since boot (field 22 of /proc/pid/stat); "" where the system does not say. */
  readonly start: string;
  /** Random id of this boot; "" where the system does not say. */
  readonly bootId: string;
  /** Id of the machine; host names repeat, so it is the name only where nothing better exists. */
  readonly machineId: string;
  readonly host: string;
}

function readText(path: string): string {
  try {
    return fs.readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}

function startOf(pid: number | "self"): string {
  const stat = readText(`/proc/${pid}/stat`);
  // The command name may hold spaces and brackets: count from the last bracket, where field 3 starts.
  return stat === "" ? "" : (stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "");
}

let own: ProcessIdentity | undefined;

/** The identity of this process. */
export function currentProcess(): ProcessIdentity {
  own ??= {
    pid: process.pid,
    start: startOf("self"),
    bootId: readText("/proc/sys/kernel/random/boot_id"),
    machineId: readText("/etc/machine-id") || readText("/var/lib/dbus/machine-id") || `host:${os.hostname()}`,
    host: os.hostname(),
  };
  return own;
}

export type Liveness = "alive" | "dead" | "unknown";

/** Whether a process still runs; `unknown` where it is one of another machine. */
export function livenessOf(other: ProcessIdentity): Liveness {
  const self = currentProcess();
  if (other.machineId !== self.machineId) return "unknown";
  if (other.bootId !== "" && self.bootId !== "" && other.bootId !== self.bootId) return "dead";
  try {
    process.kill(other.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return "dead";
  }
  const start = startOf(other.pid);
  return other.start !== "" && start !== "" && start !== other.start ? "dead" : "alive";
}

/** Reads an identity from parsed JSON that anybody may have written; undefined where it is none. */
export function parseProcessIdentity(value: unknown): ProcessIdentity | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { pid, start, bootId, machineId, host } = value as Record<string, unknown>;
  const texts = [start, bootId, machineId, host];
  if (
    !Number.isSafeInteger(pid) ||
    (pid as number) <= 0 ||
    texts.some((text) => typeof text !== "string" || text.length > 256)
  )
    return undefined;
  return { pid, start, bootId, machineId, host } as ProcessIdentity;
}
