import type { Module } from "./modules.ts";

/** Modules that are one in transformers and several for the genai builder, by architecture; parts in the order of their rows. */
const JOINED: readonly {
  readonly architecture: RegExp;
  readonly name: string;
  readonly parts: readonly string[];
}[] = [
  { architecture: /^phi3/i, name: "qkv_proj", parts: ["q_proj", "k_proj", "v_proj"] },
  { architecture: /^(phi3|glm)/i, name: "gate_up_proj", parts: ["gate_proj", "up_proj"] },
];

/**
 * The modules as PEFT sees them: parts of one module that the builder split become that module again, of one weight where they are
 * slices of it, else of `blocks`. Other modules are left as they are.
 */
export function rejoin(modules: readonly Module[], architecture: string): readonly Module[] {
  let joined = modules;
  for (const { architecture: pattern, name, parts } of JOINED) {
    if (!pattern.test(architecture)) continue;
    const [first] = parts;
    joined = joined.flatMap((module) => {
      const base = baseOf(module.path, parts);
      if (base === undefined) return [module];
      const group = parts.map((part) => joined.find(({ path }) => path === `${base}${part}`));
      if (!group.every((part): part is Module => part !== undefined && part.kind === "linear"))
        return [module];
      if (module.path !== `${base}${first}`) return [];
      return [joinGroup(group, `${base}${name}`)];
    });
  }
  return joined;
}

function baseOf(path: string, parts: readonly string[]): string | undefined {
  const part = parts.find((name) => path === name || path.endsWith(`.${name}`));
  return part === undefined ? undefined : path.slice(0, path.length - part.length);
}

function joinGroup(group: readonly Module[], path: string): Module {
  const { slice, bias: _, ...first } = group[0] as Module;
  const outFeatures = group.reduce((sum, part) => sum + part.outFeatures, 0);
  const whole = { ...first, path, outFeatures };
  if (slice !== undefined) return whole;
  const outputs = group.flatMap((part) => part.outputs);
  let to = 0;
  const blocks = group.flatMap((part) => {
    const from = to;
    to += part.outFeatures;
    return part.outputs.map(() => [from, from + part.outFeatures] as const);
  });
  return { ...whole, outputs, blocks };
}
