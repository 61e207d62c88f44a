import type { RuleContext } from "../rule.ts";
import type { Rewrite } from "./rewrite.ts";

type Activation = (ctx: RuleContext, x: string, parameters: readonly number[]) => string;

/** Activations that the runtime's optimiser folds into products, with their parameters in its order. */
const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  "": (_, x) => x,
  Relu: ({ g }, x) => g.unary("Relu", x),
  Tanh: ({ g }, x) => g.unary("Tanh", x),
  Sigmoid: ({ g }, x) => g.unary("Sigmoid", x),
  LeakyRelu: ({ g }, x, [alpha = 0.01]) => g.op("LeakyRelu", [x], { alpha: { float: alpha } }),
  Clip: ({ g }, x, bounds) => g.op("Clip", [x, ...bounds.map((bound) => g.scalar(bound, g.value(x).dtype))]),
  HardSigmoid: ({ g }, x, [alpha = 0.2, beta = 0.5]) =>
    g.op("HardSigmoid", [x], { alpha: { float: alpha }, beta: { float: beta } }),
};

function activated(ctx: RuleContext, x: string, parameters: readonly number[]): string {
  const name = ctx.string("activation", "");
  const activation = ACTIVATIONS[name] ?? ctx.refuse(`activation '${name}'`);
  return activation(ctx, x, parameters);
}

function own(ctx: RuleContext, names: readonly string[]) {
  return Object.fromEntries([...ctx.node.attributes].filter(([name]) => names.includes(name)));
}

/** com.microsoft:FusedConv: Conv, a sum with input 3, an activation. */
const fusedConv: Rewrite["parts"] = (ctx) => {
  const { g } = ctx;
  const inputs = ctx.hasInput(2) ? [ctx.x(0), ctx.x(1), ctx.x(2)] : [ctx.x(0), ctx.x(1)];
  const attributes = own(ctx, ["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"]);
  const y = g.op("Conv", inputs, attributes, { out: [g.value(ctx.y(0))] });
  const parameters = ctx.node.attributes.get("activation_params");
  return [
    activated(
      ctx,
      ctx.hasInput(3) ? g.add(y, ctx.x(3)) : y,
      parameters?.type === "floats" ? parameters.value : [],
    ),
  ];
};

/** com.microsoft:FusedGemm: Gemm and an activation. */
const fusedGemm: Rewrite["parts"] = (ctx) => {
  const { g } = ctx;
  const inputs = ctx.hasInput(2) ? [ctx.x(0), ctx.x(1), ctx.x(2)] : [ctx.x(0), ctx.x(1)];
  const y = g.op("Gemm", inputs, own(ctx, ["alpha", "beta", "transA", "transB"]), {
    out: [g.value(ctx.y(0))],
  });
  const given = ["activation_alpha", "activation_beta"].filter((name) => ctx.hasAttribute(name));
  return [
    activated(
      ctx,
      y,
      given.map((name) => ctx.float(name, 0)),
    ),
  ];
};

export const fusedRewrites: readonly Rewrite[] = [
  { domain: "com.microsoft", op: "FusedConv", parts: fusedConv },
  { domain: "com.microsoft", op: "FusedGemm", parts: fusedGemm },
];
