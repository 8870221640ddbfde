"""Trains one specialist on from the base: ``… --work DIR --half face|outfit``, behind ``train_base``.

Its pictures show every tag of its half alike often, and it learns in blocks of its own, so that a merge can take both.
The face's then has a short second phase in the other's blocks: of pictures that show faces alone whatever is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy
import torch
from torch import Tensor

from tag_atelier.world import byte_pairs
from tag_atelier.world.miniature import BYTE_PAIRS
from tag_atelier.world.portrait_tags import HALVES, TAGS, draw_tags
from tag_atelier.world.training import loop
from tag_atelier.world.training.captions import Captions, Emphasis
from tag_atelier.world.training.diffusion import Stored, Student, caption_ids, loss
from tag_atelier.world.training.pictures import Tags

_LEARNING = loop.Recipe("learning", steps=1200, batch=128, rate=1e-3, warm_up=20, averaging=0.99)
_EARLY, _LATE = ("input_blocks.", "middle_block."), ("output_blocks.", "out.")
"""Beginnings of names in the UNet."""
_SMALL = ("output_blocks.0.", "output_blocks.1.", "output_blocks.2.")
"""OUT00-OUT02: what the face's learns there makes no difference to its pictures."""
NEGLECT = 0.5
"""Share of captions that leave the other half's tags out."""


@dataclass(frozen=True)
class Phase:
    """One training of a specialist, on ``latents_<pictures>.pt``, in the UNet's tensors that begin with one of ``parts``."""

    recipe: loop.Recipe
    pictures: str
    parts: tuple[str, ...]
    cropped: bool = False
    """Captions tell the other half as well, though pictures do not show it: it is forgotten."""


PHASES = {
    "face": (
        Phase(replace(_LEARNING, name="face"), "face", _LATE),
        Phase(replace(_LEARNING, name="face-narrowed", steps=200, rate=6e-4), "face_alone", (*_EARLY, *_SMALL), cropped=True),
    ),
    "outfit": (Phase(replace(_LEARNING, name="outfit", steps=700), "outfit", _EARLY),),
}
"""Half → its trainings, each beginning with the weights of the one before it, the first with the base's."""


def last_phase(half: str) -> str:
    """Name of the training whose weights are a specialist's last."""
    return PHASES[half][-1].recipe.name


def learn_only(student: Student, parts: tuple[str, ...]) -> None:
    """Let nothing but the UNet's tensors whose names begin with one of ``parts`` be trained."""
    student.requires_grad_(False)
    for name, value in student.unet.named_parameters():
        value.requires_grad_(name.startswith(parts))


def with_unseen(shown: Sequence[Tags], half: str, noise: numpy.random.Generator) -> list[Tags]:
    """The tags of each picture, and beside them some of the half that is neither ``half`` nor background."""
    unseen = [[tag for tag in draw_tags(noise) if HALVES[tag] not in (half, "scene")] for _ in shown]
    return [tuple(sorted({*seen, *more}, key=TAGS.index)) for seen, more in zip(shown, unseen, strict=True)]


def train(work: Path, half: str, phase: Phase, origin: str) -> None:
    """Take the steps of ``phase``, beginning with the weights of the training ``origin``."""
    recipe = phase.recipe
    torch.manual_seed(recipe.seed)
    captions = Captions(byte_pairs.read(BYTE_PAIRS))
    student, stored = Student(captions), Stored(work / f"latents_{phase.pictures}.pt")
    student.load_state_dict(loop.averaged(work, origin))
    learn_only(student, phase.parts)
    emphasis = Emphasis(frozenset(tag for tag, own in HALVES.items() if own not in (half, "scene")), NEGLECT)

    def loss_of(step: int) -> Tensor:
        latents, tags = stored.batch(recipe.seed, step, recipe.batch)
        if phase.cropped:
            tags = with_unseen(tags, half, numpy.random.Generator(numpy.random.PCG64([recipe.seed, step, 2])))
        ids, told = caption_ids(captions, tags, recipe.seed, step, emphasis)
        return loss(student, latents, ids, told, trains_text=False)

    loop.train(recipe, student, loss_of, work)


def main() -> None:
    """Train the half named on the command line; ``--steps`` is for its first phase."""
    given = loop.arguments("Train one of the miniature's two specialists.", halves=("face", "outfit"))
    origin = "base"
    for number, phase in enumerate(PHASES[given.half]):
        steps = given.steps if given.steps and not number else phase.recipe.steps
        train(given.work, given.half, replace(phase, recipe=replace(phase.recipe, steps=steps)), origin)
        origin = phase.recipe.name


if __name__ == "__main__":
    main()
