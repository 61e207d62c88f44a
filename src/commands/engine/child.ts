import { IngotError } from "../../base/errors.ts";
import { openScratch } from "../../storage/scratch.ts";
import { type EngineReply, type EngineRequest, toWire } from "./client.ts";
import { METHODS } from "./methods.ts";

/** The child's end of the channel. */
export interface ChildChannel {
  send(message: EngineReply): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Resident memory of this process. */
  memoryBytes(): number;
}

/** Answers the parent's requests, one after another but for the controls, which are heard at once. */
export function serveEngine(channel: ChildChannel): void {
  const state = new Map<string, unknown>();
  let last: Promise<void> = Promise.resolve();
  const answer = async (request: EngineRequest): Promise<void> => {
    try {
      const method = Object.hasOwn(METHODS, request.method) ? METHODS[request.method] : undefined;
      if (method === undefined)
        throw new IngotError("usage.command", `the engine knows no '${request.method}'`);
      const result = await method.run(request.payload as never, {
        state,
        openScratch,
        memoryBytes: () => channel.memoryBytes(),
        event: (event) => channel.send({ id: request.id, event }),
      });
      channel.send({ id: request.id, result });
    } catch (error) {
      channel.send({ id: request.id, error: toWire(error) });
    }
  };
  channel.onMessage((message) => {
    const request = message as EngineRequest;
    if (METHODS[request.method]?.immediate === true) void answer(request);
    else last = last.then(() => answer(request));
  });
}
