import { renderOptions } from "./chat-tokens.ts";
import { frameOf } from "./plain-text.ts";
import { parseChatTemplate } from "./template.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Tokens that ask a model a question: through its chat template where it has one, else the text as it is. */
export function promptTokens(tokenizer: Tokenizer, prompt: string): readonly number[] {
  if (tokenizer.chatTemplate === undefined)
    return [...frameOf(tokenizer).before, ...tokenizer.encode(prompt, { addSpecialTokens: false })];
  const template = parseChatTemplate(tokenizer.chatTemplate);
  const text = template.render([{ role: "user", content: prompt }], {
    ...renderOptions(tokenizer),
    addGenerationPrompt: true,
  });
  return tokenizer.encode(text, { addSpecialTokens: false });
}
