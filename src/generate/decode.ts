import type { ValueInfo } from "../onnx/model.ts";
import type { HostTensor, Session } from "../runtime/session.ts";
import { type Decoder, openDecoder } from "./decoder.ts";
import { answerPrompt, type Generation, type Prompt } from "./generate.ts";
import { answerGreedily, type BatchPrompts, type GreedyAnswer } from "./greedy-batch.ts";

/** The model that answers. */
export interface DecodeModel {
  readonly session: Session;
  /** Inputs as the model declares them, for sessions that do not tell. */
  readonly inputs?: readonly ValueInfo[];
  /** Inputs beside those of decoding: the tensors of an adapter. */
  readonly feeds?: ReadonlyMap<string, HostTensor>;
  readonly padId?: number | undefined;
}

function decoderOf({ session, inputs, feeds, padId }: DecodeModel): Decoder {
  return openDecoder(session, {
    padId,
    ...(inputs === undefined ? {} : { inputs }),
    ...(feeds === undefined ? {} : { extra: feeds }),
  });
}

/** One answer to one prompt; see `answerPrompt`. */
export function generate(options: DecodeModel & Prompt): Promise<Generation> {
  return answerPrompt(decoderOf(options), options);
}

/** Greedy answers to many prompts, in their order; see `answerGreedily`. */
export function greedyBatch(options: DecodeModel & BatchPrompts): Promise<GreedyAnswer[]> {
  return answerGreedily(decoderOf(options), options);
}
