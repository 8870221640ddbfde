"""The loss that teaches UNet and text encoders, and the stored latents it is computed on. Used by the training scripts.

Source: Salimans & Ho 2022 (predicting "v"), section 4; noise levels are Stable Diffusion's thousand.
"""

from __future__ import annotations

from pathlib import Path

import numpy
import torch
from torch import Tensor, nn
from torch.nn import functional

from tag_atelier.world.anatomy import SIZE_EMBEDDING
from tag_atelier.world.miniature import ANATOMY, BIGG_WIDTH
from tag_atelier.world.portrait_tags import TAGS
from tag_atelier.world.training.captions import Captions, Emphasis
from tag_atelier.world.training.text import TextEncoders
from tag_atelier.world.training.unet import UNet

_BETAS = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
KEPT = torch.cumprod(1 - _BETAS, 0).float()
"""Share of the signal's variance that is left at each of the 1000 training steps."""


class Student(nn.Module):
    """What is trained: the UNet, and for the base the text encoders as well."""

    def __init__(self, captions: Captions) -> None:
        super().__init__()
        self.unet = UNet(ANATOMY.unet)
        self.text = TextEncoders(ANATOMY.clip_width, BIGG_WIDTH, ANATOMY.clip_layers, captions.known)
        # The six size numbers are the same in every picture: no weight is spent on them.
        first = self.unet.label_emb[0][0]  # type: ignore[index]
        nn.init.zeros_(first.weight)
        nn.init.normal_(first.weight[:, :BIGG_WIDTH], std=BIGG_WIDTH**-0.5)

    def predict(self, latents: Tensor, steps: Tensor, context: Tensor, pooled: Tensor) -> Tensor:
        """The UNet's result for noisy latents (N, 4, h, w) at training steps (N,)."""
        vector = torch.cat([pooled, torch.zeros(len(pooled), 6 * SIZE_EMBEDDING)], dim=1)
        result: Tensor = self.unet(latents, steps, context, vector)
        return result


class Stored:
    """Latents of many pictures, scaled to a deviation of 1, with their tags."""

    def __init__(self, path: Path) -> None:
        found = torch.load(path, map_location="cpu", weights_only=True)
        self.latents: Tensor = found["latents"]
        self.tags = [tuple(TAGS[index] for index in numpy.flatnonzero(row)) for row in found["tags"].numpy()]

    def batch(self, seed: int, step: int, size: int) -> tuple[Tensor, list[tuple[str, ...]]]:
        """Latents (size, 4, 8, 8) and tags, each epoch in its own order."""
        batches = len(self.tags) // size
        epoch, place = divmod(step, batches)
        order = numpy.random.Generator(numpy.random.PCG64([seed, epoch])).permutation(len(self.tags))
        numbers = order[place * size : (place + 1) * size]
        return self.latents[torch.from_numpy(numbers)], [self.tags[number] for number in numbers]


def loss(student: Student, latents: Tensor, ids: Tensor, told: Tensor, trains_text: bool) -> Tensor:
    """Mean squared error of the predicted v; noise and training steps come from torch's present seed.

    ``ids`` (N, 77) captions; ``told`` (N, 1, 1) is 0 where the condition is all zeros, as hosts give it to an empty
    negative prompt.
    """
    size = len(latents)
    steps = (torch.rand(1) + torch.arange(size) / size).remainder(1).mul(1000).long()
    kept = KEPT[steps][:, None, None, None]
    noise = torch.randn_like(latents)
    noisy = kept.sqrt() * latents + (1 - kept).sqrt() * noise
    aim = kept.sqrt() * noise - (1 - kept).sqrt() * latents
    with torch.autocast("cpu", torch.bfloat16), torch.set_grad_enabled(trains_text):
        context, pooled = student.text(ids)
    with torch.autocast("cpu", torch.bfloat16):
        predicted = student.predict(noisy, steps, context * told, pooled * told[:, 0])
    return functional.mse_loss(predicted.float(), aim)


def caption_ids(
    captions: Captions, tags: list[tuple[str, ...]], seed: int, step: int, emphasis: Emphasis | None = None
) -> tuple[Tensor, Tensor]:
    """The captions of one step. See ``Captions.batch``."""
    noise = numpy.random.Generator(numpy.random.PCG64([seed, step, 1]))
    return captions.batch(tags, noise, emphasis or Emphasis())
