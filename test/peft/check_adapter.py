"""Loads the adapter of a version in PEFT and compares its logits with what `ingot run` computes.

    python check_adapter.py REPOSITORY REV BASE

BASE is the model folder that the repository's base was imported from: a Llama exported to ONNX without weights beside it.
Its weights are read out of the graph, so PEFT works on the same base.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import onnx
import torch
from onnx import numpy_helper
from peft import PeftModel
from safetensors.numpy import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

INGOT = Path(__file__).resolve().parents[2] / "bin" / "ingot.js"
# float32 on both sides; the two sum in different orders.
LARGEST_DIFFERENCE = 2e-4
PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def ingot(repository, *args):
    subprocess.run(["node", str(INGOT), "-C", repository, *args], check=True)


def read_base(folder):
    """The base as transformers knows it: named tensors as they are, projections from the nodes that multiply by them."""
    graph = onnx.load(Path(folder) / "model.onnx").graph
    tensors = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    state = {name: value for name, value in tensors.items() if name.startswith("model.")}
    for node in graph.node:
        module = node.name.removeprefix("/").removesuffix("/MatMul").replace("/", ".")
        if node.op_type == "MatMul" and module.endswith(PROJECTIONS):
            state[f"{module}.weight"] = tensors[node.input[1]].T
    config = LlamaConfig(**json.loads((Path(folder) / "config.json").read_text()))
    model = LlamaForCausalLM(config)
    missing, unexpected = model.load_state_dict({k: torch.tensor(v) for k, v in state.items()}, strict=False)
    missing = [name for name in missing if name != "lm_head.weight"]
    if missing or unexpected:
        raise SystemExit(f"the base does not fit: missing {missing}, unexpected {unexpected}")
    model.tie_weights()
    return model.eval()


def main(repository, rev, base):
    with tempfile.TemporaryDirectory() as scratch:
        adapter, inputs, outputs = (str(Path(scratch) / name) for name in ("adapter", "inputs.safetensors", "outputs.safetensors"))
        ingot(repository, "checkout", rev, adapter)
        ids = numpy.random.default_rng(0).integers(6, 4096, size=(3, 24), dtype=numpy.int64)
        save_file({"input_ids": ids, "attention_mask": numpy.ones_like(ids)}, inputs)
        ingot(repository, "run", rev, "--input", inputs, "--out", outputs)
        ours = load_file(outputs)["logits"]
        plain = read_base(base)
        with torch.no_grad():
            without = plain(input_ids=torch.tensor(ids)).logits.numpy()
            theirs = PeftModel.from_pretrained(plain, adapter).eval()(input_ids=torch.tensor(ids)).logits.numpy()
    difference = float(numpy.abs(ours - theirs).max())
    effect = float(numpy.abs(without - theirs).max())
    equal = ours.shape == theirs.shape and difference <= LARGEST_DIFFERENCE < effect
    print(f"PEFT: largest difference of a logit {difference:.2e} (the adapter moves them by up to {effect:.1f}); shape {list(ours.shape)}")
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
