"""The forward pass over packed documents, and the loss."""

import math

import torch
import torch.nn.functional as F

from trainer.model.config import ModelConfig

_ATTENTION_PARAMETERS = (
    "attention_norm",
    "query_down",
    "query_norm",
    "query_up",
    "key_value_down",
    "key_value_norm",
    "key_value_up",
    "output",
)
_DENSE_PARAMETERS = ("dense_gate", "dense_up", "dense_down")
_MOE_PARAMETERS = (
    "router",
    "expert_gate",
    "expert_up",
    "expert_down",
    "shared_gate",
    "shared_up",
    "shared_down",
)


def rotary_tables(config: ModelConfig):
    """YaRN's cos and sin, each [context, rotary_dims / 2], and the scale of the scores."""
    c = config
    dims = c.rotary_dims
    plain = 1.0 / (c.rope_base ** (torch.arange(0, dims, 2).float() / dims))
    stretched = plain / c.yarn_factor

    def dimension(rotations):
        """The dimension that turns so often over the original context."""
        wavelength = c.yarn_original_context / (rotations * 2 * math.pi)
        return dims * math.log(wavelength) / (2 * math.log(c.rope_base))

    low = max(math.floor(dimension(c.yarn_beta_fast)), 0)
    high = min(math.ceil(dimension(c.yarn_beta_slow)), dims - 1)
    if low == high:
        high += 0.001
    ramp = ((torch.arange(dims // 2).float() - low) / (high - low)).clamp(0, 1)
    frequencies = stretched * ramp + plain * (1 - ramp)

    def magnitude(mscale):
        return 0.1 * mscale * math.log(c.yarn_factor) + 1.0

    attention = magnitude(c.yarn_mscale) / magnitude(c.yarn_mscale_all_dim)
    scale = c.query_dims**-0.5 * magnitude(c.yarn_mscale_all_dim) ** 2
    angles = torch.arange(c.context).float()[:, None] * frequencies[None]
    return angles.cos() * attention, angles.sin() * attention, scale


def rms_norm(x, weight, epsilon):
    x = x.float()
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + epsilon) * weight


def rotate(x, cos, sin):
    """Rotary embedding of interleaved pairs; the result holds first halves, then second ones."""
    a, b = x[..., 0::2].float(), x[..., 1::2].float()
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def packed_attention_reference(query, key, value, starts, longest, scale):
    """Causal attention inside each document. [tokens, heads, dims]; starts [documents + 1]."""
    count = query.shape[0]
    tokens = torch.arange(count, device=query.device)
    document = torch.searchsorted(starts[1:].contiguous(), tokens, right=True)
    visible = (document[:, None] == document[None]) & (tokens[:, None] >= tokens[None])
    scores = torch.einsum("qhd,khd->hqk", query, key) * scale
    weights = scores.masked_fill(~visible, -1e30).softmax(-1)
    return torch.einsum("hqk,khd->qhd", weights, value)


def packed_attention_cuda(query, key, value, starts, longest, scale):
    """The same by PyTorch's variable-length kernel."""
    from torch.nn.attention.varlen import varlen_attn

    return varlen_attn(
        query, key, value, starts, starts, longest, longest, scale=scale, window_size=(-1, 0)
    )


class Network:
    """Parameters and router biases with the computation over them.

    `precision` is the type of the operands of products; sums, norms, routing and the residual
    stream stay float32.
    """

    def __init__(self, config: ModelConfig, parameters, bias, precision, longest, compiled):
        self.config = config
        self.parameters = parameters
        self.bias = bias  # [layers - 1, experts]
        self.precision = precision
        self.longest = longest  # tokens of the longest document
        cos, sin, self._scale = rotary_tables(config)
        self._cos, self._sin = cos.to(bias.device), sin.to(bias.device)
        on_cuda = bias.device.type == "cuda"
        self._attend = packed_attention_cuda if on_cuda else packed_attention_reference
        self._run_dense, self._run_moe, self._run_loss = self._dense, self._moe, self._losses
        if compiled:
            self._run_dense = torch.compile(self._dense, dynamic=False)
            self._run_moe = torch.compile(self._moe, dynamic=False)
            self._run_loss = torch.compile(self._losses, dynamic=False)

    def hidden(self, tokens, positions, starts):
        """[tokens, width] before the final norm, and the load of each expert [moe, experts]."""
        rotary = self._cos[positions].unsqueeze(1), self._sin[positions].unsqueeze(1)
        p = self.parameters
        layered = _ATTENTION_PARAMETERS + ("mlp_norm",) + _MOE_PARAMETERS
        rows = {name: p[name].unbind(0) for name in layered}
        x = F.embedding(tokens, p["embedding"])
        loads = []
        for layer in range(self.config.layers):
            attention = [rows[name][layer] for name in _ATTENTION_PARAMETERS]
            norm = rows["mlp_norm"][layer]
            if layer == 0:
                dense = [p[name] for name in _DENSE_PARAMETERS]
                x = self._run_dense(x, rotary, starts, attention, norm, dense)
            else:
                moe = [rows[name][layer - 1] for name in _MOE_PARAMETERS]
                bias = self.bias[layer - 1]
                x, load = self._run_moe(x, rotary, starts, attention, norm, bias, moe)
                loads.append(load)
        return x, torch.stack(loads)

    def logits(self, x):
        normed = rms_norm(x, self.parameters["final_norm"], self.config.norm_epsilon)
        return self._linear(normed, self.parameters["head"]).float()

    def losses(self, tokens, positions, starts, targets):
        """Cross entropy of each token's target, and the loads of the experts."""
        x, loads = self.hidden(tokens, positions, starts)
        p = self.parameters
        return self._run_loss(x, p["final_norm"], p["head"], targets), loads

    def _linear(self, x, weight):
        return F.linear(x.to(self.precision), weight.to(self.precision))

    def _losses(self, x, norm, head, targets):
        logits = self._linear(rms_norm(x, norm, self.config.norm_epsilon), head).float()
        return F.cross_entropy(logits, targets, reduction="none")

    def _attention(self, x, rotary, starts, parameters):
        norm, query_down, query_norm, query_up, kv_down, kv_norm, kv_up, output = parameters
        c, epsilon = self.config, self.config.norm_epsilon
        count, plain = x.shape[0], c.plain_dims
        h = rms_norm(x, norm, epsilon)
        query = self._linear(rms_norm(self._linear(h, query_down), query_norm, epsilon), query_up)
        query = query.view(count, c.heads, c.query_dims)
        latent = self._linear(h, kv_down)
        shared_key = rotate(latent[:, c.key_value_rank :].unsqueeze(1), *rotary)
        latent = rms_norm(latent[:, : c.key_value_rank], kv_norm, epsilon)
        key_value = self._linear(latent, kv_up).view(count, c.heads, plain + c.value_dims)
        query = torch.cat((query[..., :plain].float(), rotate(query[..., plain:], *rotary)), -1)
        shared_key = shared_key.expand(count, c.heads, c.rotary_dims)
        key = torch.cat((key_value[..., :plain].float(), shared_key), -1)
        # The kernel wants values as wide as keys.
        value = F.pad(key_value[..., plain:], (0, c.query_dims - c.value_dims))
        query, key, value = (each.to(self.precision).contiguous() for each in (query, key, value))
        mixed = self._attend(query, key, value, starts, self.longest, self._scale)
        mixed = mixed[..., : c.value_dims].reshape(count, c.heads * c.value_dims)
        return x + self._linear(mixed, output).float()

    def _dense(self, x, rotary, starts, attention, norm, parameters):
        gate, up, down = parameters
        x = self._attention(x, rotary, starts, attention)
        h = rms_norm(x, norm, self.config.norm_epsilon)
        return x + self._linear(F.silu(self._linear(h, gate)) * self._linear(h, up), down).float()

    def _moe(self, x, rotary, starts, attention, norm, bias, parameters):
        router, gate, up, down, shared_gate, shared_up, shared_down = parameters
        c = self.config
        x = self._attention(x, rotary, starts, attention)
        h = rms_norm(x, norm, c.norm_epsilon)
        weights, chosen = self._route(h, router, bias)
        # At this size computing every expert for every token beats gathering: all experts and
        # the shared one are one wide layer, whose columns the routing weights scale.
        wide = c.experts * c.expert_width
        gates = torch.cat((gate.reshape(wide, c.width), shared_gate), 0)
        ups = torch.cat((up.reshape(wide, c.width), shared_up), 0)
        downs = torch.cat((down.permute(1, 0, 2).reshape(c.width, wide), shared_down), 1)
        inner = F.silu(self._linear(h, gates)) * self._linear(h, ups)
        scales = torch.cat((weights, torch.ones_like(weights[:, :1])), 1).to(self.precision)
        inner = inner.view(-1, c.experts + 1, c.expert_width) * scales.unsqueeze(-1)
        y = self._linear(inner.view(-1, wide + c.expert_width), downs)
        return x + y.float(), chosen.mean(0)

    def _route(self, h, router, bias):
        """Weights and choice, both [tokens, experts]; the bias decides the choice alone.

        Ranks by comparison instead of topk: it compiles into one fused kernel.
        """
        c = self.config
        scores = F.linear(h.float(), router.float()).sigmoid()
        with torch.no_grad():
            biased = scores.detach() + bias
            grouped = biased.view(-1, c.groups, c.experts // c.groups)
            best_two = (grouped * (_ranks(grouped) < 2)).sum(-1)
            allowed = (_ranks(best_two) < c.groups_per_token).unsqueeze(-1)
            allowed = allowed.expand_as(grouped).reshape(biased.shape)
            candidates = torch.where(allowed, biased, torch.full_like(biased, -1e9))
            chosen = (_ranks(candidates) < c.experts_per_token).float()
        weights = scores * chosen
        return weights / (weights.sum(-1, keepdim=True) + 1e-20) * c.routed_scaling, chosen


def _ranks(values):
    """How many values of the last dimension are larger."""
    return (values.unsqueeze(-1) < values.unsqueeze(-2)).sum(-1)
