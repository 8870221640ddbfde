"""What each kind of network does to a weight, as plain functions. Called by evaluate; which layer goes where is networks'.

The formulas are those that the WebUI's own Lora extension applies while drawing (1.10.1, extensions-builtin/Lora).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch

from tag_atelier.merge.key_names import THIRDS
from tag_atelier.merge.methods.reduction import dot
from tag_atelier.merge.networks import Layer

Tensors = Mapping[str, torch.Tensor]


def changed(weight: torch.Tensor, layer: Layer, x: Tensors, strength: float) -> torch.Tensor:
    """``weight`` with the layer at ``strength``: W + strength·ΔW; dtype and shape of ``weight``.

    ``x``: the layer's tensors by their last names, in the dtype of ``weight``.
    """
    if layer.part == "whole":
        return torch.add(weight, delta(weight, layer.kind, x), alpha=strength)
    result = weight.clone()
    third = result.chunk(len(THIRDS))[THIRDS.index(layer.part)]
    third.add_(delta(third, layer.kind, x), alpha=strength)
    return result


def delta(weight: torch.Tensor, kind: str, x: Tensors) -> torch.Tensor:
    """ΔW at strength 1, shape of ``weight``."""
    if kind == "bias":
        return x["bias"].reshape(weight.shape)
    change = _fitted(_FORMULAS[kind](weight, x), weight)
    if "bias" in x and x["bias"].numel() == change.numel():
        change = change + x["bias"].reshape(change.shape)
    change = change * _scale(kind, x)
    return _decomposed(weight, change, x["dora_scale"]) if "dora_scale" in x else change


def _fitted(change: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """In the weight's shape; the input channels that only inpainting models have stay as they are."""
    if change.numel() == weight.numel():
        return change.reshape(weight.shape)
    inputs = change.numel() * weight.shape[1] // weight.numel()
    padded = torch.zeros_like(weight)
    padded[:, :inputs] = change.reshape(weight.shape[0], inputs, *weight.shape[2:])
    return padded


def _scale(kind: str, x: Tensors) -> float:
    """alpha / rank. Source: Hu et al. 2021, arXiv:2106.09685, section 4.1."""
    if kind == "oft":
        return 1.0
    if "scale" in x:
        return float(x["scale"])
    ranked = ("lora_down.weight", "hada_w1_b", "lokr_w2_b", "lokr_w1_b")
    rank = next((x[name].shape[0] for name in ranked if name in x), None)
    return float(x["alpha"]) / rank if rank and "alpha" in x else 1.0


def _decomposed(weight: torch.Tensor, change: torch.Tensor, magnitude: torch.Tensor) -> torch.Tensor:
    """DoRA: the direction of W + ΔW with the learned magnitude of each column (of each row where there is one per row), less W.

    Source: Liu et al. 2024, arXiv:2402.09353, equation 5.
    """
    mixed = weight + change
    by_row = magnitude.shape[0] == weight.shape[0] and magnitude.numel() == weight.shape[0] and magnitude.dim() > 1
    kept = 0 if by_row else 1
    others = [axis for axis in range(mixed.dim()) if axis != kept]
    norm = mixed.pow(2).sum(dim=others, keepdim=True).sqrt()
    return mixed * (magnitude.reshape(norm.shape) / norm) - weight


def _lora(weight: torch.Tensor, x: Tensors) -> torch.Tensor:
    """up·down; with a middle, the Tucker form of a convolution. Source: LoRA as above; LyCORIS, arXiv:2309.14859, section 3."""
    up, down = x["lora_up.weight"].flatten(1), x["lora_down.weight"].flatten(1)
    if "lora_mid.weight" not in x:
        return up @ down
    return torch.einsum("nmkl,in,mj->ijkl", x["lora_mid.weight"], up, down)


def _hada(weight: torch.Tensor, x: Tensors) -> torch.Tensor:
    """LoHa: (a₁b₁) ⊙ (a₂b₂). Source: Hyeon-Woo et al. 2021 (FedPara), arXiv:2108.06098, proposition 1."""
    factors = []
    for number in "12":
        a, b = x[f"hada_w{number}_a"], x[f"hada_w{number}_b"]
        core = x.get(f"hada_t{number}")
        factors.append(a @ b.flatten(1) if core is None else _tucker(core, a, b).flatten(1))
    return factors[0] * factors[1]


def _tucker(core: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Out of a small core: a (rank, out), b (rank, in) → (out, in, height, width)."""
    return torch.einsum("ijkl,ip,jr->prkl", core, a, b)


def _lokr(weight: torch.Tensor, x: Tensors) -> torch.Tensor:
    """LoKr: w₁ ⊗ w₂, each of them whole or a product of two. Source: LyCORIS, arXiv:2309.14859, section 3.2."""
    first = x["lokr_w1"] if "lokr_w1" in x else x["lokr_w1_a"] @ x["lokr_w1_b"]
    if "lokr_w2" in x:
        second = x["lokr_w2"]
    elif "lokr_t2" in x:
        second = _tucker(x["lokr_t2"], x["lokr_w2_a"], x["lokr_w2_b"])
    else:
        second = x["lokr_w2_a"] @ x["lokr_w2_b"].flatten(1)
    if second.dim() == 4:
        first = first[:, :, None, None]
    return torch.kron(first, second.contiguous())


def _full(weight: torch.Tensor, x: Tensors) -> torch.Tensor:
    """The difference itself."""
    return x["diff"]


def _norm(weight: torch.Tensor, x: Tensors) -> torch.Tensor:
    """The difference of a normalisation's scale."""
    return x["w_norm"]


def _ia3(weight: torch.Tensor, x: Tensors) -> torch.Tensor:
    """Each row, or each column, times a number. Source: Liu et al. 2022, arXiv:2205.05638, section 3.3."""
    factors = x["weight"].reshape(-1)
    axis = 1 if bool(x["on_input"]) else 0
    return weight * factors.reshape([-1 if i == axis else 1 for i in range(weight.dim())])


def _glora(weight: torch.Tensor, x: Tensors) -> torch.Tensor:
    """b₂b₁ + W·a₂a₁. Source: Chavan et al. 2023, arXiv:2306.07967, equation 10."""
    return x["b2.weight"] @ x["b1.weight"] + weight @ x["a2.weight"] @ x["a1.weight"]


def _oft(weight: torch.Tensor, x: Tensors) -> torch.Tensor:
    """(R − 1)·W, R of orthogonal blocks on the diagonal; in BOFT several such, each between two shuffles of the rows.

    Source: Qiu et al. 2023, arXiv:2306.07280, section 4 (Cayley's form of R); Liu et al. 2023 (BOFT), arXiv:2311.06243.
    """
    blocks = x["oft_diag"] if "oft_diag" in x else _rotations(x, weight.shape[0])
    turned = weight
    if blocks.dim() == 3:
        turned = _turned(turned, blocks, transposed=True)
    else:
        size = blocks.shape[-1]
        for level, rotation in enumerate(blocks):
            stride = 2**level * (size // 2)
            shuffled = _split(turned, 2, stride).transpose(1, 2).flatten(0, 2)
            shuffled = _turned(shuffled, rotation, transposed=False)
            turned = _split(shuffled, stride, 2).transpose(1, 2).flatten(0, 2)
    if "rescale" in x:
        turned = turned * x["rescale"].reshape(-1, *[1] * (weight.dim() - 1))
    return turned - weight


def _split(weight: torch.Tensor, *sizes: int) -> torch.Tensor:
    """The first axis as one of what is left and those of ``sizes``."""
    return weight.reshape(-1, *sizes, *weight.shape[1:])


def _turned(weight: torch.Tensor, blocks: torch.Tensor, transposed: bool) -> torch.Tensor:
    rows = _split(weight, blocks.shape[-1])
    rule = "knm,kn...->km..." if transposed else "kmn,kn...->km..."
    return torch.einsum(rule, blocks, rows).flatten(0, 1)


def _rotations(x: Tensors, rows: int) -> torch.Tensor:
    """Orthogonal blocks (1 + Q)(1 − Q)⁻¹ of the skew-symmetric Q, whose norm ``alpha`` limits."""
    raw = x["oft_blocks"]
    skew = raw - raw.transpose(-1, -2)
    limit = float(x["alpha"]) * rows if "alpha" in x else 0.0
    if limit:
        norm = math.sqrt(dot(skew, skew))
        skew = skew * ((min(norm, limit) + 1e-8) / (norm + 1e-8))
    one = torch.eye(raw.shape[-1], dtype=raw.dtype)
    rotations: torch.Tensor = (one + skew) @ torch.linalg.inv(one - skew)
    return rotations


_FORMULAS: Mapping[str, Callable[[torch.Tensor, Tensors], torch.Tensor]] = {
    "lora": _lora,
    "hada": _hada,
    "lokr": _lokr,
    "full": _full,
    "norm": _norm,
    "ia3": _ia3,
    "glora": _glora,
    "oft": _oft,
}
