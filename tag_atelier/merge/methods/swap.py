"""Methods that take whole rows from one model or the other. Registered in methods/__init__."""

from __future__ import annotations

import torch

from tag_atelier.merge.methods import Operands


def tensor_swap(x: Operands) -> torch.Tensor:
    """A with rows ⌊nβ⌋ … ⌊n(α + β)⌋ (of n along the first axis, past the end from the start again) from B; shape of A.

    A number without axes stays A's. Source: sd-webui-supermerger, calcmode_en.md, "tensor".
    """
    result = x.first.clone()
    if result.dim():
        count, beta = result.shape[0], x.parameters["beta"]
        rows = torch.arange(int(count * beta), int(count * (x.weights[0] + beta))) % count
        result[rows] = x.others[0][rows]
    return result
