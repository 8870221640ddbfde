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


def add_difference_clamped(x: Operands) -> torch.Tensor:
    """``add_difference``, no value of it outside what A and the added models have there; shape and dtype of A.

    Source: Ilharco et al. 2022; clipping as wished for in sd-webui-model-mixer issue 12.
    """
    lowest = highest = x.first
    for other in x.others:
        lowest, highest = torch.minimum(lowest, other), torch.maximum(highest, other)
    return torch.clamp(add_difference(x), lowest, highest)


def sum_twice(x: Operands) -> torch.Tensor:
    """((1 − w₁)·A + w₁·X₁) mixed with X₂ by w₂, and so on; one rounding at the end; shape and dtype of A.

    Source: sd-webui-supermerger, README, "sum Twice", for any number of models.
    """
    total = x.first
    for other, weight in zip(x.others, x.weights, strict=True):
        total = torch.lerp(total, other, weight)
    return total
