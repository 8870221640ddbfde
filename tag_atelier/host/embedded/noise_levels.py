"""Noise levels of the 1000 training steps and the schedules over them. Used by ``solvers``.

Sigma is the noise's standard deviation beside a signal of 1 ("variance exploding"): Karras et al. 2022 (EDM).
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from tag_atelier.errors import UnknownName

_BETAS = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
SIGMAS = ((1 - torch.cumprod(1 - _BETAS, 0)) / torch.cumprod(1 - _BETAS, 0)).sqrt().float()
"""Noise level of each training step, rising, float32 (1000,). Source: DDPM with Stable Diffusion's "scaled linear" betas."""
_LOG_SIGMAS = SIGMAS.log()


def sigma_of(step: torch.Tensor) -> torch.Tensor:
    """Noise level at fractional training steps 0…999, interpolated in the logarithm."""
    low = step.floor().long().clamp(0, 999)
    high = step.ceil().long().clamp(0, 999)
    part = step - low
    return ((1 - part) * _LOG_SIGMAS[low] + part * _LOG_SIGMAS[high]).exp()


def step_of(sigma: float) -> float:
    """Fractional training step of a noise level; the inverse of ``sigma_of``, held at its ends."""
    wanted = torch.tensor(sigma).log()
    low = int((wanted >= _LOG_SIGMAS).sum().clamp(1, 999)) - 1
    part = (wanted - _LOG_SIGMAS[low]) / (_LOG_SIGMAS[low + 1] - _LOG_SIGMAS[low])
    return low + float(part.clamp(0, 1))


def _uniform(steps: int) -> torch.Tensor:
    return sigma_of(torch.linspace(999, 0, steps))


def _karras(steps: int, rho: float = 7.0) -> torch.Tensor:
    """Source: EDM eq. 5."""
    low, high = float(SIGMAS[0]) ** (1 / rho), float(SIGMAS[-1]) ** (1 / rho)
    return torch.linspace(high, low, steps) ** rho


def _exponential(steps: int) -> torch.Tensor:
    return torch.linspace(float(_LOG_SIGMAS[-1]), float(_LOG_SIGMAS[0]), steps).exp()


def _sgm_uniform(steps: int) -> torch.Tensor:
    return sigma_of(torch.linspace(999, 0, steps + 1)[:-1])


def _simple(steps: int) -> torch.Tensor:
    return SIGMAS[[-(1 + int(number * 1000 / steps)) for number in range(steps)]]


SCHEDULES: dict[str, Callable[[int], torch.Tensor]] = {
    "Uniform": _uniform,
    "Karras": _karras,
    "Exponential": _exponential,
    "SGM Uniform": _sgm_uniform,
    "Simple": _simple,
}
"""The WebUI's labels; "Automatic" is the sampler's own choice."""


def schedule(name: str, steps: int) -> torch.Tensor:
    """Falling noise levels of ``steps`` steps and the 0 behind them, float32 (steps + 1,).

    Raises:
        UnknownName: there is no schedule of that name.
    """
    if name not in SCHEDULES:
        raise UnknownName("scheduler", name, ["Automatic", *SCHEDULES])
    return torch.cat([SCHEDULES[name](steps), torch.zeros(1)])


def ddim_levels(steps: int) -> torch.Tensor:
    """DDIM's noise levels: every (1000 / steps)-th training step from 1 on, falling, float32 (steps,) or one more.

    There is no level behind the last, so one step fewer is walked than asked for, as in the WebUI.
    """
    numbers = torch.arange(0, 1000, 1000 // steps).add(1).clamp(max=999)
    return SIGMAS[numbers].flip(0)
