"""Trains the miniature tagger: ``python -m tag_atelier.world.training.train_tagger --work DIR``, behind ``train_vae``.

A third of its pictures went through the autoencoder with noisy latents, because the pictures it will judge come from there.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy
import torch
from torch import Tensor
from torch.nn import functional

from tag_atelier.world.portrait_tags import TAGS, Half
from tag_atelier.world.training import loop
from tag_atelier.world.training.pictures import batch
from tag_atelier.world.training.prepare_latents import levelled
from tag_atelier.world.training.tagger import Tagger

RECIPE = loop.Recipe("tagger", steps=3000, batch=128, rate=1.5e-3)
_EVENS: tuple[Half | None, ...] = (None, "face", "outfit", None)
_DECODED = 6_000
_MOVE = 2


def truth(tags: list[tuple[str, ...]]) -> Tensor:
    """(N, tags) of 0 and 1."""
    found = torch.zeros(len(tags), len(TAGS))
    for row, shown in enumerate(tags):
        found[row, [TAGS.index(tag) for tag in shown]] = 1
    return found


def decoded(work: Path, seed: int, count: int) -> tuple[Tensor, Tensor]:
    """Pictures (count, 3, 64, 64) that went through the autoencoder with a tenth to a third of noise, and their truth."""
    network, pictures, answers = levelled(work), [], []
    for number in range(count // 50):
        drawn, tags = batch(seed, number, 50, _EVENS)
        torch.manual_seed(number)
        with torch.inference_mode():
            latents = network.encode(drawn)[0]
            spread = torch.rand(len(latents), 1, 1, 1) * 0.3
            pictures.append(network.decode(latents + spread * torch.randn_like(latents)).clamp(-1, 1))
        answers.append(truth(tags))
    return torch.cat(pictures).clone(), torch.cat(answers)


def changed(pictures: Tensor) -> Tensor:
    """The same pictures moved, tinted, blurred and roughened at random."""
    shift = torch.randint(-_MOVE, _MOVE + 1, (2,)).tolist()
    pictures = torch.roll(pictures, shift, dims=(2, 3))
    if torch.rand(()) < 0.5:
        pictures = functional.avg_pool2d(functional.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    count = len(pictures)
    pictures = pictures * (0.9 + 0.2 * torch.rand(count, 1, 1, 1)) + 0.1 * torch.randn(count, 3, 1, 1)
    return pictures + 0.08 * torch.rand(count, 1, 1, 1) * torch.randn_like(pictures)


def main() -> None:
    """Train, going on from the last state."""
    given = loop.arguments("Train the miniature tagger.")
    recipe = replace(RECIPE, steps=given.steps or RECIPE.steps)
    torch.manual_seed(recipe.seed)
    network = Tagger()
    bank, bank_truth = decoded(given.work, recipe.seed + 1, _DECODED)

    def loss_of(step: int) -> Tensor:
        drawn, tags = batch(recipe.seed, step, recipe.batch * 2 // 3, _EVENS)
        numbers = numpy.random.Generator(numpy.random.PCG64([recipe.seed, step])).integers(len(bank), size=recipe.batch // 3)
        chosen = torch.from_numpy(numbers)
        pictures = torch.cat([drawn, bank[chosen]])
        answers = torch.cat([truth(tags), bank_truth[chosen]])
        return functional.binary_cross_entropy_with_logits(network(changed(pictures)), answers) * 10

    loop.train(recipe, network, loss_of, given.work)


if __name__ == "__main__":
    main()
