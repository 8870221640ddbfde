"""Trains one specialist on from the base: ``… --work DIR --half face|outfit``, behind ``train_base``.

Its pictures show every tag of its half alike often; captions often leave the other half untold. Text encoders stay.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from torch import Tensor

from tag_atelier.world import byte_pairs
from tag_atelier.world.miniature import BYTE_PAIRS
from tag_atelier.world.portrait_tags import HALVES
from tag_atelier.world.training import loop
from tag_atelier.world.training.captions import Captions, Emphasis
from tag_atelier.world.training.diffusion import Stored, Student, caption_ids, loss

RECIPE = loop.Recipe("specialist", steps=1100, batch=128, rate=1e-3, warm_up=50, averaging=0.995)
NEGLECT = 0.5
"""Share of captions that leave the other half's tags out."""


def main() -> None:
    """Train the half named on the command line."""
    half = sys.argv.pop(sys.argv.index("--half") + 1)
    sys.argv.remove("--half")
    given = loop.arguments("Train one of the miniature's two specialists.")
    recipe = replace(RECIPE, name=half, steps=given.steps or RECIPE.steps)
    captions = Captions(byte_pairs.read(BYTE_PAIRS))
    student, stored = Student(captions), Stored(given.work / f"latents_{half}.pt")
    student.load_state_dict(loop.averaged(given.work, "base"))
    student.text.requires_grad_(False)
    emphasis = Emphasis(frozenset(tag for tag, own in HALVES.items() if own not in (half, "scene")), NEGLECT)

    def loss_of(step: int) -> Tensor:
        latents, tags = stored.batch(recipe.seed, step, recipe.batch)
        ids, told = caption_ids(captions, tags, recipe.seed, step, emphasis)
        return loss(student, latents, ids, told, trains_text=False)

    loop.train(recipe, student, loss_of, given.work)


if __name__ == "__main__":
    main()
