import { IngotError } from "../../base/errors.ts";
import { escapeControl, oneLine } from "../../base/terminal-text.ts";
import type { Context } from "../../commands/context.ts";
import { revParse } from "../../commands/rev-parse.ts";
import { type RunOptions, runVersion } from "../../commands/run.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";
import { table } from "../render/format.ts";
import { readAll } from "../stdin.ts";

export async function run(call: Invocation): Promise<undefined> {
  const { args } = call;
  const context = await call.context();
  const asked = await readQuestion(call, context);
  const streams = !call.json && call.terminal.out.isTTY && asked.input === undefined;
  let last = "\n";
  const result = await runVersion(context, {
    ...asked,
    out: args.text("out"),
    maxTokens: args.number("max-tokens"),
    threads: args.number("threads"),
    ...sampling(call),
    ...(streams
      ? {
          onText: (text: string) => {
            last = text;
            call.io.stdout.write(escapeControl(text))?.catch(() => {});
          },
        }
      : {}),
  });
  if (call.json) {
    await printJson(call, result);
    return;
  }
  if (streams) await call.io.stdout.write(last.endsWith("\n") ? "" : "\n");
  else if (result.text !== undefined)
    await call.io.stdout.write(`${call.terminal.out.isTTY ? escapeControl(result.text) : result.text}\n`);
  if (result.outputs !== undefined && !call.quiet)
    await printLines(
      call,
      table(result.outputs.map((o) => [oneLine(o.name), o.dtype, `[${o.dims.join(", ")}]`])),
    );
  const facts = [
    result.ref === undefined || result.ref === result.version
      ? result.version
      : `${result.ref} ${result.version}`,
    result.tokens === undefined ? "" : `${result.tokens} tok`,
    result.tokensPerSecond === undefined
      ? ""
      : `${result.tokensPerSecond.toFixed(result.tokensPerSecond < 10 ? 1 : 0)} tok/s`,
  ];
  call.note(call.terminal.err.paint("dim", `[${facts.filter((f) => f !== "").join("  ")}]`));
}

type Question = Pick<RunOptions, "revision" | "prompt" | "input">;

/** Which word is the version and which the prompt: one word is a prompt, unless it names a version and the prompt comes from elsewhere. */
async function readQuestion(call: Invocation, context: Context): Promise<Question> {
  const { args, io } = call;
  const [first, second] = [args.text("rev"), args.text("prompt")];
  const input = args.text("input");
  if (input !== undefined) {
    if (second !== undefined)
      throw new IngotError("usage.argument", "'run' takes a prompt or --input, not both", {
        hint: "ingot run -h",
      });
    return { input, ...(first === undefined ? {} : { revision: first }) };
  }
  if (args.has("out"))
    throw new IngotError("usage.flag", "'--out' goes with --input", {
      hint: "ingot run REV --input FILE --out FILE",
    });
  if (second !== undefined) return { revision: first, prompt: await readPrompt(call, second) };
  const isRevision = first !== undefined && first !== "-" && (await namesVersion(context, first));
  if (first !== undefined && !isRevision) return { prompt: await readPrompt(call, first) };
  if (io.stdin.isTTY)
    throw new IngotError("usage.argument", "there is nothing to ask", {
      hint: `ingot run ${first ?? "REV"} "PROMPT"`,
    });
  return { ...(first === undefined ? {} : { revision: first }), prompt: await readPrompt(call, "-") };
}

async function readPrompt({ io }: Invocation, word: string): Promise<string> {
  if (word !== "-") return word;
  return new TextDecoder().decode(await readAll(io.stdin)).replace(/\r?\n$/, "");
}

async function namesVersion(context: Context, word: string): Promise<boolean> {
  if (/\s/.test(word)) return false;
  try {
    await revParse(context, [word]);
    return true;
  } catch (error) {
    if (
      error instanceof IngotError &&
      ["ref.missing", "usage.argument", "object.missing", "object.ambiguous", "input.version"].includes(
        error.code,
      )
    )
      return false;
    throw error;
  }
}

function sampling({ args }: Invocation): Pick<RunOptions, "sampling"> {
  const temperature = args.number("temperature");
  const topP = args.number("top-p");
  const seed = args.number("seed");
  if (temperature === undefined && topP === undefined) return {};
  return { sampling: { temperature: temperature ?? 1, topP, seed } };
}
