"""Linear methods: every value is a weighted sum of the models' values at the same place. Registered in methods/__init__."""

from __future__ import annotations

import torch

from tag_atelier.merge.methods import Operands


def weighted_sum(x: Operands) -> torch.Tensor:
    """(1 − Σwᵢ)·A + Σ wᵢ·Xᵢ for any number of models in one pass; shape and dtype of A.

    Source: Wortsman et al. 2022, arXiv:2203.05482, section 2, with weights of one's own choice.
    """
    total = x.first * (1.0 - sum(x.weights))
    for other, weight in zip(x.others, x.weights, strict=True):
        total.add_(other, alpha=weight)
    return total


def weighted_pair(first: torch.Tensor, other: torch.Tensor, weight: float, out: torch.Tensor) -> None:
    """(1 − w)·A + w·B of two half-precision tensors into ``out``, computed in float32 and rounded once.

    The weight must be a Python number: a half-precision tensor as weight is itself rounded (50 ulp off, measured).
    Source: torch's LerpKernel.cpp, which widens to float32 in registers.
    """
    torch.lerp(first, other, weight, out=out)


def add_difference(x: Operands) -> torch.Tensor:
    """A + Σ wᵢ·(Xᵢ − base): what each model learned beyond the base, added to A; shape and dtype of A.

    Differences of near values are exact in float32, so nothing is lost before the one rounding at the end.
    Source: Ilharco et al. 2022, arXiv:2212.04089, section 2.
    """
    assert x.base is not None
    total = x.first.clone()
    for other, weight in zip(x.others, x.weights, strict=True):
        total.add_(other - x.base, alpha=weight)
    return total
