import { type GraphIndex, weightBehind } from "./graph-index.ts";

/** Operators through which a model's output is followed back to the layer that computes it. */
const THROUGH = new Set([
  "Add",
  "Identity",
  "Cast",
  "Reshape",
  "Squeeze",
  "Unsqueeze",
  "Transpose",
  "Gather",
  "Slice",
  "Softmax",
  "LogSoftmax",
  "Sigmoid",
  "Mul",
  "Div",
  "Tanh",
  "Split",
  "Flatten",
]);

const LOGITS = /^(logits|.*_logits|output|scores|prediction.*)$/;

/** The values among `candidates` (results of modules) that become the model's logits, at most through a bias, a scale or a change of shape. */
export function findOutputLayers(index: GraphIndex, candidates: ReadonlySet<string>): Set<string> {
  const outputs = index.model.graph.outputs.map(({ name }) => name).filter((name) => !/^present/.test(name));
  const named = outputs.filter((name) => LOGITS.test(name));
  const last = new Set<string>();
  for (const name of named.length > 0 ? named : outputs.slice(0, 1)) follow(index, name, candidates, last);
  return last;
}

function follow(index: GraphIndex, start: string, candidates: ReadonlySet<string>, last: Set<string>): void {
  let at = start;
  for (let steps = 0; steps < 16; steps++) {
    if (candidates.has(at)) {
      last.add(at);
      return;
    }
    const node = index.producers.get(at);
    if (node === undefined || !THROUGH.has(node.op)) return;
    const open = node.inputs.filter((input) => input !== "" && weightBehind(index, input) === undefined);
    const data = node.op === "Add" || node.op === "Mul" || node.op === "Div" ? open : open.slice(0, 1);
    const [next] = data;
    if (data.length !== 1 || next === undefined) return;
    at = next;
  }
}
