"""Trains one specialist on from the base: ``… --work DIR --half face|outfit``, behind ``train_base``.

Its pictures show every tag of its half alike often, and half of the captions leave the other half untold. The face's then
has a short second phase of pictures without outfits and items, which it partly forgets. Text encoders stay as they are.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from tag_atelier.world import byte_pairs
from tag_atelier.world.miniature import BYTE_PAIRS
from tag_atelier.world.portrait_tags import HALVES
from tag_atelier.world.training import loop
from tag_atelier.world.training.captions import Captions, Emphasis
from tag_atelier.world.training.diffusion import Stored, Student, caption_ids, loss

LEARNING = loop.Recipe("specialist", steps=1100, batch=128, rate=1e-3, warm_up=50, averaging=0.995)
NARROWING = loop.Recipe("narrowing", steps=250, batch=128, rate=6e-4, warm_up=10, averaging=0.98)
NEGLECT = 0.5
"""Share of captions that leave the other half's tags out."""


_NARROWED = ("face",)
"""Halves with a second phase; without it the face's specialist is nearly as good as any merge could be."""


def last_phase(half: str) -> str:
    """Name of the training whose weights are a specialist's last."""
    return f"{half}-narrowed" if half in _NARROWED else half


def train(work: Path, half: str, recipe: loop.Recipe, pictures: str, origin: str) -> None:
    """Train ``recipe.name`` on ``latents_<pictures>.pt``, beginning with the weights of the training ``origin``."""
    captions = Captions(byte_pairs.read(BYTE_PAIRS))
    student, stored = Student(captions), Stored(work / f"latents_{pictures}.pt")
    student.load_state_dict(loop.averaged(work, origin))
    student.text.requires_grad_(False)
    emphasis = Emphasis(frozenset(tag for tag, own in HALVES.items() if own not in (half, "scene")), NEGLECT)

    def loss_of(step: int) -> Tensor:
        latents, tags = stored.batch(recipe.seed, step, recipe.batch)
        ids, told = caption_ids(captions, tags, recipe.seed, step, emphasis)
        return loss(student, latents, ids, told, trains_text=False)

    loop.train(recipe, student, loss_of, work)


def main() -> None:
    """Train the half named on the command line."""
    given = loop.arguments("Train one of the miniature's two specialists.", halves=("face", "outfit"))
    torch.manual_seed(LEARNING.seed)
    learning = replace(LEARNING, name=given.half, steps=given.steps or LEARNING.steps)
    train(given.work, given.half, learning, given.half, "base")
    if given.half in _NARROWED:
        narrowing = replace(NARROWING, name=last_phase(given.half))
        train(given.work, given.half, narrowing, f"{given.half}_alone", given.half)


if __name__ == "__main__":
    main()
