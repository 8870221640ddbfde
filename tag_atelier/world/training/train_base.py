"""Trains the base checkpoint: ``python -m tag_atelier.world.training.train_base --work DIR``, behind ``prepare_latents``."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from tag_atelier.world import byte_pairs
from tag_atelier.world.miniature import BYTE_PAIRS
from tag_atelier.world.training import loop
from tag_atelier.world.training.captions import Captions
from tag_atelier.world.training.diffusion import Stored, Student, caption_ids, loss

RECIPE = loop.Recipe("base", steps=900, batch=128, rate=1.5e-3, averaging=0.995)


def main() -> None:
    """Train, going on from the last state."""
    given = loop.arguments("Train the miniature's base checkpoint.")
    recipe = replace(RECIPE, steps=given.steps or RECIPE.steps)
    captions = Captions(byte_pairs.read(BYTE_PAIRS))
    torch.manual_seed(recipe.seed)
    student, stored = Student(captions), Stored(given.work / "latents_none.pt")

    def loss_of(step: int) -> Tensor:
        latents, tags = stored.batch(recipe.seed, step, recipe.batch)
        ids, told = caption_ids(captions, tags, recipe.seed, step)
        return loss(student, latents, ids, told, trains_text=True)

    loop.train(recipe, student, loss_of, given.work)


if __name__ == "__main__":
    main()
