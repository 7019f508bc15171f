"""Checkpoints in Hugging Face layout: bf16, or e4m3 with a scale for each 128x128 block."""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from trainer.model.config import ModelConfig
from trainer.model.parameters import (
    EMBEDDINGS,
    VECTORS_AND_ROUTER,
    bias_name,
    shapes,
    tensor_names,
)

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
GENERATION = {
    "_from_model_config": True,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 2,
    "do_sample": False,
}
QUANTIZATION = {
    "activation_scheme": "dynamic",
    "fmt": "e4m3",
    "quant_method": "fp8",
    "weight_block_size": [128, 128],
}
_BLOCK = 128
_E4M3_MAX = 448.0


def tensors_bf16(config: ModelConfig, parameters, bias) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint: weights in bf16, the router's biases in f32.

    Only differences between biases matter, so the smallest of each layer becomes 0.
    """
    tensors = {}
    for parameter, index, name in tensor_names(config):
        tensors[name] = parameters[parameter][index].detach().to(torch.bfloat16).clone()
    bias = bias - bias.min(-1, keepdim=True)[0]
    for moe in range(config.layers - 1):
        tensors[bias_name(moe + 1)] = bias[moe].float().clone()
    return tensors


def quantize_block(block: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A block in e4m3 and what to multiply it with; its largest value becomes 448."""
    scale = block.abs().max().clamp(min=1e-12) / _E4M3_MAX
    return (block / scale).to(torch.float8_e4m3fn), scale


def tensors_fp8(config: ModelConfig, tensors) -> dict[str, torch.Tensor]:
    """bf16 tensors with the matrices of attention and MLPs quantized by blocks."""
    kept = EMBEDDINGS + VECTORS_AND_ROUTER
    matrices = {name for each, _, name in tensor_names(config) if each not in kept}
    quantized = {}
    for name, tensor in tensors.items():
        if name not in matrices:
            quantized[name] = tensor
            continue
        rows, columns = tensor.shape
        values = torch.zeros(rows, columns, dtype=torch.float8_e4m3fn)
        scales = torch.zeros(-(-rows // _BLOCK), -(-columns // _BLOCK))
        for i in range(scales.shape[0]):
            for j in range(scales.shape[1]):
                block = (
                    slice(i * _BLOCK, (i + 1) * _BLOCK),
                    slice(j * _BLOCK, (j + 1) * _BLOCK),
                )
                values[block], scales[i, j] = quantize_block(tensor[block].float())
        quantized[name] = values
        quantized[name.replace(".weight", ".weight_scale_inv")] = scales
    return quantized


def write_checkpoint(directory: Path, config: dict, tensors, tokenizer: Path) -> None:
    """Writes the five files; the tokenizer's are copied from the folder `tokenizer`."""
    directory.mkdir(parents=True, exist_ok=True)
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
    (directory / "config.json").write_text(json.dumps(config, indent=2))
    (directory / "generation_config.json").write_text(json.dumps(GENERATION, indent=2))
    for name in TOKENIZER_FILES:
        shutil.copyfile(tokenizer / name, directory / name)


def read_checkpoint(directory: Path, config: ModelConfig):
    """(parameters, biases) of a bf16 checkpoint, stacked, in float32."""
    stored = load_file(Path(directory) / "model.safetensors")
    parameters = {name: torch.zeros(shape) for name, shape in shapes(config).items()}
    for parameter, index, name in tensor_names(config):
        parameters[parameter][index] = stored[name].float()
    biases = [stored[bias_name(layer)] for layer in range(1, config.layers)]
    return parameters, torch.stack(biases)


def export(config: ModelConfig, parameters, bias, tokenizer: Path, out: Path) -> None:
    """Writes out/bf16 and out/fp8."""
    tensors = tensors_bf16(config, parameters, bias)
    described = config.hugging_face()
    write_checkpoint(out / "bf16", described, tensors, tokenizer)
    described_fp8 = described | {"quantization_config": QUANTIZATION}
    write_checkpoint(out / "fp8", described_fp8, tensors_fp8(config, tensors), tokenizer)
