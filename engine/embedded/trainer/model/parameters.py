"""The stacked parameters: shapes, first values, and the tensors of a checkpoint they hold."""

import math

import torch
from torch import nn

from trainer.model.config import ModelConfig

# Trained by AdamW: embeddings, and vectors with the router. All others are matrices for Muon.
EMBEDDINGS = ("embedding", "head")
VECTORS_AND_ROUTER = (
    "final_norm",
    "attention_norm",
    "mlp_norm",
    "query_norm",
    "key_value_norm",
    "router",
)

_LAYER_TENSORS = {
    "attention_norm": "input_layernorm",
    "mlp_norm": "post_attention_layernorm",
    "query_norm": "self_attn.q_a_layernorm",
    "key_value_norm": "self_attn.kv_a_layernorm",
    "query_down": "self_attn.q_a_proj",
    "query_up": "self_attn.q_b_proj",
    "key_value_down": "self_attn.kv_a_proj_with_mqa",
    "key_value_up": "self_attn.kv_b_proj",
    "output": "self_attn.o_proj",
}
_DENSE_TENSORS = {"dense_gate": "gate_proj", "dense_up": "up_proj", "dense_down": "down_proj"}
_EXPERT_TENSORS = {"expert_gate": "gate_proj", "expert_up": "up_proj", "expert_down": "down_proj"}
_SHARED_TENSORS = {"shared_gate": "gate_proj", "shared_up": "up_proj", "shared_down": "down_proj"}


def shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Shapes by parameter; the layers come first, then experts, then output and input."""
    c = config
    moe = c.layers - 1
    return {
        "embedding": (c.vocabulary, c.width),
        "head": (c.vocabulary, c.width),
        "final_norm": (c.width,),
        "attention_norm": (c.layers, c.width),
        "mlp_norm": (c.layers, c.width),
        "query_norm": (c.layers, c.query_rank),
        "key_value_norm": (c.layers, c.key_value_rank),
        "query_down": (c.layers, c.query_rank, c.width),
        "query_up": (c.layers, c.heads * c.query_dims, c.query_rank),
        "key_value_down": (c.layers, c.key_value_rank + c.rotary_dims, c.width),
        "key_value_up": (c.layers, c.heads * (c.plain_dims + c.value_dims), c.key_value_rank),
        "output": (c.layers, c.width, c.heads * c.value_dims),
        "dense_gate": (c.dense_width, c.width),
        "dense_up": (c.dense_width, c.width),
        "dense_down": (c.width, c.dense_width),
        "router": (moe, c.experts, c.width),
        "expert_gate": (moe, c.experts, c.expert_width, c.width),
        "expert_up": (moe, c.experts, c.expert_width, c.width),
        "expert_down": (moe, c.experts, c.width, c.expert_width),
        "shared_gate": (moe, c.expert_width, c.width),
        "shared_up": (moe, c.expert_width, c.width),
        "shared_down": (moe, c.width, c.expert_width),
    }


def first_values(config: ModelConfig, seed: int) -> nn.ParameterDict:
    """Random values; matrices that write to the residual stream start smaller."""
    generator = torch.Generator().manual_seed(seed)
    values = {}
    for name, shape in shapes(config).items():
        if name.endswith("_norm"):
            values[name] = nn.Parameter(torch.ones(shape))
            continue
        if name == "embedding":
            scale = 0.3
        elif name in ("head", "router"):
            scale = 0.02
        elif name in ("output", "dense_down", "expert_down", "shared_down"):
            scale = 0.2 / math.sqrt(shape[-1])
        else:
            scale = 0.7 / math.sqrt(shape[-1])
        values[name] = nn.Parameter(torch.randn(shape, generator=generator) * scale)
    return nn.ParameterDict(values)


def tensor_names(config: ModelConfig):
    """Yields (parameter, index into it, name of the tensor in a checkpoint)."""
    yield "embedding", (), "model.embed_tokens.weight"
    yield "head", (), "lm_head.weight"
    yield "final_norm", (), "model.norm.weight"
    for layer in range(config.layers):
        prefix = f"model.layers.{layer}."
        for parameter, name in _LAYER_TENSORS.items():
            yield parameter, (layer,), f"{prefix}{name}.weight"
        if layer == 0:
            for parameter, name in _DENSE_TENSORS.items():
                yield parameter, (), f"{prefix}mlp.{name}.weight"
            continue
        moe = layer - 1
        yield "router", (moe,), f"{prefix}mlp.gate.weight"
        for parameter, name in _EXPERT_TENSORS.items():
            for expert in range(config.experts):
                yield parameter, (moe, expert), f"{prefix}mlp.experts.{expert}.{name}.weight"
        for parameter, name in _SHARED_TENSORS.items():
            yield parameter, (moe,), f"{prefix}mlp.shared_experts.{name}.weight"


def bias_name(layer: int) -> str:
    """The router's correction bias of a layer from 1 on."""
    return f"model.layers.{layer}.mlp.gate.e_score_correction_bias"
