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
    """One per model in ``others``, none of them 0 unless the method ``needs_all``."""
    base: torch.Tensor | None = None
    """The recipe's base; there exactly for methods that have one."""
    parameters: Mapping[str, float] = field(default_factory=dict)
    """The method's own parameters in this tensor's block."""
    key: str = ""
    """The tensor's checkpoint name; with a letter, the seed of anything random."""
    letters: Sequence[str] = "bcdefghijklmnopqrstuvwxyz"
    """What the recipe calls the models in ``others``, in their order."""
    start: int = 0
    """Place of the first value within the whole tensor, which is not 0 for later stretches of one that is cut up."""


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
    needs_all: bool = False
    """Models of weight 0 are operands too, as long as another one's weight is not 0."""
    survey: str = ""
    """``module.function(operands)`` whose values over all mixed tensors set ``similarity_low`` and ``similarity_high``."""
    copies_at_one: bool = False
    """A lone weight of 1 gives that model's tensor itself."""
    fused_pair: str = ""
    """``module.function(first, other, weight, out)`` on two half-precision tensors with one rounding, where there is one."""
    parameters: tuple[Parameter, ...] = ()

    def load_kernel(self) -> Kernel:
        """The function behind ``kernel``; imports torch."""
        kernel: Kernel = _load(self.kernel)
        return kernel

    def load_survey(self) -> Kernel | None:
        """The function behind ``survey``, None where there is none."""
        return _load(self.survey) if self.survey else None

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
            models=(1, None),
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
            name="triple_sum",
            title="Triple sum",
            formula="(1 − α − β)·A + α·B + β·C",
            kernel="linear.weighted_sum",
            source="sd-webui-supermerger, README, 'Triple sum'; weighted_sum of exactly three models",
            models=(3, 3),
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
        Method(
            name="smooth_add",
            title="Smooth add",
            formula="A + w·gauss(median(B − base))",
            kernel="frequency.smooth_add",
            source="sd-webui-supermerger, calcmode_en.md, 'smoothAdd'",
            models=(2, 2),
            base=True,
            elementwise=False,
        ),
        Method(
            name="crossover",
            title="Crossover of frequencies",
            formula="A with B's low frequencies, of frequency r the share clip((w·(1 + tilt) − r)/tilt, 0, 1)",
            kernel="frequency.crossover",
            source="sd-mecha, built-in method 'crossover', with a cut of our own",
            models=(2, 2),
            weight_range=(0.0, 1.0),
            elementwise=False,
            copies_at_one=True,
            parameters=(Parameter("tilt", 0.5, 0.0, 10.0, "How gradual the cut is; 0 is sharp"),),
        ),
        Method(
            name="cosine_a",
            title="Cosine A",
            formula="B + k·(A − B), k = clip(((s + m)/2 − low)/(high − low) − |w|, 0, 1), s the columns' cosines, m their mean",
            kernel="similarity.cosine_a",
            source="sd-webui-supermerger, calcmode_en.md, 'cosineA'",
            models=(2, 2),
            weight_range=(-1.0, 1.0),
            elementwise=False,
            survey="similarity.column_cosines",
        ),
        Method(
            name="cosine_b",
            title="Cosine B",
            formula="B + k·(A − B), k = clip(((s + m)/2 − low)/(high − low) − w, 0, 1), s the columns' cosines, m the tensors'",
            kernel="similarity.cosine_b",
            source="sd-webui-supermerger, calcmode_en.md, 'cosineB'",
            models=(2, 2),
            weight_range=(-1.0, 1.0),
            elementwise=False,
            survey="similarity.column_cosines",
        ),
        Method(
            name="extract",
            title="Extract what two models share",
            formula="A + (w₁·(B − A) + w₂·(C − A))·((1 − β)·d + β·(1 − d)), d = ((1 + cos(B − A, C − A))/2)^γ",
            kernel="similarity.extract",
            source="sd-webui-supermerger, calcmode_en.md, 'extract'",
            models=(3, 3),
            elementwise=False,
            needs_all=True,
            parameters=(
                Parameter("beta", 0.0, 0.0, 1.0, "0 takes what both have, 1 what only one has"),
                Parameter("gamma", 1.0, 0.0, 10.0, "How sharply alike is told from different"),
            ),
        ),
        Method(
            name="ties",
            title="TIES",
            formula="A + Σ wᵢ·Δ̂ᵢ / n, Δ̂ᵢ the largest of Xᵢ − base where their sign is the elected one, n how many are left",
            kernel="sparse.ties",
            source="TIES-Merging, Yadav et al. 2023, arXiv:2306.01708, algorithm 1",
            base=True,
            elementwise=False,
            parameters=(Parameter("density", 0.2, 0.0, 1.0, "Share of each difference that is kept"),),
        ),
        Method(
            name="dare",
            title="DARE",
            formula="A + Σ wᵢ·mᵢ·(Xᵢ − base) / (1 − drop), mᵢ = 0 with chance drop",
            kernel="sparse.dare",
            source="Language models are super Mario, Yu et al. 2023, arXiv:2311.03099, section 3.1",
            base=True,
            parameters=(Parameter("drop", 0.5, 0.0, 0.99, "Chance that a value is dropped"),),
        ),
        Method(
            name="della",
            title="DELLA",
            formula="A + Σ wᵢ·mᵢ·(Xᵢ − base) / (1 − pᵢ), pᵢ from drop + spread/2 for the smallest of a row to drop − spread/2",
            kernel="sparse.della",
            source="DELLA-Merging, Deep et al. 2024, arXiv:2406.11617, section 3.1",
            base=True,
            elementwise=False,
            parameters=(
                Parameter("drop", 0.5, 0.0, 0.99, "Chance that a value of middling rank is dropped"),
                Parameter("spread", 0.2, 0.0, 1.0, "How much likelier the smallest is dropped than the largest"),
            ),
        ),
        Method(
            name="breadcrumbs",
            title="Breadcrumbs",
            formula="A + Σ wᵢ·Δ̂ᵢ, Δ̂ᵢ = Xᵢ − base without its smallest and its largest values",
            kernel="sparse.breadcrumbs",
            source="Model breadcrumbs, Davari & Belilovsky 2023, arXiv:2312.06795, section 3",
            base=True,
            elementwise=False,
            parameters=(
                Parameter("smallest", 0.85, 0.0, 1.0, "Share of smallest values that is dropped"),
                Parameter("largest", 0.01, 0.0, 1.0, "Share of largest values that is dropped"),
            ),
        ),
        Method(
            name="slerp",
            title="Spherical interpolation",
            formula="(sin((1 − w)Ω)·A/‖A‖ + sin(wΩ)·B/‖B‖)/sin Ω · ((1 − w)‖A‖ + w‖B‖)",
            kernel="span.slerp",
            source="Animating rotation with quaternion curves, Shoemake 1985, section 3.3",
            models=(2, 2),
            weight_range=(0.0, 1.0),
            elementwise=False,
            copies_at_one=True,
        ),
        Method(
            name="karcher_mean",
            title="Karcher mean",
            formula="the direction with the least Σ mᵢ·angle(Y, Xᵢ)², of the models' mean length; m of A is 1 − Σwᵢ",
            kernel="span.karcher_mean",
            source="Riemannian center of mass and mollifier smoothing, Karcher 1977",
            weight_range=(0.0, 1.0),
            elementwise=False,
            copies_at_one=True,
        ),
        Method(
            name="geometric_median",
            title="Geometric median",
            formula="the Y with the least Σ mᵢ·‖Y − Xᵢ‖; m of A is 1 − Σwᵢ",
            kernel="span.geometric_median",
            source="The multivariate L1-median, Vardi & Zhang 2000, equation 1.5 (Weiszfeld)",
            models=(3, None),
            weight_range=(0.0, 1.0),
            elementwise=False,
            copies_at_one=True,
        ),
        Method(
            name="model_stock",
            title="Model stock",
            formula="base + t·Σ mᵢ·(Xᵢ − base), t = N·cos θ/(1 + (N − 1)·cos θ); m of A is 1 − Σwᵢ",
            kernel="span.model_stock",
            source="Model stock, Jang et al. 2024, arXiv:2403.19522, equation 6",
            weight_range=(0.0, 1.0),
            base=True,
            elementwise=False,
        ),
        Method(
            name="perpendicular",
            title="Add what is perpendicular",
            formula="A + Σ wᵢ·(Δᵢ − Δa·⟨Δa, Δᵢ⟩/‖Δa‖²), Δ = difference to the base",
            kernel="span.perpendicular",
            source="sd-mecha, built-in method 'add_perpendicular'",
            base=True,
            elementwise=False,
        ),
    )
}
"""Every method by name, the simplest first."""


def get_method(name: str) -> Method:
    """Raises UnknownName for a method that is not in ``METHODS``."""
    if name not in METHODS:
        raise UnknownName("merge method", name, tuple(METHODS))
    return METHODS[name]
