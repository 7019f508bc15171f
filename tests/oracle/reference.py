"""Computes what a checkpoint should answer, with transformers in float32, in golden.json's form."""

import json
import math
import pathlib
import random
import tempfile

import torch
import transformers
from safetensors import safe_open
from safetensors.torch import save_file

CASE_LENGTHS = (1, 7, 37, 150, 300)
ROUTED_UP_TO = 37  # longer cases do not record the chosen experts
GREEDY_LENGTH, GREEDY_TOKENS = 37, 16
# A reference is worth something only where another correct float32 program must agree: cases
# whose decisions hang on less than this are drawn again.
TOP1_MARGIN = 1e-4  # in the logits, at every position
ROUTING_MARGIN = 5e-6  # in the scores that choose experts and groups
ROUNDING = 1e-4  # at most, in the log-probabilities: what float64 arithmetic changes


def read_tensors(folder):
    """All tensors of a checkpoint by name, as stored; single file or shards."""
    index = folder / "model.safetensors.index.json"
    files = {"model.safetensors"}
    if index.exists():
        files = set(json.loads(index.read_text())["weight_map"].values())
    tensors = {}
    for name in sorted(files):
        with safe_open(folder / name, "pt") as shard:
            tensors |= {key: shard.get_tensor(key) for key in shard.keys()}
    return tensors


def dequantize(tensors, block):
    """float32 copies; each X.weight with an X.weight_scale_inv is multiplied block by block."""
    plain = {}
    for name, tensor in tensors.items():
        if name.endswith("_scale_inv"):
            continue
        plain[name] = tensor.float()
        scale = tensors.get(name + "_scale_inv")
        if scale is not None:
            rows, columns = tensor.shape
            spread = scale.repeat_interleave(block[0], 0)[:rows].repeat_interleave(block[1], 1)
            plain[name] *= spread[:, :columns]
    return plain


def load(folder):
    """The model in `folder`: float32 weights, eager attention, one expert after the other."""
    config = json.loads((folder / "config.json").read_text())
    quantization = config.pop("quantization_config", None) or {"weight_block_size": [128, 128]}
    tensors = dequantize(read_tensors(folder), quantization["weight_block_size"])
    layers = config["num_hidden_layers"]
    extra = tuple(f"model.layers.{layers + i}."
                  for i in range(config.get("num_nextn_predict_layers", 0)))
    tensors = {name: t for name, t in tensors.items() if not name.startswith(extra)}
    if "num_nextn_predict_layers" in config:
        config["num_nextn_predict_layers"] = 0
    with tempfile.TemporaryDirectory() as plain:
        (pathlib.Path(plain) / "config.json").write_text(json.dumps(config))
        save_file(tensors, pathlib.Path(plain) / "model.safetensors", {"format": "pt"})
        model = transformers.AutoModelForCausalLM.from_pretrained(
            plain, dtype=torch.float32, attn_implementation="eager", experts_implementation="eager")
    return model.eval()


def routers(model):
    """{layer: router module}"""
    return {i: layer.mlp.gate for i, layer in enumerate(model.model.layers)
            if hasattr(layer.mlp, "gate")}


def gap(scores, kept):
    """How far the worst kept score is above the best one dropped, over all rows."""
    if kept >= scores.shape[-1]:
        return math.inf
    best = scores.sort(-1, descending=True).values
    return (best[:, kept - 1] - best[:, kept]).min().item()


def routing_margin(router, logits):
    """The smallest gap that chose experts or groups of them; `logits` [rows, experts]."""
    bias = getattr(router, "e_score_correction_bias", None)
    scores = logits.softmax(-1) if bias is None else logits.sigmoid() + bias
    grouped = bias is not None or getattr(router, "topk_method", "greedy") == "group_limited_greedy"
    if not grouped:
        return gap(scores, router.top_k)
    groups = scores.view(len(scores), router.num_group, -1)
    group_scores = groups.amax(-1) if bias is None else groups.topk(2, -1).values.sum(-1)
    kept = group_scores.topk(router.topk_group, -1).indices
    mask = torch.full_like(group_scores, -math.inf).scatter_(1, kept, 0.0)
    inside = (groups + mask.unsqueeze(-1)).flatten(1)
    return min(gap(group_scores, router.topk_group), gap(inside, router.top_k))


class Run:
    """One forward pass, with what the routers saw."""

    @torch.no_grad()
    def __init__(self, model, ids):
        self.routing = {}
        hooks = [router.register_forward_hook(
            lambda module, _, out, layer=layer: self.routing.update({layer: (module, *out)}))
            for layer, router in routers(model).items()]
        out = model(torch.tensor([ids]), output_hidden_states=True, use_cache=False)
        for hook in hooks:
            hook.remove()
        self.logits = out.logits[0]
        self.hidden = [h[0] for h in out.hidden_states]

    def decisive(self):
        """Whether every top-1 and every expert was chosen by more than rounding."""
        top = self.logits.topk(2, -1).values
        if (top[:, 0] - top[:, 1]).min() < TOP1_MARGIN:
            return False
        return all(routing_margin(router, logits.float()) >= ROUTING_MARGIN
                   for router, logits, _, _ in self.routing.values())

    def experts(self):
        return {str(layer): indices.sort(-1).values.tolist()
                for layer, (_, _, _, indices) in sorted(self.routing.items())}


def rounded(values):
    return [round(v, 6) for v in values]


def case(ids, run):
    """One entry of golden.json's cases."""
    logprobs = run.logits.log_softmax(-1)
    top = logprobs.topk(5, -1)
    following = [row[token].item() for row, token in zip(logprobs, ids[1:])]
    return {
        "input_ids": ids,
        "logits_last": rounded(run.logits[-1].tolist()),
        "top5_ids": top.indices.tolist(),
        "top5_logprobs": [rounded(row) for row in top.values.tolist()],
        "next_token_logprobs": rounded(following),
        "hidden_l2": [rounded([h[0].norm().item(), h[-1].norm().item()]) for h in run.hidden],
        "routed_experts": run.experts() if len(ids) <= ROUTED_UP_TO else {},
    }


def greedy(model, ids):
    """The continuation by argmax, end-of-sequence ids never chosen, and whether every step of it
    was decisive."""
    ends = model.config.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    ids, decisive = list(ids), True
    for _ in range(GREEDY_TOKENS):
        run = Run(model, ids)
        run.logits[-1, ends] = -math.inf
        decisive = decisive and run.decisive()
        ids.append(run.logits[-1].argmax().item())
    return ids[-GREEDY_TOKENS:], decisive


def rounding(model, ids, run):
    """The largest difference of a log-probability from the same pass in float64."""
    exact = Run(model.double(), ids)
    model.float()  # the weights came from float32, so nothing is lost
    return (exact.logits.log_softmax(-1) - run.logits.double().log_softmax(-1)).abs().max().item()


def attempt(model, ids):
    """The case for `ids`, or None if it hangs on rounding."""
    run = Run(model, ids)
    if not run.decisive() or rounding(model, ids, run) > ROUNDING:
        return None
    result = case(ids, run)
    if len(ids) == GREEDY_LENGTH:
        result["greedy_16"], decisive = greedy(model, ids)
        return result if decisive else None
    return result


def golden(model, seed, attempts=40):
    """golden.json for `model`: random token ids after the BOS; `seed` fixes them. None if float32
    is too coarse for this model."""
    draw = random.Random(seed)
    bos, vocab = model.config.bos_token_id or 0, model.config.vocab_size
    cases = []
    for length in CASE_LENGTHS:
        draws = ([bos] + [draw.randrange(vocab) for _ in range(length - 1)]
                 for _ in range(attempts))
        found = next(filter(None, (attempt(model, ids) for ids in draws)), None)
        if found is None:
            return None
        cases.append(found)
    source = (f"transformers {transformers.__version__}, torch {torch.__version__}, "
              "eager attention, float32 arithmetic on the stored weights")
    return {"source": source, "cases": cases}
