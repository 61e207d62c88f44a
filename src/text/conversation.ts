import type { Example } from "./example.ts";
import { CONVERSATION_ROLES } from "./formats/conversations.ts";
import { type FieldRecord, type FieldValue, record } from "./formats/row-format.ts";
import type { ChatMessage } from "./template.ts";

/** A row as a conversation. */
export interface Conversation {
  readonly messages: readonly ChatMessage[];
  readonly tools: FieldValue | undefined;
}

function message(role: string, content: string): ChatMessage {
  return record([
    ["role", role],
    ["content", content],
  ]);
}

/** A text is one message of its role; a list is messages already. */
function messages(value: FieldValue | undefined, role: string): readonly ChatMessage[] {
  return typeof value === "string" ? [message(role, value)] : (value as readonly FieldRecord[]);
}

const READERS: ReadonlyMap<string, (fields: FieldRecord) => Conversation> = new Map([
  ["chat", (fields) => ({ messages: fields.messages as readonly FieldRecord[], tools: fields.tools })],
  [
    "prompt-completion",
    (fields) => ({
      messages: [...messages(fields.prompt, "user"), ...messages(fields.completion, "assistant")],
      tools: undefined,
    }),
  ],
  [
    "instruction",
    (fields) => ({
      messages: [
        message("user", [fields.instruction, fields.input].filter((part) => part !== undefined).join("\n\n")),
        message("assistant", fields.output as string),
      ],
      tools: undefined,
    }),
  ],
  [
    "conversations",
    (fields) => ({
      messages: (fields.conversations as readonly FieldRecord[]).map((turn) =>
        message(CONVERSATION_ROLES.get(turn.from as string) as string, turn.value as string),
      ),
      tools: undefined,
    }),
  ],
]);

/** The conversation that a row is; undefined for rows of other kinds. */
export function conversationOf(example: Example): Conversation | undefined {
  return READERS.get(example.format)?.(example.fields);
}

/** Places of the answers that are trained: all but those with weight 0. */
export function trainedAnswers(conversation: Conversation): readonly number[] {
  return conversation.messages.flatMap(({ role, weight }, i) =>
    role === "assistant" && weight !== 0 ? [i] : [],
  );
}
