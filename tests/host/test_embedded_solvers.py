"""Noise levels and solvers, against closed forms."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tag_atelier.errors import Cancelled, UnknownName
from tag_atelier.host.embedded import noise_levels
from tag_atelier.host.embedded.solvers import SAMPLERS, get_sampler

SPREAD = 0.5
"""Standard deviation of the data in the test problem, whose best denoiser and exact solution are known."""


def gaussian(latents: object, sigma: float) -> object:
    """The denoiser of data that is normal with ``SPREAD``."""
    return latents * (SPREAD**2 / (SPREAD**2 + sigma**2))  # type: ignore[operator]


def walk(name: str, steps: int, denoise: object, scheduler: str = "Karras", eta: float = 0.0) -> tuple[object, object]:
    """Where a solver ends from one fixed beginning, and that beginning."""
    generator = torch.Generator().manual_seed(1)
    sampler = SAMPLERS[name]
    sigmas = sampler.levels(scheduler, steps)
    start = sampler.begin(torch.randn((1, 4, 8, 8), generator=generator), sigmas)
    end = sampler.solve(start, sigmas, denoise, lambda: torch.randn((1, 4, 8, 8), generator=generator), lambda: None, eta)
    return start, end


def test_noise_levels_are_stable_diffusions() -> None:
    assert noise_levels.SIGMAS[[0, 999]].tolist() == pytest.approx([0.029167, 14.6146], rel=1e-4)


@pytest.mark.parametrize(
    ("scheduler", "levels"),
    [
        ("Uniform", [14.6146, 1.6156, 0.0292, 0.0]),
        ("Karras", [14.6146, 1.2741, 0.0292, 0.0]),
        ("Exponential", [14.6146, 0.6529, 0.0292, 0.0]),
        ("SGM Uniform", [14.6146, 2.9183, 0.9324, 0.0]),
        ("Simple", [14.6146, 2.9183, 0.9324, 0.0]),
    ],
)
def test_schedules_are_k_diffusions(scheduler: str, levels: list[float]) -> None:
    assert noise_levels.schedule(scheduler, 3).tolist() == pytest.approx(levels, abs=1e-4)


def test_an_unknown_schedule_is_refused() -> None:
    with pytest.raises(UnknownName, match="Karras"):
        noise_levels.schedule("Polyexponential", 3)


@given(st.floats(0, 999))
def test_step_of_undoes_sigma_of(step: float) -> None:
    sigma = float(noise_levels.sigma_of(torch.tensor(step)))
    assert noise_levels.step_of(sigma) == pytest.approx(step, abs=0.02)


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name != "DDIM"])
def test_a_sure_denoiser_is_believed(name: str) -> None:
    picture = torch.full((1, 4, 8, 8), 0.25)
    _, end = walk(name, 5, lambda latents, sigma: picture, eta=SAMPLERS[name].eta)
    assert torch.allclose(end, picture, atol=1e-5)


@pytest.mark.parametrize(("name", "furthest"), [("Euler", 0.12), ("Heun", 0.02), ("DPM++ 2M", 0.03)])
def test_solvers_follow_the_exact_path(name: str, furthest: float) -> None:
    start, end = walk(name, 20, gaussian)
    first = float(SAMPLERS[name].levels("Karras", 20)[0])
    exact = start * (SPREAD**2 / (SPREAD**2 + first**2)) ** 0.5  # type: ignore[operator]
    assert float((end - exact).abs().max()) < furthest * float(exact.abs().max())


def test_ancestral_noise_keeps_the_spread() -> None:
    _, end = walk("Euler a", 60, gaussian, eta=1.0)
    assert float(end.std()) == pytest.approx(SPREAD, rel=0.15)  # type: ignore[attr-defined]


def test_ddim_walks_one_step_fewer() -> None:
    assert len(SAMPLERS["DDIM"].levels("Automatic", 5)) - 1 == 4


def test_automatic_is_the_samplers_own_choice() -> None:
    karras = noise_levels.schedule("Karras", 4).tolist()
    assert SAMPLERS["DPM++ 2M"].levels("Automatic", 4).tolist() == karras
    assert SAMPLERS["Euler"].levels("Automatic", 4).tolist() == noise_levels.schedule("Uniform", 4).tolist()


@pytest.mark.parametrize("name", list(SAMPLERS))
def test_a_stop_ends_the_walk_at_once(name: str) -> None:
    calls = []

    def stop() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise Cancelled("stop")

    start = torch.zeros((1, 4, 8, 8))
    with pytest.raises(Cancelled):
        SAMPLERS[name].solve(start, SAMPLERS[name].levels("Automatic", 9), gaussian, lambda: torch.zeros_like(start), stop, 0.0)
    assert len(calls) == 2


def test_an_unknown_sampler_is_refused_by_name() -> None:
    with pytest.raises(UnknownName, match="Euler a"):
        get_sampler("UniPC")
