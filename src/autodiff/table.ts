import type { Node } from "../onnx/model.ts";
import type { GradRule } from "./rule.ts";
import { activationRules } from "./rules/activation.ts";
import { binaryRules } from "./rules/binary.ts";
import { convRules } from "./rules/conv.ts";
import { einsumRules } from "./rules/einsum.ts";
import { indexRules } from "./rules/index.ts";
import { layoutRules } from "./rules/layout.ts";
import { matMulRules } from "./rules/mat-mul.ts";
import { noneRules } from "./rules/none.ts";
import { normRules } from "./rules/norm.ts";
import { poolRules } from "./rules/pool.ts";
import { quantisedRules } from "./rules/quantised.ts";
import { reduceRules } from "./rules/reduce.ts";
import { resizeRules } from "./rules/resize.ts";
import { rotaryRules } from "./rules/rotary.ts";
import { softmaxRules } from "./rules/softmax.ts";
import { unaryRules } from "./rules/unary.ts";

/** Every row of the table. */
export const GRAD_RULES: readonly GradRule[] = [
  ...unaryRules,
  ...activationRules,
  ...binaryRules,
  ...reduceRules,
  ...softmaxRules,
  ...layoutRules,
  ...indexRules,
  ...matMulRules,
  ...normRules,
  ...rotaryRules,
  ...einsumRules,
  ...resizeRules,
  ...quantisedRules,
  ...convRules,
  ...poolRules,
  ...noneRules,
];

const byOperator = new Map<string, GradRule[]>();
for (const rule of GRAD_RULES) {
  const key = `${rule.domain}:${rule.op}`;
  byOperator.set(
    key,
    [...(byOperator.get(key) ?? []), rule].sort((a, b) => b.since - a.since),
  );
}

/** The row for a node at the model's opset: the newest one that is not newer than the model. */
export function findRule(
  node: Pick<Node, "domain" | "op">,
  opsets: ReadonlyMap<string, number>,
): GradRule | undefined {
  const opset = opsets.get(node.domain) ?? 1;
  return byOperator.get(`${node.domain}:${node.op}`)?.find((rule) => rule.since <= opset);
}
