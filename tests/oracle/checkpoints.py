"""Random small checkpoints in Hugging Face layout: one function per family draws the options."""

import json
import math
import pathlib
import random
import tempfile

import torch
import transformers
from safetensors.torch import save_file

import reference

FP8_BLOCK = 128
FP8_MAX = 448.0  # of e4m3
NOT_QUANTIZED = ("embed_tokens", "head.", "gate.weight", "eh_proj")


# ---- options -------------------------------------------------------------------------------


def common(draw):
    """What every family's config has."""
    return {
        "vocab_size": draw.choice([257, 384, 509, 512, 640]),
        "num_hidden_layers": draw.choice([2, 3, 4]),
        "max_position_embeddings": draw.choice([512, 2048, 4096]),
        "rms_norm_eps": draw.choice([1e-5, 1e-6]),
        "bos_token_id": 0,
        "eos_token_id": draw.choice([1, [1, 2]]),
        "tie_word_embeddings": draw.random() < 0.25,
        "initializer_range": 0.02,
    }


def heads(draw, explicit_head_dim, odd_hidden=False):
    """Sizes of grouped-query attention; a head size that is given need not be hidden / heads."""
    count = draw.choice([1, 2, 3, 4, 6, 8])
    kv = draw.choice([n for n in range(1, count + 1) if count % n == 0])
    size = draw.choice([8, 16, 20, 32])
    hidden = count * size * draw.choice([1, 1, 2]) if explicit_head_dim else count * size
    while hidden < 64:
        hidden *= 2
    if odd_hidden:
        hidden = draw.choice([75, 98, hidden])
    sizes = {"num_attention_heads": count, "num_key_value_heads": kv, "hidden_size": hidden}
    if explicit_head_dim:
        sizes["head_dim"] = size
    return sizes


def theta(draw):
    return draw.choice([10000.0, 150000.0, 500000.0, 1000000.0])


def rope_plain(draw):
    return {"rope_theta": theta(draw), "rope_type": "default"}


def rope_linear(draw):
    return {"rope_theta": theta(draw), "rope_type": "linear", "factor": draw.choice([2.0, 3.5])}


def rope_llama3(draw):
    return {
        "rope_theta": theta(draw), "rope_type": "llama3", "factor": draw.choice([8.0, 32.0]),
        "low_freq_factor": 1.0, "high_freq_factor": draw.choice([2.0, 4.0]),
        "original_max_position_embeddings": draw.choice([64, 128, 200]),
    }


def rope_yarn(draw):
    rope = {
        "rope_theta": theta(draw), "rope_type": "yarn", "factor": draw.choice([2.0, 4.0]),
        "original_max_position_embeddings": draw.choice([160, 256]),
    }
    if draw.random() < 0.5:
        rope |= {"beta_fast": draw.choice([32, 16]), "beta_slow": draw.choice([1, 2])}
    if draw.random() < 0.3:
        rope["attention_factor"] = 1.25
    return rope


def rope_deepseek(draw):
    """None, or YaRN as DeepSeek writes it: mscale is of cos and sin, mscale_all_dim of softmax."""
    if draw.random() < 0.3:
        return rope_plain(draw)
    rope = {
        "rope_theta": 10000.0, "rope_type": "yarn", "factor": draw.choice([8.0, 40.0]),
        "original_max_position_embeddings": draw.choice([64, 100, 4096]),
        "beta_fast": 32, "beta_slow": 1,
    }
    mscale, all_dim = draw.choice([(1.0, 1.0), (0.707, 0.707), (1.0, 0.707), (None, None)])
    return rope if mscale is None else rope | {"mscale": mscale, "mscale_all_dim": all_dim}


def routing(draw, grouped):
    """Experts, groups and how many of each are kept; a group has at least two experts."""
    groups = draw.choice([1, 2, 3, 4, 8]) if grouped else 1
    size = draw.choice([2, 3, 4]) if groups > 1 else draw.choice([6, 8, 12, 16])
    kept = draw.randint(1, groups)
    top_k = draw.randint(1, min(6, kept * size))
    return {"n_group": groups, "topk_group": kept, "n_routed_experts": groups * size,
            "num_experts_per_tok": top_k}


def latent_attention(draw, big):
    """Sizes of multi-head latent attention."""
    count = draw.choice([2, 3, 4, 5])
    step = 4 if big else 1
    return {
        "num_attention_heads": count, "num_key_value_heads": count,
        "hidden_size": count * draw.choice([24, 32, 36]) * (3 if big else 1),
        "q_lora_rank": draw.choice([None, 136, 192] if big else [None, 24, 40, 48]),
        "kv_lora_rank": draw.choice([16, 32, 36]) * step,
        "qk_nope_head_dim": draw.choice([12, 16, 24]) * (2 if big else 1),
        "qk_rope_head_dim": draw.choice([4, 8, 16]) * (2 if big else 1),
        "v_head_dim": draw.choice([8, 16, 24, 28]) * (2 if big else 1),
        "attention_bias": draw.random() < 0.25,
    }


def deepseek_v3(draw, big=False):
    config = common(draw) | latent_attention(draw, big) | routing(draw, grouped=True) | {
        "first_k_dense_replace": draw.randint(0, 2),
        "intermediate_size": draw.choice([96, 130, 192]) * (2 if big else 1),
        "moe_intermediate_size": draw.choice([24, 33, 40, 52]) * (4 if big else 1),
        "n_shared_experts": draw.choice([1, 1, 2]),
        "norm_topk_prob": draw.random() < 0.8,
        "routed_scaling_factor": draw.choice([1.0, 2.5]),
        "scoring_func": "sigmoid", "topk_method": "noaux_tc", "moe_layer_freq": 1,
        "rope_interleave": draw.random() < 0.8,
        "num_nextn_predict_layers": draw.choice([0, 1]),
        "rope_parameters": rope_deepseek(draw),
    }
    least = config["first_k_dense_replace"] + 1
    config["num_hidden_layers"] = max(config["num_hidden_layers"], least)
    return config


def deepseek_v2(draw):
    method = draw.choice(["greedy", "group_limited_greedy"])
    return common(draw) | latent_attention(draw, False) | routing(draw, method != "greedy") | {
        "first_k_dense_replace": draw.choice([0, 1]),
        "intermediate_size": draw.choice([96, 130, 192]),
        "moe_intermediate_size": draw.choice([24, 33, 40, 52]),
        "n_shared_experts": draw.choice([1, 2]),
        # The reference never normalises; what true means differs between implementations.
        "norm_topk_prob": False,
        "routed_scaling_factor": 1.0 if method == "greedy" else draw.choice([1.0, 16.0]),
        "scoring_func": "softmax", "topk_method": method, "moe_layer_freq": 1,
        "rope_parameters": rope_deepseek(draw),
    }


def qwen3_moe(draw, big=False):
    layers = draw.choice([3, 4])
    experts = draw.choice([5, 8, 16])
    config = common(draw) | heads(draw, True, odd_hidden=True) | {
        "num_hidden_layers": layers,
        "intermediate_size": draw.choice([96, 250]),
        "moe_intermediate_size": draw.choice([24, 40, 48]) * (4 if big else 1),
        "num_experts": experts, "num_experts_per_tok": draw.randint(1, min(5, experts)),
        "norm_topk_prob": draw.random() < 0.7,
        "decoder_sparse_step": draw.choice([1, 1, 2]),
        "mlp_only_layers": draw.choice([[], [], [0], [1]]),
        "attention_bias": draw.random() < 0.2,
        "rope_parameters": draw.choice([rope_plain, rope_yarn])(draw),
    }
    if big:
        config |= {"hidden_size": 200, "head_dim": 40,
                   "num_attention_heads": 5, "num_key_value_heads": 1}
    return config


def mixtral(draw):
    experts = draw.choice([4, 6, 8])
    return common(draw) | heads(draw, draw.random() < 0.5) | {
        "intermediate_size": draw.choice([56, 96, 130]),
        "num_local_experts": experts, "num_experts_per_tok": draw.randint(1, 3),
        "sliding_window": None,
        "rope_parameters": rope_plain(draw),
    }


def olmoe(draw):
    experts = draw.choice([6, 8, 16])
    return common(draw) | heads(draw, False) | {
        "intermediate_size": draw.choice([33, 40, 64, 72]),
        "num_experts": experts, "num_experts_per_tok": draw.randint(1, 5),
        "norm_topk_prob": draw.random() < 0.5,
        "clip_qkv": draw.choice([None, 0.8, 2.0]),
        "rope_parameters": rope_plain(draw),
    }


def llama(draw):
    return common(draw) | heads(draw, True) | {
        "intermediate_size": draw.choice([90, 133, 160, 288]),
        "attention_bias": draw.random() < 0.3, "mlp_bias": draw.random() < 0.3,
        "rope_parameters": draw.choice([rope_plain, rope_llama3, rope_linear, rope_yarn])(draw),
    }


def qwen2(draw):
    return common(draw) | heads(draw, False) | {
        "intermediate_size": draw.choice([90, 133, 160, 288]),
        "tie_word_embeddings": draw.random() < 0.5,
        "rope_parameters": draw.choice([rope_plain, rope_yarn])(draw),
    }


# name: (transformers' model type, options, whether matrices are stored in fp8)
FAMILIES = {
    "deepseek_v2": ("deepseek_v2", deepseek_v2, False),
    "deepseek_v3": ("deepseek_v3", deepseek_v3, False),
    "deepseek_v3_fp8": ("deepseek_v3", lambda draw: deepseek_v3(draw, big=True), True),
    "llama": ("llama", llama, False),
    "mixtral": ("mixtral", mixtral, False),
    "olmoe": ("olmoe", olmoe, False),
    "qwen2": ("qwen2", qwen2, False),
    "qwen3_moe": ("qwen3_moe", qwen3_moe, False),
    "qwen3_moe_fp8": ("qwen3_moe", lambda draw: qwen3_moe(draw, big=True), True),
}


# ---- weights -------------------------------------------------------------------------------


def fill(tensors, seed):
    """Random values by the tensor's role, in place: signals keep their size from layer to layer,
    so that logits spread over several units and experts are really chosen between. An embedding
    that is the head as well is smaller, or the logits' rounding alone would be 1e-4."""
    generator = torch.Generator().manual_seed(seed)
    for name in sorted(tensors):
        shape = tensors[name].shape
        noise = torch.randn(shape, generator=generator)
        if name.endswith("norm.weight"):
            tensors[name] = 1.0 + 0.1 * noise
        elif name.endswith("bias"):
            tensors[name] = 0.2 * noise
        elif name.endswith("embed_tokens.weight"):
            tied = "lm_head.weight" not in tensors
            tensors[name] = noise * (2.5 / math.sqrt(shape[-1]) if tied else 1.0)
        else:
            tensors[name] = noise * (1.3 / math.sqrt(shape[-1]))
    return tensors


def skeleton(model):
    """The model's tensors under their names in a checkpoint, experts one by one."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        return reference.read_tensors(pathlib.Path(folder))


def extra_layer(tensors, config):
    """The tensors of a multi-token prediction layer, which a reader has to recognise and skip."""
    layers = config["num_hidden_layers"]
    last, extra = f"model.layers.{layers - 1}.", f"model.layers.{layers}."
    layer = {extra + name[len(last):]: t for name, t in tensors.items() if name.startswith(last)}
    hidden = config["hidden_size"]
    return layer | {
        extra + "enorm.weight": torch.empty(hidden), extra + "hnorm.weight": torch.empty(hidden),
        extra + "eh_proj.weight": torch.empty(hidden, 2 * hidden),
        extra + "embed_tokens.weight": torch.empty(config["vocab_size"], hidden),
        extra + "shared_head.norm.weight": torch.empty(hidden),
        extra + "shared_head.head.weight": torch.empty(config["vocab_size"], hidden),
    }


def quantize(weight):
    """e4m3 values and the multipliers of their 128 x 128 blocks; edge blocks may be smaller."""
    rows, columns = weight.shape
    blocks = (math.ceil(rows / FP8_BLOCK), math.ceil(columns / FP8_BLOCK))
    padded = torch.zeros(blocks[0] * FP8_BLOCK, blocks[1] * FP8_BLOCK)
    padded[:rows, :columns] = weight
    tiles = padded.view(blocks[0], FP8_BLOCK, blocks[1], FP8_BLOCK)
    scale = tiles.abs().amax((1, 3)) / FP8_MAX
    values = (tiles / scale[:, None, :, None]).view_as(padded)[:rows, :columns]
    return values.contiguous().to(torch.float8_e4m3fn), scale


def stored(tensors, dtype, fp8):
    """The tensors as the file holds them; correction biases stay in float32."""
    result = {}
    for name, tensor in tensors.items():
        if fp8 and tensor.ndim == 2 and not any(part in name for part in NOT_QUANTIZED):
            result[name], result[name + "_scale_inv"] = quantize(tensor)
        else:
            result[name] = tensor.to(torch.float32 if "correction_bias" in name else dtype)
    return result


# ---- files ---------------------------------------------------------------------------------


def rope_fields(config, style):
    """Rewrites the rope options as checkpoints of different ages have them."""
    rope = config["rope_parameters"]
    if style in ("legacy", "both"):
        config["rope_theta"] = rope["rope_theta"]
        if rope["rope_type"] != "default":
            scaling = {key: value for key, value in rope.items() if key != "rope_theta"}
            config["rope_scaling"] = scaling | {"type": rope["rope_type"]}
            if style == "legacy" and rope["rope_type"] == "yarn":
                del config["rope_scaling"]["rope_type"]  # as DeepSeek's and Qwen's own files
    if style == "legacy":
        del config["rope_parameters"]


def write_weights(folder, tensors, shards, draw):
    """One file, or `shards` files and an index; a weight and its scale may part."""
    if shards == 1:
        save_file(tensors, folder / "model.safetensors", {"format": "pt"})
        return
    names = sorted(tensors)
    draw.shuffle(names)
    weight_map = {}
    for i in range(shards):
        file = f"model-{i + 1:05}-of-{shards:05}.safetensors"
        part = names[i::shards]
        save_file({name: tensors[name] for name in part}, folder / file, {"format": "pt"})
        weight_map |= {name: file for name in part}
    size = sum(t.nbytes for t in tensors.values())
    index = {"metadata": {"total_size": size}, "weight_map": dict(sorted(weight_map.items()))}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1))


def options_of(family, draw):
    """The drawn options, with the window that a YaRN factor promises."""
    chosen = FAMILIES[family][1](draw)
    rope = chosen["rope_parameters"]
    if rope["rope_type"] == "yarn":
        window = rope["factor"] * rope["original_max_position_embeddings"]
        chosen["max_position_embeddings"] = int(window)
    return chosen


def config_fields(model, chosen, dtype, rope_style, fp8):
    """config.json: transformers' fields and those that it does not know."""
    fields = json.loads(model.config.to_json_string()) | {
        "architectures": [type(model).__name__], "dtype": dtype, "torch_dtype": dtype}
    for key in ("num_experts", "num_nextn_predict_layers"):
        if key in chosen:
            fields[key] = chosen[key]
    rope_fields(fields, rope_style)
    if fp8:
        fields["quantization_config"] = {
            "quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic",
            "weight_block_size": [FP8_BLOCK, FP8_BLOCK]}
    return fields


def old_rotary_tables(model, layers):
    """Tables that converters of the first Llama left in the file; readers skip them."""
    table = model.model.rotary_emb.inv_freq
    return {f"model.layers.{i}.self_attn.rotary_emb.inv_freq": table.clone() for i in range(layers)}


def summary(chosen, dtype, shards, rope_style):
    dull = ("initializer_range", "bos_token_id", "max_position_embeddings", "moe_layer_freq")
    return f"{dtype}, {shards} file(s), rope {rope_style}, " + " ".join(
        f"{key}={value}" for key, value in sorted(chosen.items()) if key not in dull)


def write(folder, family, seed, shards=None):
    """Draws a checkpoint of `family` into `folder`; returns a line that says what it exercises."""
    model_type, _, fp8 = FAMILIES[family]
    draw = random.Random(f"{family} {seed}")
    chosen = options_of(family, draw)
    # transformers builds no prediction layers here; extra_layer() adds their tensors.
    plain = {key: value for key, value in chosen.items() if key != "num_nextn_predict_layers"}
    config = transformers.AutoConfig.for_model(model_type, **plain)
    model = transformers.AutoModelForCausalLM.from_config(config)
    tensors = skeleton(model)
    if chosen.get("num_nextn_predict_layers", 0):
        tensors |= extra_layer(tensors, chosen)
    dtypes = ["bfloat16"] if fp8 else ["bfloat16"] * 4 + ["float16", "float32"]
    dtype = draw.choice(dtypes)
    tensors = stored(fill(tensors, seed), getattr(torch, dtype), fp8)
    if model_type == "llama" and draw.random() < 0.3:
        tensors |= old_rotary_tables(model, chosen["num_hidden_layers"])
    rope_style = draw.choice(["legacy", "both", "new"])
    shards = shards or draw.choice([1, 1, 3])
    folder.mkdir(parents=True)
    fields = config_fields(model, chosen, dtype, rope_style, fp8)
    (folder / "config.json").write_text(json.dumps(fields, indent=1))
    write_weights(folder, tensors, shards, draw)
    return summary(chosen, dtype, shards, rope_style)
