import path from "node:path";
import { bug, IngotError } from "../base/errors.ts";
import type { Oid } from "../base/oid.ts";
import type { Sampling } from "../generate/sampling.ts";
import type { HostTensor } from "../runtime/session.ts";
import type { Context } from "./context.ts";
import type { GenerateAnswer } from "./engine/generate-method.ts";
import { withEngine } from "./engine/open.ts";
import { resolveCommit } from "./log.ts";
import { servingVersion } from "./serving.ts";
import { readTensorFile, writeTensorFile } from "./tensor-file.ts";
import { findStart, materialiseStart } from "./train/start-point.ts";
import { callVersion, indexVersions } from "./versions.ts";

export interface RunOptions {
  /** Version that answers; by default production, else staging, else latest. */
  readonly revision?: string | undefined;
  readonly prompt?: string | undefined;
  /** Tensor file with the model's inputs, instead of a prompt. */
  readonly input?: string | undefined;
  /** Where its outputs go. */
  readonly out?: string | undefined;
  readonly maxTokens?: number | undefined;
  readonly sampling?: Sampling | undefined;
  readonly threads?: number | undefined;
  /** Told of the answer as it grows. */
  readonly onText?: (text: string) => void;
}

export interface RunResult {
  readonly version: string;
  readonly commit: Oid;
  /** Ref through which the version was chosen; absent where it was named. */
  readonly ref?: string;
  readonly text?: string;
  readonly tokens?: number;
  readonly tokensPerSecond?: number;
  readonly durationMs?: number;
  readonly ended?: string;
  /** Shapes of the outputs of a run on tensors. */
  readonly outputs?: readonly {
    readonly name: string;
    readonly dtype: string;
    readonly dims: readonly number[];
  }[];
}

const MAX_NEW_TOKENS = 256;

/** Asks a version: a prompt is answered, a tensor file is run through the graph. */
export async function runVersion(context: Context, options: RunOptions): Promise<RunResult> {
  const repo = await context.openRepository();
  const refs = await repo.refs();
  const chosen = options.revision === undefined ? await servingVersion(repo, refs) : undefined;
  if (options.revision === undefined && chosen === undefined)
    throw new IngotError("ref.missing", "there is no version to ask", { hint: "ingot import MODEL" });
  const commit = chosen?.commit ?? (await resolveCommit(repo, options.revision ?? bug("no revision")));
  const version = {
    version: callVersion(indexVersions(refs), commit),
    commit,
    ...(chosen === undefined ? {} : { ref: chosen.ref }),
  };
  const start = await findStart(repo, commit);
  const { model, adapters } = await materialiseStart(context, repo, start.snapshot);
  const threads = options.threads ?? context.settings.number("engine.threads") ?? 2;
  if (options.input !== undefined) {
    const inputs = await readTensorFile(path.resolve(context.cwd, options.input));
    const outputs = await withEngine(context, (engine) =>
      engine.request<ReadonlyMap<string, HostTensor>>("forward", { model, adapters, inputs, threads }),
    );
    if (options.out !== undefined) await writeTensorFile(path.resolve(context.cwd, options.out), outputs);
    return { ...version, outputs: [...outputs].map(([name, { dtype, dims }]) => ({ name, dtype, dims })) };
  }
  if (options.prompt === undefined)
    throw new IngotError("usage.argument", "there is nothing to ask", {
      hint: 'ingot run REV "PROMPT", or --input FILE.safetensors',
    });
  const job = {
    model,
    adapters,
    prompt: options.prompt,
    maxNewTokens: options.maxTokens ?? MAX_NEW_TOKENS,
    threads,
    ...(options.sampling === undefined ? {} : { sampling: options.sampling }),
  };
  const answer = await withEngine(context, (engine) =>
    engine.request<GenerateAnswer>(
      "generate",
      job,
      (event: { readonly event: string; readonly text: string }) => options.onText?.(event.text),
    ),
  );
  const { text, tokens, tokensPerSecond, durationMs, ended } = answer;
  return { ...version, text, tokens, tokensPerSecond, durationMs, ended };
}
