import { IngotError } from "../base/errors.ts";
import { type ChatTokens, encodeConversation } from "./chat-tokens.ts";
import { type ClassLabels, classLabels } from "./class-labels.ts";
import { type Conversation, conversationOf } from "./conversation.ts";
import { type EncodedExample, IGNORED_LABEL } from "./encoded.ts";
import type { Example } from "./example.ts";
import { TENSORS_FORMAT } from "./formats.ts";
import { frameOf, plainTemplate } from "./plain-text.ts";
import { labelText, lastAnswer, rowLabel } from "./row-labels.ts";
import { type ChatTemplate, parseChatTemplate } from "./template.ts";
import { encodeTensorExample } from "./tensor-example.ts";
import { encodeTokenExample } from "./token-example.ts";
import type { Tokenizer } from "./tokenizer.ts";

export interface EncodeExampleOptions {
  /** Task of the recipe; `text-generation` learns tokens, classification and regression one label a row. */
  readonly task: string;
  /** Longest row in tokens; 0 or absent = no limit. */
  readonly maxLength?: number | undefined;
  /** Classes of the labels; by default whole numbers only. */
  readonly classes?: ClassLabels | undefined;
}

/** Encodes the examples of one training. */
export type ExampleEncoder = (example: Example) => EncodedExample;

interface Setting {
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate | undefined;
  readonly frame: ReturnType<typeof frameOf>;
  readonly maxLength: number;
  readonly task: string;
  readonly classes: ClassLabels;
}

/**
 * An encoder for examples of any format. What is trained: in chats and in prompt and answer the answers with their end
 * tokens (turns of weight 0 left out), in texts every token, in labelled texts the label. It throws `input.model` where
 * text needs a tokenizer that the model lacks and `input.row` (with the line) for rows that do not fit the task.
 */
export function openExampleEncoder(
  tokenizer: Tokenizer | undefined,
  options: EncodeExampleOptions,
): ExampleEncoder {
  const classes = options.classes ?? classLabels([]);
  const maxLength =
    options.maxLength !== undefined && options.maxLength > 0 ? options.maxLength : Number.POSITIVE_INFINITY;
  let setting: Setting | undefined;
  const opened = (example: Example): Setting => {
    if (tokenizer === undefined) {
      throw new IngotError("input.model", `the model has no tokenizer, which '${example.format}' rows need`, {
        hint: "import the model as a folder with its tokenizer.json, or add rows of input_ids",
      });
    }
    setting ??= {
      tokenizer,
      template: tokenizer.chatTemplate === undefined ? undefined : parseChatTemplate(tokenizer.chatTemplate),
      frame: frameOf(tokenizer),
      maxLength,
      task: options.task,
      classes,
    };
    return setting;
  };
  return (example) => {
    try {
      if (example.format === TENSORS_FORMAT) return encodeTensorExample(example, classes);
      if (example.format === "tokens")
        return encodeTokenExample(example, tokenizer, { task: options.task, maxLength, classes });
      const conversation = conversationOf(example);
      if (conversation !== undefined) return encodeChat(example, conversation, opened(example));
      const encode = TEXT_ENCODERS.get(example.format);
      if (encode !== undefined) return encode(example, opened(example));
      throw new IngotError("input.format", `'${example.format}' rows cannot be trained on yet`, {
        hint: "give the wanted answers as prompt and completion",
      });
    } catch (error) {
      throw withLine(error, example);
    }
  };
}

const TEXT_ENCODERS: ReadonlyMap<string, (example: Example, setting: Setting) => EncodedExample> = new Map([
  ["text", encodeText],
  ["text-label", encodeLabelled],
]);

function withLine(error: unknown, example: Example): unknown {
  if (!(error instanceof IngotError) || error.data.where !== undefined) return error;
  return new IngotError(error.code, error.message, {
    hint: error.hint,
    data: { ...error.data, where: `line ${example.line}`, line: example.line, example: example.id },
    cause: error,
  });
}

function encodeChat(example: Example, conversation: Conversation, setting: Setting): EncodedExample {
  if (setting.task !== "text-generation") throw misfit(example, setting.task);
  const { tokenizer, frame } = setting;
  const single = conversation.messages.length <= 2;
  const { ids, answers }: ChatTokens =
    setting.template === undefined
      ? encodeConversation(conversation, plainTemplate(single ? "" : "\n"), tokenizer, (text) => [
          ...frame.before,
          ...tokenizer.encode(text, { addSpecialTokens: false }),
        ])
      : encodeConversation(conversation, setting.template, tokenizer, (text) =>
          tokenizer.encode(text, { addSpecialTokens: false }),
        );
  if (answers.length === 0) {
    throw new IngotError("input.row", "the conversation has no answer to learn", {
      hint: "it needs a message of the role 'assistant' whose weight is not 0",
    });
  }
  const labels = new Int32Array(ids.length).fill(IGNORED_LABEL);
  for (const [from, to] of answers) for (let i = from; i < to; i++) labels[i] = ids[i] as number;
  const questions = conversation.messages.filter(({ role }) => role === "user");
  const question = questions.at(-1)?.content;
  return tokenRow(example, setting, ids, labels, typeof question === "string" ? question : "");
}

function encodeText(example: Example, setting: Setting): EncodedExample {
  if (setting.task !== "text-generation") throw misfit(example, setting.task);
  const { tokenizer, frame } = setting;
  const text = example.fields.text as string;
  const ids = [...frame.before, ...tokenizer.encode(text, { addSpecialTokens: false })];
  if (tokenizer.eosId !== undefined && ids.at(-1) !== tokenizer.eosId) ids.push(tokenizer.eosId);
  return tokenRow(example, setting, ids, Int32Array.from(ids), text);
}

function tokenRow(
  example: Example,
  setting: Setting,
  ids: readonly number[],
  labels: Int32Array,
  inputText: string,
): EncodedExample {
  const length = Math.min(ids.length, setting.maxLength);
  const inputIds = Int32Array.from(ids.slice(0, length));
  const kept = labels.slice(0, length);
  const { promptIds, expectedIds } = lastAnswer(inputIds, kept);
  return {
    id: example.id,
    inputIds,
    columns: new Map(),
    tensors: new Map(),
    labels: { kind: "classes", dims: [length], values: kept },
    promptIds,
    expectedIds,
    expectedText: setting.tokenizer.decode(expectedIds, { skipSpecialTokens: true }),
    inputText,
    cut: length < ids.length,
  };
}

function encodeLabelled(example: Example, setting: Setting): EncodedExample {
  const { tokenizer, frame, task, classes } = setting;
  if (task === "text-generation") throw misfit(example, task);
  const text = example.fields.text as string;
  const bare = tokenizer.encode(text, { addSpecialTokens: false });
  const room = Math.max(0, setting.maxLength - frame.before.length - frame.after.length);
  const inputIds = Int32Array.from([...frame.before, ...bare.slice(0, room), ...frame.after]);
  const label = example.fields.label as string | number;
  return {
    id: example.id,
    inputIds,
    columns: new Map(),
    tensors: new Map(),
    labels: rowLabel(label, task, classes),
    promptIds: [],
    expectedIds: [],
    expectedText: labelText(label, task, classes),
    inputText: text,
    cut: bare.length > room,
  };
}

function misfit(example: Example, task: string): IngotError {
  return new IngotError("input.row", `'${example.format}' rows do not fit the task '${task}'`, {
    hint: "name the task with --task, or add rows of another format",
  });
}
