import { bug, ERROR_CODES, type ErrorCode, IngotError } from "../../base/errors.ts";
import type { ChannelEnd, EngineChannel } from "./launcher.ts";

/** What the engine's process is asked to do, and what it answers; `engine/child.ts` has the other end. */
export interface EngineRequest {
  readonly id: number;
  readonly method: string;
  readonly payload: unknown;
}

export type EngineReply =
  | { readonly id: number; readonly event: unknown }
  | { readonly id: number; readonly result: unknown }
  | {
      readonly id: number;
      readonly error: {
        readonly code: string;
        readonly message: string;
        readonly hint?: string;
        readonly data?: Record<string, unknown>;
      };
    };

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly onEvent: ((event: unknown) => void) | undefined;
}

/** The parent's end of the engine's channel: requests with events on the way. A dead process fails what waits. */
export class EngineClient {
  private readonly channel: EngineChannel;
  private readonly waiting = new Map<number, Waiting>();
  private next = 1;
  private ended: IngotError | undefined;

  constructor(channel: EngineChannel) {
    this.channel = channel;
    channel.onMessage((message) => this.receive(message as EngineReply));
    channel.onEnd((end) => this.fail(endError(end)));
  }

  /** Asks and waits. `onEvent` sees what is reported before the answer. Throws the engine's own error, or `limit.engine` where its process died. */
  request<Result>(method: string, payload: unknown, onEvent?: (event: never) => void): Promise<Result> {
    if (this.ended !== undefined) return Promise.reject(this.ended);
    const id = this.next++;
    const request: EngineRequest = { id, method, payload };
    return new Promise<Result>((resolve, reject) => {
      this.waiting.set(id, {
        resolve: resolve as (result: unknown) => void,
        reject,
        onEvent: onEvent as ((event: unknown) => void) | undefined,
      });
      this.channel.send(request);
    });
  }

  /** Ends the process. */
  close(): void {
    this.ended ??= new IngotError("limit.engine", "the engine was closed");
    this.channel.kill();
  }

  private receive(reply: EngineReply): void {
    const waiting = this.waiting.get(reply.id);
    if (waiting === undefined) return;
    if ("event" in reply) {
      waiting.onEvent?.(reply.event);
      return;
    }
    this.waiting.delete(reply.id);
    if ("result" in reply) waiting.resolve(reply.result);
    else waiting.reject(fromWire(reply.error));
  }

  /** Ends the process and fails what waits for it. */
  fail(error: IngotError): void {
    this.ended ??= error;
    this.channel.kill();
    for (const waiting of this.waiting.values()) waiting.reject(error);
    this.waiting.clear();
  }
}

function fromWire(error: Extract<EngineReply, { error: unknown }>["error"]): Error {
  if (!Object.hasOwn(ERROR_CODES, error.code)) return new Error(error.message);
  return new IngotError(error.code as ErrorCode, error.message, { hint: error.hint, data: error.data });
}

function endError(end: ChannelEnd): IngotError {
  const how =
    end.error?.message ??
    (end.signal === undefined ? `exit ${end.code ?? "unknown"}` : `signal ${end.signal}`);
  return new IngotError("limit.engine", `the engine's process ended (${how})`, {
    hint: "every ref is where it was: run the command again, or with --threads 1",
    data: { where: "engine" },
  });
}

/** Error as it travels. Anything that is no IngotError is a bug and keeps its stack in the message. */
export function toWire(error: unknown): Extract<EngineReply, { error: unknown }>["error"] {
  if (error instanceof IngotError)
    return {
      code: error.code,
      message: error.message,
      data: error.data,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    };
  return { code: "bug", message: error instanceof Error ? (error.stack ?? error.message) : bugText(error) };
}

function bugText(error: unknown): string {
  return typeof error === "string" ? error : bug("something other than an error was thrown");
}
