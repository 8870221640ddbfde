"""The registry of merge methods: one explicit list, which loads without torch; kernels are loaded when first used.

Called by recipe (names, counts) and stream (kernels). How to add one: docs/add_a_merge_method.md.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tag_atelier.errors import UnknownName

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Operands:
    """What a kernel gets for one tensor (or one stretch of it): all of one shape, float32 (float64 for float32 output).

    Models whose weight is 0 are not among them. A kernel must not change its operands in place.
    """

    first: torch.Tensor
    """A's."""
    others: Sequence[torch.Tensor]
    """The models that are mixed in, ≥ 1."""
    weights: Sequence[float]
    """One per model in ``others``, none of them 0."""
    base: torch.Tensor | None = None
    """The recipe's base; there exactly for methods that have one."""
    parameters: Mapping[str, float] = field(default_factory=dict)
    """The method's own parameters in this tensor's block."""
    key: str = ""
    """The tensor's checkpoint name; the seed of anything random."""


Kernel = Callable[[Operands], "torch.Tensor"]


@dataclass(frozen=True)
class Parameter:
    """A number a method has beside its weights; like them it may differ from block to block."""

    name: str
    default: float
    minimum: float
    maximum: float
    title: str


@dataclass(frozen=True)
class Method:
    """One merge method as the recipe, the page and the docs know it."""

    name: str
    title: str
    formula: str
    kernel: str
    """``module.function`` in this folder."""
    source: str
    models: tuple[int, int | None] = (2, None)
    """Fewest and most models, A included, base not; None: any number."""
    base: bool = False
    """Whether the recipe must name a base."""
    weight_range: tuple[float, float] = (-10.0, 10.0)
    """What every weight must lie in."""
    elementwise: bool = True
    """Each value of the result depends on the same place of the operands only, so that a tensor may be cut up."""
    copies_at_one: bool = False
    """A lone weight of 1 gives that model's tensor itself."""
    fused_pair: str = ""
    """``module.function(first, other, weight, out)`` on two half-precision tensors with one rounding, where there is one."""
    parameters: tuple[Parameter, ...] = ()

    def load_kernel(self) -> Kernel:
        """The function behind ``kernel``; imports torch."""
        kernel: Kernel = _load(self.kernel)
        return kernel

    def load_fused_pair(self) -> Callable[[torch.Tensor, torch.Tensor, float, torch.Tensor], object] | None:
        """The function behind ``fused_pair``, None where there is none."""
        return _load(self.fused_pair) if self.fused_pair else None


def _load(name: str) -> Callable[..., torch.Tensor]:
    module, _, function = name.partition(".")
    loaded: Callable[..., torch.Tensor] = getattr(importlib.import_module(f"tag_atelier.merge.methods.{module}"), function)
    return loaded


METHODS: Mapping[str, Method] = {
    method.name: method
    for method in (
        Method(
            name="weighted_sum",
            title="Weighted sum",
            formula="(1 − Σwᵢ)·A + Σ wᵢ·Xᵢ",
            kernel="linear.weighted_sum",
            source="Model soups, Wortsman et al. 2022, arXiv:2203.05482, section 2",
            copies_at_one=True,
            fused_pair="linear.weighted_pair",
        ),
        Method(
            name="add_difference",
            title="Add difference",
            formula="A + Σ wᵢ·(Xᵢ − base)",
            kernel="linear.add_difference",
            source="Editing models with task arithmetic, Ilharco et al. 2022, arXiv:2212.04089, section 2",
            base=True,
        ),
        Method(
            name="add_difference_clamped",
            title="Add difference, kept between the models",
            formula="clamp(A + Σ wᵢ·(Xᵢ − base), min(A, X…), max(A, X…))",
            kernel="linear.add_difference_clamped",
            source="Task arithmetic as above; the bounds are sd-webui-model-mixer issue 12, 'weights clipping'",
            base=True,
        ),
        Method(
            name="sum_twice",
            title="Sum twice",
            formula="(1 − β)·((1 − α)·A + α·B) + β·C, and so on for more models",
            kernel="linear.sum_twice",
            source="sd-webui-supermerger, README, 'sum Twice'",
        ),
        Method(
            name="train_difference",
            title="Train difference",
            formula="A + 1.8·w·(B − base)·|B − A| / (|B − A| + |B − base|)",
            kernel="difference.train_difference",
            source="sd-webui-supermerger, calcmode_en.md, 'trainDifference'",
            models=(2, 2),
            base=True,
        ),
        Method(
            name="tensor_swap",
            title="Tensor swap",
            formula="rows ⌊nβ⌋ … ⌊n(α + β)⌋ of A replaced by B's, past the end from the start again",
            kernel="swap.tensor_swap",
            source="sd-webui-supermerger, calcmode_en.md, 'tensor'",
            models=(2, 2),
            weight_range=(0.0, 1.0),
            elementwise=False,
            copies_at_one=True,
            parameters=(Parameter("beta", 0.0, 0.0, 1.0, "Where the first replaced row lies"),),
        ),
    )
}
"""Every method by name, the simplest first."""


def get_method(name: str) -> Method:
    """Raises UnknownName for a method that is not in ``METHODS``."""
    if name not in METHODS:
        raise UnknownName("merge method", name, tuple(METHODS))
    return METHODS[name]
