"""Methods that weigh a place by how alike the models are there. Registered in methods/__init__."""

from __future__ import annotations

import torch

from tag_atelier.merge.methods import Operands
from tag_atelier.merge.methods.reduction import dot, sum_over_first


def column_cosines(x: Operands) -> torch.Tensor:
    """Cosine between A and B along the first axis, for every place of the other axes, flat, float64.

    Over all mixed tensors its 1st and 99th percentiles are ``similarity_low`` and ``similarity_high`` of the cosine methods.
    """
    return _cosines(x.first, x.others[0]).reshape(-1)


def cosine_a(x: Operands) -> torch.Tensor:
    """B + k·(A − B), k = clip(((s + m)/2 − low)/(high − low) − |w|, 0, 1): A where they are alike, B where not; shape of A.

    s: cosine of each column, m: its mean over the tensor, low … high: the range of all s of the model but 1 % at both ends.
    Looser bound: k is a quotient of cosines of near-parallel vectors.
    Source: sd-webui-supermerger, calcmode_en.md, "cosineA".
    """
    cosines = _cosines(x.first, x.others[0])
    return _towards_first(x, cosines, float(cosines.mean()), abs(x.weights[0]))


def cosine_b(x: Operands) -> torch.Tensor:
    """As ``cosine_a``, m being the cosine of the whole tensors, in which long columns count for more, and w having a sign.

    Looser bound: as there. Source: sd-webui-supermerger, calcmode_en.md, "cosineB".
    """
    a, b = x.first, x.others[0]
    length = (dot(a, a) * dot(b, b)) ** 0.5
    return _towards_first(x, _cosines(a, b), dot(a, b) / length if length else 0.0, x.weights[0])


def extract(x: Operands) -> torch.Tensor:
    """A + (w₁·b + w₂·c)·((1 − β)·d + β·(1 − d)), b = B − A, c = C − A, d = ((1 + cos(b, c))/2)^γ along the last axis.

    β = 0 takes what B and C have in common against A, β = 1 what only one of them has.
    Source: sd-webui-supermerger, calcmode_en.md, "extract", whose α is w₂ = 1 − w₁.
    """
    b, c = (other - x.first for other in x.others)
    beta, gamma = x.parameters["beta"], x.parameters["gamma"]
    alike = ((1.0 + _cosines(_last_first(b), _last_first(c))) / 2.0) ** gamma
    share = ((1.0 - beta) * alike + beta * (1.0 - alike)).to(b.dtype)
    mixed = b * x.weights[0] + c * x.weights[1]
    return x.first + mixed * (share.unsqueeze(-1) if b.dim() else share)


def _cosines(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Along the first axis; 0 where one of them is 0. float64."""
    if not a.dim():
        a, b = a.view(1), b.view(1)
    lengths = (sum_over_first(a, a) * sum_over_first(b, b)).sqrt()
    return sum_over_first(a, b) / torch.where(lengths == 0, 1.0, lengths)


def _last_first(x: torch.Tensor) -> torch.Tensor:
    return x.movedim(-1, 0) if x.dim() else x


def _towards_first(x: Operands, cosines: torch.Tensor, mean: float, weight: float) -> torch.Tensor:
    low, high = x.parameters.get("similarity_low", 0.0), x.parameters.get("similarity_high", 1.0)
    normal = ((cosines + mean) / 2.0 - low) / (high - low) if high > low else torch.ones_like(cosines)
    return torch.lerp(x.others[0], x.first, (normal - weight).clamp(0.0, 1.0).to(x.first.dtype).expand_as(x.first))
