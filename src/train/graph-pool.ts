import { prepareForGradient } from "../autodiff/prepare.ts";
import { bug } from "../base/errors.ts";
import type { Scratch } from "../base/ports.ts";
import type { Model } from "../onnx/model.ts";
import type { StaticGraph } from "../onnx/static-graph.ts";
import { openGraph } from "../runtime/open-graph.ts";
import { MAX_THREADS } from "../runtime/row-split.ts";
import type { HostTensor, Runtime, Session } from "../runtime/session.ts";
import { specialise } from "../runtime/specialise.ts";
import type { AdapterLayers } from "./adapter.ts";
import type { BaseModel } from "./base-model.ts";
import type { LossKind } from "./recipe.ts";
import { buildReadingGraph, buildTrainingGraph, type TrainingGraph } from "./training-graph.ts";

/** Sessions kept at once; the least recently used is closed. Rows are padded to few lengths, so a run needs few. */
const MAX_OPEN = 8;

export interface OpenTraining extends TrainingGraph {
  readonly session: Session;
}

export interface OpenReading {
  readonly session: Session;
  readonly outputDims: readonly number[];
  readonly output: string;
}

type Entry = { readonly session: Session };

/** Training and reading graphs of one model with its adapters, one session for each shape of the inputs. */
export class GraphPool {
  private readonly base: BaseModel;
  private readonly adapters: readonly AdapterLayers[];
  private readonly loss: LossKind;
  private readonly runtime: Runtime;
  private readonly scratch: Scratch;
  private readonly threads: number;
  private readonly open = new Map<string, Entry>();
  /** The last graph made: training and reading rows of one shape share it. */
  private latest: { readonly shapes: string; readonly graph: StaticGraph } | undefined;

  constructor(parts: {
    base: BaseModel;
    adapters: readonly AdapterLayers[];
    loss: LossKind;
    runtime: Runtime;
    scratch: Scratch;
    threads: number;
  }) {
    this.base = parts.base;
    this.adapters = parts.adapters;
    this.loss = parts.loss;
    this.runtime = parts.runtime;
    this.scratch = parts.scratch;
    this.threads = Math.min(parts.threads, MAX_THREADS);
  }

  /** Session of one training step for inputs of these shapes. */
  training(feeds: ReadonlyMap<string, HostTensor>): Promise<OpenTraining> {
    return this.session("train", feeds, async () => {
      const graph = buildTrainingGraph(await this.specialised(feeds), this.adapters, this.loss);
      const session = await this.opened(graph.model);
      return { ...graph, session };
    });
  }

  /** Session that reads loss, best class and its probability at every position. */
  reading(feeds: ReadonlyMap<string, HostTensor>): Promise<OpenReading> {
    return this.session("read", feeds, async () => {
      const graph = buildReadingGraph(await this.specialised(feeds), this.adapters, this.loss);
      const session = await this.opened(graph.model);
      return { outputDims: graph.outputDims, output: graph.output, session };
    });
  }

  async close(): Promise<void> {
    for (const entry of this.open.values()) await entry.session.close();
    this.open.clear();
  }

  private opened(model: Model): Promise<Session> {
    const { runtime, scratch, threads } = this;
    return openGraph(runtime, scratch, model, { threads, optimize: "train" });
  }

  private async specialised(feeds: ReadonlyMap<string, HostTensor>): Promise<StaticGraph> {
    const shapes = shapesOf(feeds);
    if (this.latest?.shapes !== shapes) {
      const dims = new Map([...feeds].map(([name, tensor]) => [name, tensor.dims]));
      const { base, runtime, scratch, threads } = this;
      const graph = prepareForGradient(await specialise(base.model, { dims, runtime, scratch, threads }));
      this.latest = { shapes, graph };
    }
    return this.latest.graph;
  }

  private async session<T extends Entry>(
    use: string,
    feeds: ReadonlyMap<string, HostTensor>,
    make: () => Promise<T>,
  ): Promise<T> {
    const key = `${use} ${shapesOf(feeds)}`;
    const known = this.open.get(key);
    if (known !== undefined) {
      this.open.delete(key);
      this.open.set(key, known);
      return known as T;
    }
    while (this.open.size >= MAX_OPEN) {
      const oldest = this.open.keys().next().value ?? bug("an empty pool is full");
      const entry = this.open.get(oldest);
      this.open.delete(oldest);
      await entry?.session.close();
    }
    const made = await make();
    this.open.set(key, made);
    return made;
  }
}

/** Names and dimensions of inputs, in an order of their own. */
function shapesOf(feeds: ReadonlyMap<string, HostTensor>): string {
  return [...feeds]
    .map(([name, tensor]) => `${name}[${tensor.dims.join()}]`)
    .sort()
    .join(" ");
}
