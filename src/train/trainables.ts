/** One trainable tensor: a stretch of theta under the key that the adapter file uses. */
export interface Trainable {
  /** Key in `adapter_model.safetensors`, or the ONNX initialiser for full weights. */
  readonly key: string;
  /** Graph input that carries it. */
  readonly input: string;
  /** As stored in the file (PyTorch layout for LoRA and saved modules, ONNX layout for full weights). */
  readonly dims: readonly number[];
  /** First element in theta; tensors lie in order of their keys, without gaps. */
  readonly offset: number;
  readonly size: number;
  readonly decays: boolean;
}

export interface TrainableSpec {
  readonly key: string;
  readonly input: string;
  readonly dims: readonly number[];
  readonly decays: boolean;
}

/** Lays tensors out in one vector, sorted by key. */
export function layOut(specs: readonly TrainableSpec[]): readonly Trainable[] {
  const sorted = [...specs].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  let offset = 0;
  return sorted.map((spec) => {
    const size = spec.dims.reduce((product, d) => product * d, 1);
    const trainable = { ...spec, offset, size };
    offset += size;
    return trainable;
  });
}

/** Length of theta. */
export function totalSize(trainables: readonly Trainable[]): number {
  return trainables.reduce((sum, t) => sum + t.size, 0);
}

/** One byte an element of theta: 1 where weight decay applies. */
export function decayMask(trainables: readonly Trainable[]): Uint8Array {
  const mask = new Uint8Array(totalSize(trainables));
  for (const t of trainables) if (t.decays) mask.fill(1, t.offset, t.offset + t.size);
  return mask;
}

const NO_DECAY = [/bias/, /layernorm/, /rmsnorm/, /(^|\.)norm($|\.)/, /_norm($|\.)/];

/**
 * Whether weight decay applies to a parameter, by its PyTorch name and rank: everything but biases and weights of norms.
 * `isNorm` says that the parameter is the scale or bias of a LayerNormalization, whatever its name.
 * source  transformers.Trainer.get_decay_parameter_names
 */
export function decaysByName(name: string, isNorm = false): boolean {
  const lower = name.toLowerCase();
  return !isNorm && !NO_DECAY.some((pattern) => pattern.test(lower));
}
