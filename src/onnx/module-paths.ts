import type { Model, Node } from "./model.ts";

/** Metadata in which dynamo exports keep the names of the modules around a node, outermost first, its own operation last. */
const SCOPES_KEY = "pkg.torch.onnx.name_scopes";

/** Names that exporters make up. */
const ANONYMOUS = /^(onnx::|val_|\d|_inlfunc)|::/;

/** What the exporter of a model does to module paths. */
export interface PathStyle {
  readonly isGenai: boolean;
}

export function pathStyleOf(model: Model): PathStyle {
  return { isGenai: model.producer.startsWith("onnxruntime-genai") };
}

/**
 * Dotted path of the module that a node stands in: dynamo's scopes, else the node's name (`/model/layers.0/self_attn/q_proj/MatMul`).
 * Undefined where neither says it.
 */
export function nodeScope(node: Node, style: PathStyle): string | undefined {
  const scopes = node.metadata.get(SCOPES_KEY);
  const path = scopes === undefined ? pathOfName(node.name) : parseScopes(scopes).at(-2);
  if (path === undefined || path === "") return undefined;
  return style.isGenai ? peftPath(path) : path;
}

/** The strings of a Python list of strings. */
function parseScopes(text: string): string[] {
  return [...text.matchAll(/'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/g)].map(
    (match) => match[1] ?? match[2] ?? "",
  );
}

/**
 * The parts of a node's name but its last (the operation), joined by dots. A Sequential stands in such names twice,
 * `/layer/layer.0/`, and so does every container that is called: the part that only begins the next one is left out.
 */
function pathOfName(name: string): string | undefined {
  const parts = name.split("/").slice(0, -1);
  if (parts[0] === "") parts.shift();
  const kept = parts.filter((part, i) => !parts[i + 1]?.startsWith(`${part}.`));
  return kept.length === 0 ? undefined : kept.join(".");
}

/** Module path behind the name of a weight (`fc1.weight`); undefined for made-up names. */
export function weightPath(weight: string, style: PathStyle): string | undefined {
  if (ANONYMOUS.test(weight)) return undefined;
  const match = /^(.+?)(\.MatMul|\.Add|\.Gather)?\.(weight|bias|kernel|gamma|beta)(_Q\d+.*)?$/.exec(weight);
  const path = match?.[1];
  return path === undefined ? undefined : style.isGenai ? peftPath(path) : path;
}

export function isAnonymous(name: string): boolean {
  return ANONYMOUS.test(name);
}

/** The genai builder shortens transformers' `self_attn`. */
function peftPath(path: string): string {
  return path.replace(/\.attn(?=\.|$)/, ".self_attn");
}

/** How the projections of an attention whose names an optimiser dropped are called, by the name of the projection behind it. */
const SIBLINGS: readonly {
  readonly output: RegExp;
  readonly names: (base: string, architecture: string) => readonly [string, string, string];
}[] = [
  {
    output: /^(.*\.attention)\.output\.dense$/,
    names: (base, architecture) =>
      isVision(architecture) ? three(`${base}.attention`, BERT) : three(`${base}.self`, BERT),
  },
  { output: /^(.*)\.(o_proj|out_proj|dense)$/, names: (base) => three(base, ["q_proj", "k_proj", "v_proj"]) },
  { output: /^(.*)\.out_lin$/, names: (base) => three(base, ["q_lin", "k_lin", "v_lin"]) },
];

const BERT = ["query", "key", "value"] as const;

function three(base: string, names: readonly [string, string, string]): [string, string, string] {
  return [`${base}.${names[0]}`, `${base}.${names[1]}`, `${base}.${names[2]}`];
}

function isVision(architecture: string): boolean {
  return /^(vit|deit|beit|dinov2|yolos)/i.test(architecture);
}

/** Paths of query, key and value beside an output projection; undefined where its name tells nothing. */
export function siblingsOf(
  outputPath: string,
  architecture: string,
): readonly [string, string, string] | undefined {
  for (const { output, names } of SIBLINGS) {
    const base = output.exec(outputPath)?.[1];
    if (base !== undefined) return names(base, architecture);
  }
  return undefined;
}
