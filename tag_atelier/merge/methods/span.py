"""Methods that combine whole tensors, with factors from their inner products. Registered in methods/__init__."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from tag_atelier.merge.methods import Operands
from tag_atelier.merge.methods.reduction import dot, gram

_PARALLEL = 1e-6
"""Sine of the angle below which directions count as one."""


def slerp(x: Operands) -> torch.Tensor:
    """The way from A to B along the sphere, length mixed linearly; a straight line where they are parallel or 0; shape of A.

    (sin((1 − w)Ω)·A/‖A‖ + sin(wΩ)·B/‖B‖)/sin Ω · ((1 − w)‖A‖ + w‖B‖), Ω the angle between them over the whole tensor.
    Looser bound: Ω is an arc cosine. Source: Shoemake 1985, "Animating rotation with quaternion curves", section 3.3.
    """
    weight = x.weights[0]
    table = gram([x.first, x.others[0]])
    if _overflows(table):
        return x.first * math.nan
    (aa, ab), (_, bb) = table
    lengths = math.sqrt(aa), math.sqrt(bb)
    cosine = _cosine(ab, aa, bb)
    sine = math.sqrt(1.0 - cosine * cosine)
    if sine < _PARALLEL or not all(lengths):
        return _combine((x.first, *x.others), (1.0 - weight, weight))
    angle = math.acos(cosine)
    scale = ((1.0 - weight) * lengths[0] + weight * lengths[1]) / sine
    factors = math.sin((1.0 - weight) * angle) / lengths[0], math.sin(weight * angle) / lengths[1]
    return _combine((x.first, *x.others), [scale * factor for factor in factors])


def karcher_mean(x: Operands) -> torch.Tensor:
    """The direction nearest to all models' directions on the sphere, with the mean of their lengths; shape of A.

    Masses are wᵢ, and 1 − Σwᵢ (at least 0) for A. Looser bound: at most 20 steps, to a change of 10⁻⁷ radians.
    Source: Karcher 1977, "Riemannian center of mass and mollifier smoothing".
    """
    tensors, masses = (x.first, *x.others), _masses(x.weights)
    table = gram(tensors)
    if _overflows(table):
        return x.first * math.nan
    lengths = [math.sqrt(table[i][i]) for i in range(len(tensors))]
    unit = [[value / (lengths[i] * lengths[j] or 1.0) for j, value in enumerate(row)] for i, row in enumerate(table)]
    start = _norm(masses, unit)
    if not all(lengths) or start < _PARALLEL:
        return _combine(tensors, masses)
    mean = [mass / start for mass in masses]
    for _ in range(20):
        cosines = [max(-1.0, min(1.0, sum(u * m for u, m in zip(row, mean, strict=True)))) for row in unit]
        angles = [math.acos(cosine) for cosine in cosines]
        pulls = [m * (a / math.sin(a) if math.sin(a) > _PARALLEL else 1.0) for m, a in zip(masses, angles, strict=True)]
        along = sum(pull * cosine for pull, cosine in zip(pulls, cosines, strict=True))
        tangent = [pull - along * m for pull, m in zip(pulls, mean, strict=True)]
        step = _norm(tangent, unit)
        if step < 1e-7:
            break
        mean = [math.cos(step) * m + math.sin(step) * t / step for m, t in zip(mean, tangent, strict=True)]
    length = sum(mass * each for mass, each in zip(masses, lengths, strict=True))
    return _combine(tensors, [length * m / each for m, each in zip(mean, lengths, strict=True)])


def geometric_median(x: Operands) -> torch.Tensor:
    """The tensor with the least Σ mᵢ·‖Y − Xᵢ‖: a mean that a single odd model cannot pull far; shape of A.

    Masses are wᵢ, and 1 − Σwᵢ (at least 0) for A. Looser bound: at most 200 steps, to a change of 10⁻⁹ in the shares.
    Source: Weiszfeld 1937, in Vardi & Zhang 2000, "The multivariate L1-median", equation 1.5.
    """
    masses = _masses(x.weights)
    apart = [other - x.first for other in x.others]
    table = [[0.0] * len(masses), *([0.0, *row] for row in gram(apart))]
    if _overflows(table):
        return x.first * math.nan
    floor = 1e-12 * math.sqrt(max(table[i][i] for i in range(len(masses)))) or 1.0
    shares = masses
    for _ in range(200):
        offsets = [[share - (i == j) for j, share in enumerate(shares)] for i in range(len(masses))]
        pulls = [mass / max(_norm(offset, table), floor) for mass, offset in zip(masses, offsets, strict=True)]
        before, shares = shares, [pull / sum(pulls) for pull in pulls]
        if max(abs(new - old) for new, old in zip(shares, before, strict=True)) < 1e-9:
            break
    return _combine((x.first, *apart), [1.0, *shares[1:]])


def model_stock(x: Operands) -> torch.Tensor:
    """base + t·Σ mᵢ·(Xᵢ − base), t = N·cos θ/(1 + (N − 1)·cos θ): the less the models agree, the nearer to the base.

    N models with A, θ the mean angle between what they learned; masses are wᵢ, and 1 − Σwᵢ for A (the paper's are equal).
    Source: Jang et al. 2024, arXiv:2403.19522, equation 6.
    """
    assert x.base is not None
    learned = [tensor - x.base for tensor in (x.first, *x.others)]
    table, count = gram(learned), len(learned)
    if _overflows(table):
        return x.first * math.nan
    cosines = [_cosine(table[i][j], table[i][i], table[j][j]) for i in range(count) for j in range(i)]
    cosine = max(0.0, sum(cosines) / len(cosines))
    t = count * cosine / (1.0 + (count - 1) * cosine)
    return _combine((x.base, *learned), [1.0, *(t * mass for mass in (1.0 - sum(x.weights), *x.weights))])


def perpendicular(x: Operands) -> torch.Tensor:
    """A + Σ wᵢ·(Δᵢ − Δa·⟨Δa, Δᵢ⟩/‖Δa‖²), Δ = difference to the base: only what A did not learn already; shape of A.

    Source: sd-mecha, built-in method "add_perpendicular"; Gram–Schmidt over the whole tensor.
    """
    assert x.base is not None
    own, total = x.first - x.base, x.first.clone()
    square = dot(own, own)
    for other, weight in zip(x.others, x.weights, strict=True):
        learned = other - x.base
        total.add_(learned, alpha=weight)
        total.sub_(own, alpha=weight * dot(own, learned) / square if square else 0.0)
    return total


def _masses(weights: Sequence[float]) -> list[float]:
    """A's mass and the others', together 1."""
    masses = [max(0.0, 1.0 - sum(weights)), *weights]
    return [mass / sum(masses) for mass in masses]


def _overflows(table: Sequence[Sequence[float]]) -> bool:
    """Whether an operand is not finite, or too large for its square; the result is not finite then either."""
    return not all(math.isfinite(value) for row in table for value in row)


def _cosine(ab: float, aa: float, bb: float) -> float:
    return max(-1.0, min(1.0, ab / math.sqrt(aa * bb))) if aa > 0 and bb > 0 else 1.0 if aa == bb else 0.0


def _norm(factors: Sequence[float], table: Sequence[Sequence[float]]) -> float:
    """Length of the combination of tensors whose inner products are ``table``."""
    square = sum(a * b * table[i][j] for i, a in enumerate(factors) for j, b in enumerate(factors))
    return math.sqrt(square) if square > 0 else 0.0


def _combine(tensors: Sequence[torch.Tensor], factors: Sequence[float]) -> torch.Tensor:
    total = tensors[0] * factors[0]
    for tensor, factor in zip(tensors[1:], factors[1:], strict=True):
        total.add_(tensor, alpha=factor)
    return total
