from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_atelier.merge.methods import METHODS, Operands


def _load() -> ModuleType:
    """The file beside this one: test folders are no packages."""
    spec = importlib.util.spec_from_file_location("references", Path(__file__).with_name("references.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REFERENCES = _load().REFERENCES
LOOSE = {"cosine_a", "cosine_b", "slerp", "karcher_mean", "geometric_median", "crossover", "smooth_add", "extract"}
"""Methods whose docstrings give the reason for a looser bound; extract raises a cosine to a power."""
EXTREMES = {"plain": 0.05, "denormal in half precision": 3e-7, "huge": 9000.0}


def models(shape: tuple[int, ...], scale: float, seed: int, count: int) -> list[torch.Tensor]:
    """A base and what was trained from it, as half-precision files hold them."""
    generator = torch.Generator().manual_seed(seed)
    base = torch.randn(shape, generator=generator)
    return [(scale * (base + (i > 0) * 0.3 * torch.randn(shape, generator=generator))).half().float() for i in range(count + 1)]


def check(name: str, shape: tuple[int, ...], scale: float, seed: int, weights: list[float]) -> None:
    method = METHODS[name]
    least = max(2, method.models[0])
    base, first, *others = models(shape, scale, seed, least + (method.models[1] is None and least < 3))
    weights = weights[: len(others)]
    parameters = {parameter.name: parameter.default for parameter in method.parameters}
    x = Operands(first, others, weights, base if method.base else None, parameters, "key")
    got = method.load_kernel()(x).double().numpy()
    doubles = [tensor.double().numpy() for tensor in (base, first, *others)]
    expected = REFERENCES[name](doubles[1], doubles[2:], weights, doubles[0])
    size = sum(np.abs(tensor) for tensor in doubles) * (1 + sum(map(abs, weights)))
    bound = 2.0**-22 * size + 2.0**-147
    if name in LOOSE:
        bound = 2.0**-17 * (size + size.max())
    assert np.all(np.abs(got - expected) <= bound)


@pytest.mark.parametrize("scale", EXTREMES.values(), ids=EXTREMES)
@pytest.mark.parametrize("shape", [(6, 5), (4, 3, 3, 3), (9,)], ids=str)
@pytest.mark.parametrize("name", REFERENCES)
def test_against_float64(name: str, shape: tuple[int, ...], scale: float) -> None:
    check(name, shape, scale, 3, [0.37, 0.21])


@settings(max_examples=40, deadline=None)
@given(
    # smooth_add's reference is slow; near a model the median is approached ever more slowly, by both.
    name=st.sampled_from(sorted(set(REFERENCES) - {"smooth_add", "geometric_median"})),
    shape=st.lists(st.integers(2, 6), min_size=1, max_size=3).map(tuple).filter(lambda shape: np.prod(shape) > 4),
    seed=st.integers(0, 1000),
    weights=st.lists(st.floats(0.05, 0.45), min_size=2, max_size=2),
)
def test_against_float64_anywhere(name: str, shape: tuple[int, ...], seed: int, weights: list[float]) -> None:
    check(name, shape, 0.1, seed, weights)


def test_every_new_method_has_a_reference_or_a_test_by_hand() -> None:
    by_hand = {"weighted_sum", "add_difference", "add_difference_clamped", "sum_twice", "train_difference", "tensor_swap"}
    assert set(METHODS) == set(REFERENCES) | by_hand | {"dare", "della"}
