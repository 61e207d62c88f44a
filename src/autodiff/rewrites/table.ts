import type { Node } from "../../onnx/model.ts";
import { attentionRewrites } from "./attention.ts";
import { fusedRewrites } from "./fused.ts";
import { lossRewrites } from "./loss.ts";
import { normalisationRewrites } from "./normalisation.ts";
import { recurrentRewrites } from "./recurrent.ts";
import type { Rewrite } from "./rewrite.ts";
import { samplingRewrites } from "./sampling.ts";
import { upgradeRewrites } from "./upgrade.ts";

/** Every rewrite that `prepareForGradient` makes. */
export const REWRITES: readonly Rewrite[] = [
  ...upgradeRewrites,
  ...attentionRewrites,
  ...fusedRewrites,
  ...samplingRewrites,
  ...lossRewrites,
  ...normalisationRewrites,
  ...recurrentRewrites,
];

const byOperator = new Map<string, Rewrite[]>();
for (const rewrite of REWRITES) {
  const key = `${rewrite.domain}:${rewrite.op}`;
  byOperator.set(key, [...(byOperator.get(key) ?? []), rewrite]);
}

/** Rewrite of a node under the imported opsets; undefined where it stays as it is. */
export function findRewrite(node: Node, opsets: ReadonlyMap<string, number>): Rewrite | undefined {
  const opset = opsets.get(node.domain) ?? 1;
  return byOperator
    .get(`${node.domain}:${node.op}`)
    ?.find(({ before, applies }) => (before === undefined || opset < before) && (applies?.(node) ?? true));
}
