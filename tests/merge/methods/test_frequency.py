from __future__ import annotations

import torch

from tag_atelier.merge.methods import Operands
from tag_atelier.merge.methods.frequency import crossover, smooth_add


def test_crossover_takes_the_slow_from_b_and_the_fast_from_a() -> None:
    n = torch.arange(16.0)
    slow, fast = torch.cos(2 * torch.pi * n / 16), torch.cos(torch.pi * n)
    x = Operands(slow + fast, [3 * slow + 5 * fast], [0.5], parameters={"tilt": 0.0})
    assert torch.allclose(crossover(x), 3 * slow + fast, atol=1e-5)


def test_crossover_at_the_ends() -> None:
    a, b = torch.randn(5, 4, generator=torch.Generator().manual_seed(1)), torch.ones(5, 4)
    for tilt in (0.25, 2.0):
        assert torch.allclose(crossover(Operands(a, [b], [1.0], parameters={"tilt": tilt})), b, atol=1e-5)
        assert torch.allclose(crossover(Operands(a, [b], [0.0], parameters={"tilt": tilt})), a, atol=1e-5)
    assert torch.equal(crossover(Operands(a, [a], [0.5], parameters={"tilt": 0.5})), a)


def test_smooth_add_drops_a_lone_peak_and_keeps_a_plateau() -> None:
    base = torch.zeros(12, 12)
    peak, plateau = base.clone(), base + 2.0
    peak[6, 6] = 100.0
    a = torch.ones(12, 12)
    assert torch.equal(smooth_add(Operands(a, [peak], [1.0], base)), a)
    assert torch.allclose(smooth_add(Operands(a, [plateau], [0.5], base)), a + 1.0)


def test_smooth_add_mirrors_the_edge() -> None:
    # Medians of 3 of 0 0 9 9: 0 0 9 9; then the bell. Mirrored edges keep the sum.
    x = Operands(torch.zeros(4), [torch.tensor([0.0, 0.0, 9.0, 9.0])], [1.0], torch.zeros(4))
    result = smooth_add(x)
    assert torch.allclose(result.sum(), torch.tensor(18.0))
    assert torch.allclose(result + result.flip(0), torch.full((4,), 9.0), atol=1e-5)
