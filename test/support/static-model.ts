import type { Model } from "../../src/onnx/model.ts";
import type { StaticGraph } from "../../src/onnx/static-graph.ts";

/** IR version of graphs that ingot writes. */
const IR_VERSION = 10;

/** A static graph as a model that the runtime can open, computing `outputs` (its own by default). */
export function modelOfStatic(graph: StaticGraph, outputs: readonly string[] = graph.outputs): Model {
  return {
    irVersion: IR_VERSION,
    opsets: graph.opsets,
    graph: {
      name: "static",
      nodes: graph.nodes,
      inputs: [...graph.inputs].map(([name, { dtype, dims }]) => ({ name, dtype, dims })),
      outputs: outputs.map((name) => ({ name })),
      initializers: new Map([...graph.weights, ...graph.constants]),
    },
    functions: new Map(),
    metadata: new Map(),
    producer: "ingot",
  };
}
