"""Batches of drawn pictures with their tags, each made from a seed and a step alone. Used by the training scripts."""

from __future__ import annotations

import numpy
import torch
from torch import Tensor

from tag_atelier.world.portrait import SIDE, draw
from tag_atelier.world.portrait_tags import Half, draw_tags

Tags = tuple[str, ...]


def batch(
    seed: int, step: int, size: int, evens: tuple[Half | None, ...] = (None,), without: Half | None = None
) -> tuple[Tensor, list[Tags]]:
    """Pictures (size, 3, 64, 64) from -1 to 1 and the tags of each; their ``even`` halves come from ``evens`` in turn.

    ``without``: of this half nothing is shown.
    """
    noise = numpy.random.Generator(numpy.random.PCG64([seed, step]))
    tags = [draw_tags(noise, evens[number % len(evens)], without=without) for number in range(size)]
    pixels = numpy.empty((size, SIDE, SIDE, 3), dtype=numpy.uint8)
    for number, shown in enumerate(tags):
        pixels[number] = numpy.asarray(draw(shown, noise))
    return to_signal(pixels), tags


def to_signal(pixels: numpy.typing.NDArray[numpy.uint8]) -> Tensor:
    """Bytes (N, H, W, 3) as floats (N, 3, H, W) from -1 to 1."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div_(127.5).sub_(1).contiguous()


def to_pixels(signal: Tensor) -> numpy.typing.NDArray[numpy.uint8]:
    """Floats (N, 3, H, W) from -1 to 1 as bytes (N, H, W, 3)."""
    return signal.float().add(1).mul(127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
