import type { Model, Node } from "./model.ts";

/** Metadata in which dynamo exports keep the names of the modules around a node, outermost first, its own operation last. */
const SCOPES_KEY = "pkg.torch.onnx.name_scopes";

/** Names that exporters make up. */
const ANONYMOUS = /^(onnx::|val_|\d|_inlfunc)|::/;

/** What the exporter of a model does to module paths. */
export interface PathStyle {
  readonly isGenai: boolean;
  /** First part of a node's scope -> what stands before it in the names of weights (`decoder` -> `model.`). */
  readonly prefixes: ReadonlyMap<string, string>;
}

/** How the exporter of a model wrote the paths of modules. */
export function pathStyleOf(model: Model): PathStyle {
  return { isGenai: model.producer.startsWith("onnxruntime-genai"), prefixes: scopePrefixes(model) };
}

/**
 * A model whose forward calls a grandchild directly (`self.model.decoder(...)`) is traced without the child between: scopes lack
 * it, the names of weights do not. Only where all nodes with a weight of their own name agree.
 */
function scopePrefixes(model: Model): Map<string, string> {
  const seen = new Map<string, Set<string>>();
  for (const { name, inputs } of model.graph.nodes) {
    const scope = pathOfName(name);
    const weight = inputs.find((input) => model.graph.initializers.has(input) && !ANONYMOUS.test(input));
    const path = /^(.+)\.(weight|bias)$/.exec(weight ?? "")?.[1];
    if (scope === undefined || path === undefined) continue;
    if (path !== scope && !path.endsWith(`.${scope}`)) continue;
    const head = scope.split(".")[0] as string;
    seen.set(head, (seen.get(head) ?? new Set()).add(path.slice(0, path.length - scope.length)));
  }
  const agreed = [...seen].filter(([, prefixes]) => prefixes.size === 1 && !prefixes.has(""));
  return new Map(agreed.map(([head, prefixes]) => [head, [...prefixes][0] as string]));
}

/**
 * Dotted path of the module that a node stands in: dynamo's scopes, else the node's name (`/model/layers.0/self_attn/q_proj/MatMul`).
 * Undefined where neither says it.
 */
export function nodeScope(node: Node, style: PathStyle): string | undefined {
  const scopes = node.metadata.get(SCOPES_KEY);
  const path = scopes === undefined ? pathOfName(node.name) : parseScopes(scopes).at(-2);
  if (path === undefined || path === "") return undefined;
  if (style.isGenai) return peftPath(path);
  return scopes === undefined ? (style.prefixes.get(path.split(".")[0] as string) ?? "") + path : path;
}

/** Metadata in which dynamo exports keep the classes of the modules around a node, its own operation last. */
const CLASSES_KEY = "pkg.torch.onnx.class_hierarchy";

/** Modules of PyTorch that have one weight: two products in the scope of one are two calls of it. */
const ONE_WEIGHT =
  /^(torch\.nn\.modules\.(linear\.Linear|conv\.Conv\dd)|transformers\.pytorch_utils\.Conv1D)$/;

/** Whether the metadata of a node says that its module has one weight. */
export function isOneWeightModule(node: Node): boolean {
  const classes = node.metadata.get(CLASSES_KEY);
  return classes !== undefined && ONE_WEIGHT.test(parseScopes(classes).at(-2) ?? "");
}

/** A path without the numbers by which TorchScript tells further calls of a module from its first (`query_1`). */
export function firstCallPath(path: string): string {
  return path
    .split(".")
    .map((part) => part.replace(/(?<=\D)_\d+$/, ""))
    .join(".");
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

/** True for a name that an exporter made up. */
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
