"""Sums over tensors that are the same for every thread count: fixed pieces, float64. Called by the methods beside it."""

from __future__ import annotations

from collections.abc import Sequence

import torch

_PIECE = 32_736
"""Below 32768 values torch never splits a sum between threads (ATen/Parallel.h, GRAIN_SIZE)."""


def dot(a: torch.Tensor, b: torch.Tensor) -> float:
    """Σ aᵢ·bᵢ over all values of two tensors of one shape."""
    pairs = zip(torch.split(a.reshape(-1), _PIECE), torch.split(b.reshape(-1), _PIECE), strict=True)
    return sum(float((x.double() * y.double()).sum()) for x, y in pairs)


def gram(tensors: Sequence[torch.Tensor]) -> list[list[float]]:
    """The inner products of every two of ``tensors``, symmetric."""
    table = [[0.0] * len(tensors) for _ in tensors]
    for i, a in enumerate(tensors):
        for j, b in enumerate(tensors[: i + 1]):
            table[i][j] = table[j][i] = dot(a, b)
    return table


def sum_over_first(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Σₖ x[k]·y[k] along the first axis; float64 of the remaining shape."""
    rows = max(1, _PIECE // max(1, x[0].numel()))
    total = torch.zeros(x.shape[1:], dtype=torch.float64)
    for a, b in zip(torch.split(x, rows), torch.split(y, rows), strict=True):
        total += (a.double() * b.double()).sum(dim=0)
    return total
