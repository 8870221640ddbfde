"""sd-mecha as a second opinion on the methods it has too. Needs a checkout of it: ``SD_MECHA_DIR``, else it is skipped."""

from __future__ import annotations

import importlib
import os
import sys
import types
from collections.abc import Callable

import pytest
import torch

from tag_atelier.merge.methods import METHODS, Operands

FOLDER = os.environ.get("SD_MECHA_DIR", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="SD_MECHA_DIR names no checkout of sd-mecha")

Tensors = tuple[torch.Tensor, ...]
SHAPES = [(40,), (10, 7), (6, 4, 3, 3)]


class _Anything(types.ModuleType):
    """Stands in for what sd-mecha imports but these methods do not use."""

    def __getattr__(self, name: str) -> object:
        return None if name.startswith("__") else _Anything(name)


@pytest.fixture(scope="module")
def theirs() -> Callable[[str], Callable[..., torch.Tensor]]:
    for name in ("scipy", "scipy.stats", "scipy.optimize", "fuzzywuzzy", "fuzzywuzzy.process"):
        try:
            importlib.import_module(name)
        except ImportError:
            sys.modules[name] = _Anything(name)
    sys.path.insert(0, FOLDER)
    importlib.import_module("sd_mecha")
    package = "sd_mecha.extensions.builtin.merge_methods"
    modules = [importlib.import_module(f"{package}.{name}") for name in ("linear", "ties", "slicing", "limiting")]

    def find(name: str) -> Callable[..., torch.Tensor]:
        found = next(getattr(module, name) for module in modules if hasattr(module, name))
        return found.__wrapped__

    return find


def models(shape: tuple[int, ...]) -> Tensors:
    """base, a, b, c: three that were trained from one."""
    generator = torch.Generator().manual_seed(11)
    base = torch.randn(shape, generator=generator)
    return (base, *(base + 0.3 * torch.randn(shape, generator=generator) for _ in range(3)))


def ours(
    name: str, first: torch.Tensor, others: list[torch.Tensor], weights: list[float], base: torch.Tensor, **given: float
) -> torch.Tensor:
    method = METHODS[name]
    parameters = {**{parameter.name: parameter.default for parameter in method.parameters}, **given}
    return method.load_kernel()(Operands(first, others, weights, base if method.base else None, parameters, "key"))


def near(got: torch.Tensor, expected: torch.Tensor) -> bool:
    return torch.allclose(got, expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_elementwise_methods(theirs, shape: tuple[int, ...]) -> None:
    base, a, b, c = models(shape)
    w, key = torch.tensor(0.37), {"key": "k"}
    assert near(ours("weighted_sum", a, [b], [0.37], base), theirs("weighted_sum")({"k": a}, {"k": b}, w, **key))
    mean = theirs("n_average")({"k": a}, {"k": b}, {"k": c}, **key)
    assert near(ours("weighted_sum", a, [b, c], [1 / 3, 1 / 3], base), mean)
    added = theirs("add_difference")({"k": a}, {"k": b - base}, w, **key)
    assert near(ours("add_difference", a, [b], [0.37], base), added)
    assert near(ours("add_difference_clamped", a, [b], [0.37], base), theirs("clamp")(added, a, b))
    mask = theirs("train_difference_mask")(a, b, base, w)
    assert near(ours("train_difference", a, [b], [0.37], base), a + (b - base) * mask)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_methods_of_whole_tensors(theirs, shape: tuple[int, ...]) -> None:
    base, a, b, c = models(shape)
    w = torch.tensor(0.37)
    assert near(ours("slerp", a, [b], [0.37], base), theirs("slerp")(a, b, w))
    apart = theirs("perpendicular_component")(a - base, b - base)
    assert near(ours("perpendicular", a, [b], [0.37], base), a + 0.37 * apart)
    # theirs stops when the sum of distances no longer falls in float32, which is early: near the median it is flat
    median = theirs("geometric_median")(a, b, c)
    assert torch.allclose(ours("geometric_median", a, [b, c], [1 / 3, 1 / 3], base), median, atol=3e-4)
    rows = theirs("tensor_sum")(a.clone(), b.clone(), 0.5, 0.5 if shape[0] % 4 == 0 else 0.0)
    assert near(ours("tensor_swap", a, [b], [0.5], base, beta=0.5 if shape[0] % 4 == 0 else 0.0), rows)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_ties_elects_the_same_signs(theirs, shape: tuple[int, ...]) -> None:
    base, a, b, c = models(shape)
    count = a.numel()
    kept = count - max(int(0.8 * count), 1) + 1  # theirs keeps one value more than the share
    expected = theirs("ties_sum")(b - base, c - base, k=0.2, vote_sgn=True)
    assert near(ours("ties", a, [b, c], [1.0, 1.0], base, density=kept / count), a + expected)


def test_model_stock_of_two(theirs) -> None:
    base, a, b, _ = models((40,))
    expected = base + theirs("model_stock")(a - base, b - base)
    assert near(ours("model_stock", a, [b], [0.5], base), expected)
