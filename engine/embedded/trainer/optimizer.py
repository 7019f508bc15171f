"""Muon for matrices, AdamW for the rest, and the schedule of both."""

import torch

from trainer.model.parameters import EMBEDDINGS, VECTORS_AND_ROUTER

_MOMENTUM = 0.95
_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5


def schedule(step: int, steps: int, warm_up: int, hold: float) -> float:
    """Share of the learning rate: linear warm-up, constant for `hold` of the run, linear to 0."""
    progress = min(1.0, step / steps)
    rising = min(1.0, (step + 1) / warm_up)
    return rising * (1.0 if progress < hold else (1 - progress) / (1 - hold))


def orthogonalized(matrices: torch.Tensor, precision: torch.dtype) -> torch.Tensor:
    """Nearly orthogonal matrices with the same row and column spaces, [..., rows, columns]."""
    x = matrices.reshape(-1, *matrices.shape[-2:]).to(precision)
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.transpose(-1, -2)
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    a, b, c = _NEWTON_SCHULZ
    for _ in range(_ITERATIONS):
        square = x @ x.transpose(-1, -2)
        polynomial = torch.baddbmm(square, square, square, beta=b, alpha=c)
        x = torch.baddbmm(x, polynomial, x, beta=a, alpha=1.0)
    if tall:
        x = x.transpose(-1, -2)
    return x.reshape(matrices.shape)


class Optimizer:
    """One step updates all parameters from their gradients and clears these."""

    def __init__(self, parameters, matrix_rate: float, embedding_rate: float, decay: float):
        self._parameters = parameters
        self._matrix_rate = matrix_rate
        self._decay = decay
        others = EMBEDDINGS + VECTORS_AND_ROUTER
        self._matrices = [name for name in parameters if name not in others]
        self._momentum = {name: torch.zeros_like(parameters[name]) for name in self._matrices}
        on_cuda = parameters[EMBEDDINGS[0]].device.type == "cuda"
        self._precision = torch.bfloat16 if on_cuda else torch.float32
        self._rates = (embedding_rate, embedding_rate / 2)
        self._adam = torch.optim.AdamW(
            [
                {"params": [parameters[name] for name in EMBEDDINGS], "weight_decay": 0.01},
                {"params": [parameters[name] for name in VECTORS_AND_ROUTER], "weight_decay": 0.0},
            ],
            lr=embedding_rate,
            betas=(0.9, 0.98),
            eps=1e-9,
            fused=on_cuda,
        )

    @torch.no_grad()
    def step(self, share: float) -> None:
        """Updates with `share` of the learning rates."""
        for group, rate in zip(self._adam.param_groups, self._rates):
            group["lr"] = rate * share
        self._adam.step()
        self._adam.zero_grad(set_to_none=True)
        rate = self._matrix_rate * share
        for name in self._matrices:
            parameter, momentum = self._parameters[name], self._momentum[name]
            momentum.mul_(_MOMENTUM).add_(parameter.grad)
            update = orthogonalized(parameter.grad + _MOMENTUM * momentum, self._precision)
            growth = max(1.0, parameter.shape[-2] / parameter.shape[-1]) ** 0.5
            parameter.mul_(1 - rate * self._decay)
            parameter.add_(update.to(parameter.dtype), alpha=-rate * growth)
            parameter.grad = None
