"""The samplers this host knows, under the WebUI's names: each walks one batch from noise to latents.

A solver never sees the model: it asks ``denoise`` for the clean latents it would end in. Used by ``sampler``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch

from tag_atelier.errors import UnknownName
from tag_atelier.host.embedded import noise_levels

Denoise = Callable[[torch.Tensor, float], torch.Tensor]
"""(latents, sigma) → clean latents, all (images, 4, height / 8, width / 8)."""
FreshNoise = Callable[[], torch.Tensor]
"""Standard normal noise, each image's from its own seed."""
Step = Callable[[], None]
"""Called after each step; raises when the drawing was stopped."""
Solver = Callable[[torch.Tensor, torch.Tensor, Denoise, FreshNoise, Step, float], torch.Tensor]
"""(latents, sigmas, denoise, fresh noise, step, eta) → latents."""


def _ancestral_split(now: float, then: float, eta: float) -> tuple[float, float]:
    """Noise level to go down to, and the fresh noise that leads from there to ``then``. Source: DDIM eq. 16, in sigmas."""
    fresh = min(then, eta * (then**2 * (now**2 - then**2) / now**2) ** 0.5)
    return (then**2 - fresh**2) ** 0.5, fresh


def euler(
    latents: torch.Tensor, sigmas: torch.Tensor, denoise: Denoise, noise: FreshNoise, step: Step, eta: float
) -> torch.Tensor:
    """Euler's method; ``eta`` 0…1 of the possible noise is fresh in each step (0: "Euler", 1: "Euler a")."""
    levels = sigmas.tolist()
    for now, then in pairwise(levels):
        clean = denoise(latents, now)
        down, fresh = _ancestral_split(now, then, eta)
        latents = latents + (latents - clean) / now * (down - now)
        if then and eta:
            latents = latents + noise() * fresh
        step()
    return latents


def heun(
    latents: torch.Tensor, sigmas: torch.Tensor, denoise: Denoise, noise: FreshNoise, step: Step, eta: float
) -> torch.Tensor:
    """Heun's second-order method. Source: Karras et al. 2022, algorithm 1 without churn."""
    levels = sigmas.tolist()
    for now, then in pairwise(levels):
        slope = (latents - denoise(latents, now)) / now
        guess = latents + slope * (then - now)
        if then:
            slope = (slope + (guess - denoise(guess, then)) / then) / 2
        latents = latents + slope * (then - now)
        step()
    return latents


def dpmpp_2m(
    latents: torch.Tensor, sigmas: torch.Tensor, denoise: Denoise, noise: FreshNoise, step: Step, eta: float
) -> torch.Tensor:
    """DPM-Solver++(2M). Source: Lu et al. 2022, algorithm 2, with time λ = -log σ."""
    times = (-sigmas.log()).tolist()
    before: torch.Tensor | None = None
    for number in range(len(times) - 1):
        now, then = float(sigmas[number]), float(sigmas[number + 1])
        clean = aim = denoise(latents, now)
        width = times[number + 1] - times[number]
        if before is not None and then:
            ratio = (times[number] - times[number - 1]) / width
            aim = (1 + 1 / (2 * ratio)) * clean - 1 / (2 * ratio) * before
        latents = (then / now) * latents - (then / now - 1) * aim
        before = clean
        step()
    return latents


@dataclass(frozen=True)
class Sampler:
    """A solver with the WebUI's settings for it."""

    solve: Solver
    scheduler: str = "Uniform"
    """What "Automatic" means for it."""
    eta: float = 0.0
    """The WebUI's default."""
    takes_eta: bool = False
    is_ddim: bool = False
    """DDIM has its own noise levels and begins with noise of the whole signal's size."""

    def levels(self, scheduler: str, steps: int) -> torch.Tensor:
        """Falling noise levels, float32 (steps + 1,); DDIM's are ``noise_levels.ddim_levels``."""
        if self.is_ddim:
            return noise_levels.ddim_levels(steps)
        return noise_levels.schedule(self.scheduler if scheduler == "Automatic" else scheduler, steps)

    def begin(self, noise: torch.Tensor, sigmas: torch.Tensor) -> torch.Tensor:
        """The noise scaled to the first level."""
        first = float(sigmas[0])
        return noise * ((first**2 + 1) ** 0.5 if self.is_ddim else first)


SAMPLERS = {
    "Euler a": Sampler(euler, eta=1.0, takes_eta=True),
    "Euler": Sampler(euler),
    "Heun": Sampler(heun),
    "DPM++ 2M": Sampler(dpmpp_2m, scheduler="Karras"),
    "DDIM": Sampler(euler, takes_eta=True, is_ddim=True),
}


def get_sampler(name: str) -> Sampler:
    """The sampler the WebUI calls ``name``.

    Raises:
        UnknownName: this host has no such sampler.
    """
    if name not in SAMPLERS:
        raise UnknownName("sampler", name, list(SAMPLERS))
    return SAMPLERS[name]
