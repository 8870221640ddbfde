"""Methods that treat a tensor as a signal along its axes. Registered in methods/__init__."""

from __future__ import annotations

import itertools
import math

import torch

from tag_atelier.merge.methods import Operands

_AT_ONCE = 1 << 22
"""Values of the neighbourhoods that are in memory at a time."""


def smooth_add(x: Operands) -> torch.Tensor:
    """A + w·gauss(median(B − base)): the difference after a median of 3 and a Gaussian of σ = 1 along every axis; shape of A.

    Edges are mirrored. Slow: a convolution weight has 81 neighbours. Looser bound: nine-term sums along each axis.
    Source: sd-webui-supermerger, calcmode_en.md, "smoothAdd", which calls scipy's median_filter and gaussian_filter.
    """
    assert x.base is not None
    return x.first + x.weights[0] * _gauss(_median(x.others[0] - x.base))


def crossover(x: Operands) -> torch.Tensor:
    """A with B's low frequencies: of frequency r (0 … 1) the share clip((w·(1 + tilt) − r)/tilt, 0, 1) is B's; shape of A.

    r is the root mean square over the axes of frequency by highest frequency; ``tilt`` 0 is a sharp cut at w.
    Looser bound: two Fourier transforms. Source: sd-mecha, built-in method "crossover", with a cut of our own.
    """
    apart = x.others[0] - x.first
    shape = apart.shape or (1,)
    axes = [torch.fft.fftfreq(n).abs() * 2.0 for n in shape[:-1]] + [torch.fft.rfftfreq(shape[-1]) * 2.0]
    r = torch.zeros([len(axis) for axis in axes], dtype=apart.dtype)
    for axis, values in enumerate(axes):
        r += (values**2).to(r.dtype).view([-1 if i == axis else 1 for i in range(len(axes))])
    r = (r / len(axes)).sqrt()
    weight, tilt = x.weights[0], x.parameters["tilt"]
    share = ((weight * (1.0 + tilt) - r) / tilt).clamp(0.0, 1.0) if tilt else (r < weight).to(r.dtype)
    # A plus a part of the difference: where the models are equal nothing passes through the transforms.
    mixed: torch.Tensor = torch.fft.irfftn(torch.fft.rfftn(apart.view(shape)) * share, s=shape)
    return x.first + mixed.view(apart.shape)


def _mirrored(size: int, shift: int) -> torch.Tensor:
    """Where along an axis of ``size`` the neighbour at distance ``shift`` lies, edges mirrored: d c b a | a b c d | d c b a."""
    places = (torch.arange(size) + shift) % (2 * size)
    return torch.minimum(places, 2 * size - 1 - places)


def _median(x: torch.Tensor) -> torch.Tensor:
    if not x.numel() or not x.dim():
        return x
    neighbours = 3 ** x.dim()
    rows = max(1, _AT_ONCE // (neighbours * max(1, x[0].numel())))
    result = torch.empty_like(x)
    shifts = list(itertools.product((-1, 0, 1), repeat=x.dim() - 1))
    for low in range(0, len(x), rows):
        high = min(low + rows, len(x))
        near = [x[_mirrored(len(x), first)[low:high]] for first in (-1, 0, 1)]
        stack = torch.stack([_shifted(rows, shift) for rows in near for shift in shifts], dim=-1)
        result[low:high] = stack.median(dim=-1).values
    return result


def _shifted(x: torch.Tensor, shifts: tuple[int, ...]) -> torch.Tensor:
    for axis, shift in enumerate(shifts, start=1):
        x = x.index_select(axis, _mirrored(x.shape[axis], shift)) if shift else x
    return x


def _gauss(x: torch.Tensor) -> torch.Tensor:
    """σ = 1, cut off at 4σ as in scipy."""
    weights = [math.exp(-0.5 * k * k) for k in range(-4, 5)]
    for axis, size in enumerate(x.shape):
        terms = (
            x.index_select(axis, _mirrored(size, k)) * (w / sum(weights)) for k, w in zip(range(-4, 5), weights, strict=True)
        )
        x = sum(terms, torch.zeros_like(x))
    return x
