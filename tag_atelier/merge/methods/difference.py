"""Methods that weigh a difference by how it compares with another one. Registered in methods/__init__."""

from __future__ import annotations

import torch

from tag_atelier.merge.methods import Operands


def train_difference(x: Operands) -> torch.Tensor:
    """A + 1.8·w·(B − base)·|B − A| / (|B − A| + |B − base|): adds B's training where A is not there already; shape of A.

    Where B equals both A and the base nothing is added. The factor 1.8 is supermerger's.
    Source: sd-webui-supermerger, calcmode_en.md, "trainDifference".
    """
    assert x.base is not None
    learned, apart = x.others[0] - x.base, (x.others[0] - x.first).abs()
    share = torch.nan_to_num(apart / (apart + learned.abs()), nan=0.0)
    return x.first + (1.8 * x.weights[0]) * learned * share
