"""Methods that thin differences out before adding them. Registered in methods/__init__."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import torch

from tag_atelier.merge.methods import Operands


def ties(x: Operands) -> torch.Tensor:
    """A + Σ wᵢ·Δ̂ᵢ / n: of each difference to the base only the largest values, and of these the sign most of the mass has.

    Δ̂ᵢ holds the share ``density`` of largest |Xᵢ − base|, where its sign is that of Σ wᵢ·Δ̂ᵢ; n counts the models left.
    With A as base it is the paper's, one λ per model. Source: Yadav et al. 2023, arXiv:2306.01708, algorithm 1.
    """
    trimmed = [delta * (delta.abs() >= _threshold(delta, x.parameters["density"])) for delta in _deltas(x)]
    weighed = [delta * weight for delta, weight in zip(trimmed, x.weights, strict=True)]
    sign = torch.stack(weighed).sum(dim=0).sign()
    total, count = torch.zeros_like(x.first), torch.zeros_like(x.first)
    for delta in weighed:
        agrees = (delta.sign() == sign) & (sign != 0)
        total += delta * agrees
        count += agrees
    return x.first + total / count.clamp_min(1.0)


def dare(x: Operands) -> torch.Tensor:
    """A + Σ wᵢ·mᵢ·(Xᵢ − base)/(1 − p): each value of a difference is dropped with chance p = ``drop``; shape of A.

    Source: Yu et al. 2023, arXiv:2311.03099, section 3.1.
    """
    total, drop = x.first.clone(), x.parameters["drop"]
    for delta, weight, letter in zip(_deltas(x), x.weights, x.letters, strict=False):
        kept = _uniform(x, letter) >= drop
        total += delta * kept * (weight / (1.0 - drop))
    return total


def della(x: Operands) -> torch.Tensor:
    """``dare`` with a chance that falls with the value's rank in its row, from p + ε/2 (smallest) to p − ε/2; shape of A.

    p is ``drop``, ε is ``spread``; what is kept is divided by its own chance of being kept.
    Source: Deep et al. 2024, arXiv:2406.11617, section 3.1 (MagPrune).
    """
    total = x.first.clone()
    for delta, weight, letter in zip(_deltas(x), x.weights, x.letters, strict=False):
        rows = delta.reshape(delta.shape[0] if delta.dim() else 1, -1)
        rank = rows.abs().argsort(dim=1, stable=True).argsort(dim=1)
        share = rank.to(delta.dtype) / max(1, rows.shape[1] - 1)
        drop = (x.parameters["drop"] + x.parameters["spread"] * (0.5 - share)).clamp(0.0, 0.99).view_as(delta)
        total += delta * (_uniform(x, letter) >= drop) * (weight / (1.0 - drop))
    return total


def breadcrumbs(x: Operands) -> torch.Tensor:
    """A + Σ wᵢ·Δ̂ᵢ: differences to the base without their largest values (outliers) and without their smallest; shape of A.

    ``largest`` and ``smallest`` are the shares that are dropped. Source: Davari & Belilovsky 2023, arXiv:2312.06795, section 3.
    """
    total = x.first.clone()
    for delta, weight in zip(_deltas(x), x.weights, strict=True):
        size = delta.abs()
        kept = (size >= _threshold(delta, 1.0 - x.parameters["smallest"])) & ~(
            size >= _threshold(delta, x.parameters["largest"])
        )
        total += delta * kept * weight
    return total


def _deltas(x: Operands) -> Iterator[torch.Tensor]:
    assert x.base is not None
    for other in x.others:
        yield other - x.base


def _threshold(delta: torch.Tensor, share: float) -> float:
    """The smallest of the ``share`` largest |values|; infinite when that is none."""
    count = round(share * delta.numel())
    if not count:
        return float("inf")
    return float(delta.abs().reshape(-1).kthvalue(delta.numel() - count + 1).values)


def _uniform(x: Operands, letter: str) -> torch.Tensor:
    """Numbers in 0 … 1 for every value of A: the same for a key, a model and a place, whatever is computed when and where.

    Source: Salmon et al. 2011, Philox, whose n-th number needs none before it; numpy keeps its stream fixed.
    """
    seed = int.from_bytes(hashlib.sha256(f"{x.key}/{letter}".encode()).digest()[:16], "little")
    group, skipped = divmod(x.start, 4)
    raw = np.random.Philox(key=seed, counter=group).random_raw(skipped + x.first.numel())[skipped:]
    return torch.from_numpy((raw >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)).view(x.first.shape)
