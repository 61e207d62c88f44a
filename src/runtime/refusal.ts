import { IngotError } from "../base/errors.ts";

/** How ONNX Runtime names the operator and the node in its messages; groups `op` and `node`. */
const PLACES: readonly RegExp[] = [
  /while running (?<op>[\w.:]+) node\. Name:'(?<node>[^']*)'/,
  /Could not find an implementation for (?<op>[\w.:]+\(\d+\)) node with name '(?<node>[^']*)'/,
  /No Op registered for (?<op>[\w.:]+) with domain_version of/,
  /Node \((?<node>[^)]*)\) Op \((?<op>[\w.:]+)\)/,
  /In Node,? \("(?<node>[^"]*)", (?<op>[\w.:]+),/,
  /Fatal error: (?<op>[\w.:]+)\(-?\d+\) is not a registered function\/op/,
  /Type Error: .*\((?<op>[\w.]+)\) node \((?<node>[^)]*)\)/,
  /operator \((?<op>[\w.]+)\) in node \((?<node>[^)]*)\)/,
];

/** Messages about sizes that do not fit: a file that says any size but was traced at one ends in such. */
const SIZES =
  /reshaped to the requested shape|can(not| ?'?t) broadcast|[Ii]ncompatible dimensions|dimension mismatch|invalid expand shape/;

function hintFor(operator: string | undefined, isSizes: boolean): string {
  if (isSizes)
    return "the file fits fewer sizes than it declares: export it again with dynamo=True, or with fixed sizes";
  return operator === undefined
    ? "check the model with another tool, or export it again"
    : "export the model with operators that ONNX Runtime has";
}

/** The line of a message that says what is wrong, without the runtime's own file names. */
function shorten(text: string): string {
  const line = text
    .replace(/^.*?(Status Message: |Fatal error: )/s, "$1")
    .replace(/\/[\w./+-]+\.(cc|h):\d+ /g, "")
    .split("\n")[0] as string;
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}

/**
 * What the runtime threw as an error of ours: `environment.memory` where memory ran out, else `input.model` with the operator and
 * the node that it names.
 */
export function refusal(during: "open" | "run", cause: unknown): IngotError {
  const text = cause instanceof Error ? cause.message : String(cause);
  if (/Failed to allocate memory|bad_alloc|std::length_error|Array buffer allocation failed/i.test(text)) {
    return new IngotError("environment.memory", "not enough memory to run the model", {
      hint: "use a smaller batch or shorter sequences",
      data: { detail: shorten(text) },
      cause,
    });
  }
  const place = PLACES.map((pattern) => pattern.exec(text)?.groups).find((groups) => groups !== undefined);
  const operator = place?.op;
  const node = place?.node;
  const where =
    operator === undefined
      ? undefined
      : node === undefined
        ? `operator ${operator}`
        : `${operator} node '${node}'`;
  const what = during === "open" ? "the runtime refuses the model" : "the runtime failed to run the model";
  return new IngotError("input.model", `${what}: ${shorten(text)}`, {
    hint: hintFor(operator, during === "run" && SIZES.test(text)),
    data: { ...(where === undefined ? {} : { where }), operator, node },
    cause,
  });
}
