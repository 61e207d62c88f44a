import { Environment, Interpreter, Template } from "@huggingface/jinja";
import { IngotError } from "../base/errors.ts";
import type { FieldRecord, FieldValue } from "./formats/row-format.ts";

/** Nodes of the template that one rendering may evaluate; elements and characters that it makes count too. */
const MOST_STEPS = 2_000_000;
const MOST_TEMPLATE_CHARS = 1_048_576;
const MOST_OUTPUT_CHARS = 33_554_432;
const MOST_RANGE = 100_000;

export interface RenderOptions {
  /** Ends the text where the assistant's answer begins. */
  readonly addGenerationPrompt: boolean;
  readonly bosToken?: string | undefined;
  readonly eosToken?: string | undefined;
  readonly padToken?: string | undefined;
  readonly unkToken?: string | undefined;
  readonly tools?: FieldValue | undefined;
}

/** A message as chat templates take it: `role`, `content` and whatever else the row held. */
export type ChatMessage = FieldRecord;

/** A parsed chat template. */
export interface ChatTemplate {
  /**
   * The text of a conversation. Throws `input.tokenizer` where the template fails or refuses the messages (two users in a
   * row, say) and `limit.size` where it makes or works too much.
   */
  render(messages: readonly ChatMessage[], options: RenderOptions): string;
}

/**
 * Parses a chat template (Jinja, as in transformers). It is code of the model's author: it sees only what it is given,
 * cannot reach the host, and every step is counted. The clock is not given to it, so that a text depends on nothing else:
 * templates that ask for the date fall back to their own. Throws `input.tokenizer` for what is no template.
 */
export function parseChatTemplate(template: string): ChatTemplate {
  if (template.length > MOST_TEMPLATE_CHARS) {
    throw refuse(`is longer than ${MOST_TEMPLATE_CHARS} characters`);
  }
  let program: Template["parsed"];
  try {
    program = new Template(withoutMarks(template)).parsed;
  } catch (error) {
    throw refuse(`cannot be read: ${reason(error)}`, error);
  }
  return {
    render(messages, options) {
      try {
        const value = new CountingInterpreter(environment(messages, options)).run(program).value;
        return String(value);
      } catch (error) {
        if (error instanceof IngotError) throw error;
        throw refuse(`fails: ${reason(error)}`, error);
      }
    },
  };
}

/** `{% generation %}` only marks what is an answer; which tokens are trained is found otherwise here. */
function withoutMarks(template: string): string {
  return template.replace(/\{%(-?)\s*(?:end)?generation\s*(-?)%\}/g, "{%$1 if true $2%}{%$1 endif $2%}");
}

function environment(messages: readonly ChatMessage[], options: RenderOptions): Environment {
  const variables: Readonly<Record<string, unknown>> = {
    true: true,
    True: true,
    false: false,
    False: false,
    none: null,
    None: null,
    range: boundedRange,
    raise_exception: (message: unknown) => {
      throw new Error(String(message).slice(0, 500));
    },
    messages: messages.map(withoutWeight),
    add_generation_prompt: options.addGenerationPrompt,
    bos_token: options.bosToken ?? "",
    eos_token: options.eosToken ?? "",
    pad_token: options.padToken ?? "",
    unk_token: options.unkToken ?? "",
    ...(options.tools === undefined ? {} : { tools: options.tools }),
  };
  const scope = new Environment();
  for (const [name, value] of Object.entries(variables)) scope.set(name, value);
  return scope;
}

/** `weight` says what is trained; templates do not know it. */
function withoutWeight(message: ChatMessage): ChatMessage {
  const { weight, ...rest } = message;
  return weight === undefined ? message : rest;
}

function boundedRange(start: number, stop?: number, step = 1): number[] {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  if (step === 0) throw new Error("range() step must not be zero");
  const count = Math.max(0, Math.ceil((to - from) / step));
  if (!(count <= MOST_RANGE)) throw tooMuch(`a range of more than ${MOST_RANGE} numbers`);
  return Array.from({ length: count }, (_, i) => from + i * step);
}

type Evaluate = Interpreter["evaluate"];

/** Nodes whose value exists already. */
const LOOKUPS = new Set(["Identifier", "MemberExpression"]);
/** A turn of a loop, even of an empty one, costs as much as several nodes. */
const TURN_STEPS = 8;
const CHARS_PER_STEP = 256;

/** Counts what is evaluated and how much of it is made, and stops beyond the limits. */
class CountingInterpreter extends Interpreter {
  #steps = 0;
  /** What loops run over. */
  readonly #iterables = new WeakSet<object>();

  override evaluate(...[statement, scope]: Parameters<Evaluate>): ReturnType<Evaluate> {
    this.#count(1);
    if (statement?.type === "For")
      this.#noteIterable((statement as unknown as { iterable: Iterated }).iterable);
    const result = super.evaluate(statement, scope);
    const value: unknown = result.value;
    if (typeof value === "string") {
      if (value.length > MOST_OUTPUT_CHARS)
        throw tooMuch(`a text of more than ${MOST_OUTPUT_CHARS} characters`);
      this.#count(value.length / CHARS_PER_STEP);
    } else if (Array.isArray(value) && statement !== undefined) {
      if (this.#iterables.has(statement)) this.#count(value.length * TURN_STEPS);
      else if (!LOOKUPS.has(statement.type)) this.#count(value.length);
    }
    return result;
  }

  #noteIterable(iterable: Iterated): void {
    this.#iterables.add(
      iterable.type === "SelectExpression" && iterable.lhs !== undefined ? iterable.lhs : iterable,
    );
  }

  #count(steps: number): void {
    this.#steps += steps;
    if (this.#steps > MOST_STEPS) throw tooMuch(`more than ${MOST_STEPS} steps`);
  }
}

interface Iterated {
  readonly type: string;
  readonly lhs?: object;
}

function tooMuch(what: string): IngotError {
  return new IngotError("limit.size", `the chat template takes ${what}`, {
    hint: "the template of the model never ends, or the conversation is far too long",
    data: { where: "chat_template" },
  });
}

function refuse(what: string, cause?: unknown): IngotError {
  return new IngotError("input.tokenizer", `the chat template ${what}`, {
    hint: "look at 'chat_template' in tokenizer_config.json",
    data: { where: "chat_template" },
    cause,
  });
}

function reason(error: unknown): string {
  if (error instanceof RangeError) return "it is nested too deep";
  return error instanceof Error ? error.message.slice(0, 500) : "for no stated reason";
}
