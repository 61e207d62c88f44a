import type { MethodContext } from "./method-context.ts";

export interface Method {
  /** Heard while another method runs. */
  readonly immediate?: boolean;
  run(payload: never, context: MethodContext): Promise<unknown>;
}

/** What the engine's process can do, by name. Heavy parts load when first asked for. */
export const METHODS: Readonly<Record<string, Method>> = {
  "model.check": {
    run: async (payload, context) => (await import("./check-method.ts")).checkMethod(payload, context),
  },
  "data.tokens": {
    run: async (payload, context) => (await import("./tokens-method.ts")).tokensMethod(payload, context),
  },
  "train.plan": {
    run: async (payload, context) => (await import("./train-method.ts")).planMethod(payload, context),
  },
  "train.start": {
    run: async (payload, context) => (await import("./train-method.ts")).startMethod(payload, context),
  },
  "train.pause": {
    immediate: true,
    run: async (payload, context) => (await import("./train-method.ts")).pauseMethod(payload, context),
  },
  forward: {
    run: async (payload, context) => (await import("./forward-method.ts")).forwardMethod(payload, context),
  },
  generate: {
    run: async (payload, context) => (await import("./generate-method.ts")).generateMethod(payload, context),
  },
  gradient: {
    run: async (payload, context) => (await import("./gradient-method.ts")).gradientMethod(payload, context),
  },
};
