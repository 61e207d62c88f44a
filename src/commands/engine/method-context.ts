import type { Scratch } from "../../base/ports.ts";

/** What a method of the engine's process may use. */
export interface MethodContext {
  /** Lives as long as the process: a plan waits here for its start. */
  readonly state: Map<string, unknown>;
  openScratch(folder: string): Promise<Scratch>;
  event(event: unknown): void;
  /** Resident memory of the process. */
  memoryBytes(): number;
}
