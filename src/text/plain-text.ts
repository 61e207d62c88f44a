import type { ChatMessage, ChatTemplate } from "./template.ts";
import type { Tokenizer } from "./tokenizer.ts";

/**
 * What stands in for the template of a model that has none: the contents one after the other as they are, each answer
 * closed by the end token. A row of several turns has a line end between them.
 */
export function plainTemplate(separator: string): ChatTemplate {
  return {
    render(messages, { eosToken }) {
      return messages
        .map(
          (message, i) =>
            contentOf(message) +
            (message.role === "assistant" ? (eosToken ?? "") : "") +
            (i + 1 < messages.length || message.role !== "assistant" ? separator : ""),
        )
        .join("");
    },
  };
}

function contentOf({ content }: ChatMessage): string {
  return typeof content === "string" ? content : "";
}

/** Ids that a tokenizer itself puts before and after a text. */
export interface Frame {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** The frame of a tokenizer, seen on a short text. */
export function frameOf(tokenizer: Tokenizer): Frame {
  const bare = tokenizer.encode("a", { addSpecialTokens: false });
  const framed = tokenizer.encode("a", { addSpecialTokens: true });
  for (let at = 0; at + bare.length <= framed.length; at++) {
    if (bare.every((id, i) => framed[at + i] === id)) {
      return { before: framed.slice(0, at), after: framed.slice(at + bare.length) };
    }
  }
  return { before: [], after: [] };
}
