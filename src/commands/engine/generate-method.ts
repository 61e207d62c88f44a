import { IngotError } from "../../base/errors.ts";
import { openDecoder } from "../../generate/decoder.ts";
import { answerPrompt } from "../../generate/generate.ts";
import type { Sampling } from "../../generate/sampling.ts";
import { openGraph } from "../../runtime/open-graph.ts";
import { openRuntime } from "../../runtime/ort.ts";
import { promptTokens } from "../../text/prompt.ts";
import type { MethodContext } from "./method-context.ts";
import { loadVersion, type VersionOnDisk } from "./version-model.ts";

export interface GenerateJob extends VersionOnDisk {
  readonly prompt: string;
  readonly maxNewTokens: number;
  readonly sampling?: Sampling;
  readonly threads: number;
}

export interface GenerateAnswer {
  readonly text: string;
  readonly tokens: number;
  readonly promptTokens: number;
  readonly ended: "stop" | "length" | "aborted";
  readonly durationMs: number;
  /** Generated tokens a second, the reading of the prompt left out. */
  readonly tokensPerSecond: number;
  readonly hasCache: boolean;
}

/** One answer; its text is reported as it grows. */
export async function generateMethod(job: GenerateJob, context: MethodContext): Promise<GenerateAnswer> {
  const runtime = await openRuntime();
  const scratch = await context.openScratch(job.model.folder);
  const { base, model, feeds } = await loadVersion(job, scratch);
  const { tokenizer } = base;
  if (tokenizer === undefined || base.task !== "text-generation") {
    throw new IngotError("input.model", "this model does not generate text", {
      hint: "give its inputs as tensors: ingot run REV --input FILE.safetensors",
      data: { where: base.task },
    });
  }
  const session = await openGraph(runtime, scratch, model, { threads: job.threads, optimize: "all" });
  try {
    const decoder = openDecoder(session, { extra: feeds });
    const ids = promptTokens(tokenizer, job.prompt);
    const started = performance.now();
    let first = 0;
    const answer = await answerPrompt(decoder, {
      tokenizer,
      promptIds: ids,
      maxNewTokens: job.maxNewTokens,
      ...(job.sampling === undefined ? {} : { sampling: job.sampling }),
      onText: (text) => {
        if (first === 0) first = performance.now();
        context.event({ event: "text", text });
      },
    });
    const ended = performance.now();
    const seconds = (ended - (first || started)) / 1000;
    return {
      text: answer.text,
      tokens: answer.ids.length,
      promptTokens: ids.length,
      ended: answer.ended,
      durationMs: ended - started,
      tokensPerSecond: seconds > 0 ? Math.max(0, answer.ids.length - 1) / seconds : 0,
      hasCache: decoder.hasCache,
    };
  } finally {
    await session.close();
  }
}
