import { IngotError } from "../base/errors.ts";
import { type Conversation, trainedAnswers } from "./conversation.ts";
import type { ChatTemplate, RenderOptions } from "./template.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Tokens of a conversation and the answers among them. */
export interface ChatTokens {
  readonly ids: readonly number[];
  /** Places [from, to) of each trained answer with its end token. */
  readonly answers: readonly (readonly [from: number, to: number])[];
}

/** Ids of a text that a template made, which writes the special tokens itself. */
type Encode = (text: string) => readonly number[];

/**
 * Tokens of a conversation under a template. An answer runs from where the template, asked for an answer, stops, to the end
 * token that follows: both are found by rendering the conversation up to there, so any template will do. Throws
 * `input.row` where the template leaves an answer out or writes the turns before it differently.
 */
export function encodeConversation(
  conversation: Conversation,
  template: ChatTemplate,
  tokenizer: Tokenizer,
  encode: Encode,
): ChatTokens {
  const { messages, tools } = conversation;
  const options: RenderOptions = { ...renderOptions(tokenizer), addGenerationPrompt: false, tools };
  const ids = encode(template.render(messages, options));
  const answers = trainedAnswers(conversation).map((place): readonly [number, number] => {
    const before = encode(
      template.render(messages.slice(0, place), { ...options, addGenerationPrompt: true }),
    );
    const through =
      place + 1 === messages.length ? ids : encode(template.render(messages.slice(0, place + 1), options));
    const from = commonPrefix(before, ids);
    const to = lastEnd(ids, from, commonPrefix(through, ids), tokenizer);
    // A few tokens of the prompt may melt into the answer; more means that the template rewrote it.
    if (to <= from || before.length - from > 4) {
      throw new IngotError("input.row", `the chat template hides the answer of 'messages[${place}]'`, {
        hint: "end the conversation with that answer, or give it the weight 0",
      });
    }
    return [from, to];
  });
  return { ids, answers };
}

/** The special tokens that templates write. */
export function renderOptions({
  bosToken,
  eosToken,
  padToken,
  unkToken,
}: Tokenizer): Omit<RenderOptions, "addGenerationPrompt"> {
  return { bosToken, eosToken, padToken, unkToken };
}

function commonPrefix(a: readonly number[], b: readonly number[]): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length += 1;
  return length;
}

/** Leaves out what a template writes after the end token (a line end). */
function lastEnd(ids: readonly number[], from: number, to: number, tokenizer: Tokenizer): number {
  for (let end = to; end > from; end--) {
    const id = ids[end - 1] as number;
    if (tokenizer.stopIds.includes(id) || tokenizer.specialIds.has(id)) return end;
  }
  return to;
}
