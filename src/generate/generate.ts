import { IngotError } from "../base/errors.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { Decoder } from "./decoder.ts";
import { checkSampling, chooseToken, GREEDY, type Sampling } from "./sampling.ts";

export interface Prompt {
  readonly tokenizer: Pick<Tokenizer, "decode" | "stopIds">;
  readonly promptIds: readonly number[];
  readonly maxNewTokens: number;
  /** Ids that end the answer; the tokenizer's by default. */
  readonly stopIds?: readonly number[];
  /** Greedy by default. */
  readonly sampling?: Sampling;
  /** Told of the answer as it grows, in whole characters. */
  readonly onText?: (added: string) => void;
  readonly signal?: AbortSignal;
}

export interface Generation {
  /** The answer's tokens, without the one that ended it. */
  readonly ids: readonly number[];
  readonly text: string;
  readonly ended: "stop" | "length" | "aborted";
  /** The token that ended it. */
  readonly stopId: number | undefined;
}

/**
 * One answer to one prompt, token by token. The same for the same model, prompt, sampling and seed. Throws `input.row` for an
 * empty prompt, `usage.flag` for sampling out of range.
 */
export async function answerPrompt(decoder: Decoder, options: Prompt): Promise<Generation> {
  const { tokenizer, promptIds, maxNewTokens, sampling = GREEDY, signal } = options;
  checkSampling(sampling);
  if (promptIds.length === 0)
    throw new IngotError("input.row", "the prompt is empty", { hint: "write a prompt" });
  const stops = new Set(options.stopIds ?? tokenizer.stopIds);
  const ids: number[] = [];
  const stream = textStream(tokenizer, options.onText);
  let ended: Generation["ended"] = "length";
  let stopId: number | undefined;

  if (maxNewTokens > 0) {
    const batch = await decoder.open([promptIds]);
    for (;;) {
      // The runtime blocks the thread: only here can a signal arrive.
      await new Promise((resolve) => setImmediate(resolve));
      if (signal?.aborted === true) {
        ended = "aborted";
        break;
      }
      const next = chooseToken(batch.logits(0), sampling, ids.length);
      if (stops.has(next)) {
        ended = "stop";
        stopId = next;
        break;
      }
      ids.push(next);
      stream.push(ids);
      if (ids.length >= maxNewTokens) break;
      await batch.advance([next]);
    }
  }
  return { ids, text: stream.end(ids), ended, stopId };
}

/** Cuts the growing text where no later token can change it: a character may take several tokens. */
function textStream(
  tokenizer: Pick<Tokenizer, "decode">,
  onText: ((added: string) => void) | undefined,
): { push(ids: readonly number[]): void; end(ids: readonly number[]): string } {
  let told = "";
  const tell = (text: string): void => {
    if (onText === undefined || text.length <= told.length || !text.startsWith(told)) return;
    onText(text.slice(told.length));
    told = text;
  };
  const decode = (ids: readonly number[]): string => tokenizer.decode(ids, { skipSpecialTokens: true });
  return {
    push(ids) {
      if (onText === undefined) return;
      const text = decode(ids);
      if (!text.endsWith("\ufffd")) tell(text);
    },
    end(ids) {
      const text = decode(ids);
      tell(text);
      return text;
    },
  };
}
