"""Draws with a network in training, to see how far it is: Euler steps with guidance. Used by ``examine``."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tag_atelier.world.training.captions import Captions
from tag_atelier.world.training.diffusion import KEPT, Student

SIGMAS = ((1 - KEPT) / KEPT).sqrt()


@torch.inference_mode()
def latents_of(
    student: Student, captions: Captions, prompts: Sequence[Sequence[str]], seeds: Sequence[int], steps: int, guidance: float
) -> Tensor:
    """Latents (N, 4, 8, 8) of ``prompts`` (lists of tags), guided away from an empty negative prompt.

    Source: Karras et al. 2022, algorithm 1 without its noise; v by Salimans & Ho 2022.
    """
    ids = torch.tensor([captions.row(parts) for parts in prompts])
    context, pooled = student.text(ids)
    both = torch.cat([context, torch.zeros_like(context)]), torch.cat([pooled, torch.zeros_like(pooled)])
    noises = [torch.randn(4, 8, 8, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    levels = torch.linspace(999, 0, steps)
    sigmas = torch.cat([SIGMAS[levels.round().long()], torch.zeros(1)])
    latents = torch.stack(noises) * sigmas[0]
    for number in range(steps):
        now, following = float(sigmas[number]), float(sigmas[number + 1])
        size = (now**2 + 1) ** 0.5
        step = torch.full((2 * len(seeds),), float(levels[number]))
        told, untold = student.predict(torch.cat([latents, latents]) / size, step, *both).chunk(2)
        v = untold + (told - untold) * guidance
        clean = latents / size**2 - v * (now / size)
        latents = latents + (latents - clean) / now * (following - now)
    return latents
