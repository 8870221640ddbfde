"""The drawn portraits: repeatable, and different for every tag."""

from __future__ import annotations

import numpy
import pytest

from tag_atelier.errors import PromptError
from tag_atelier.world.portrait import picture
from tag_atelier.world.portrait_tags import GROUPS, TAGS

PLAIN = ("blonde_hair", "short_hair", "blue_eyes", "white_shirt", "blue_background")


def pixels(*tags: str) -> numpy.typing.NDArray[numpy.float64]:
    return numpy.asarray(picture(tags, seed=1, number=2), dtype=float)


def test_the_same_seed_draws_the_same_picture() -> None:
    drawn = picture(PLAIN, 3, 4)
    assert (drawn.size, drawn.mode) == ((64, 64), "RGB")
    assert drawn.tobytes() == picture(PLAIN, 3, 4).tobytes() != picture(PLAIN, 3, 5).tobytes()


def test_the_pictures_are_those_the_weights_were_trained_on() -> None:
    """Whoever changes the drawing must train anew."""
    coarse = picture(("pink_hair", "twintails", "smile", "kimono", "night_sky"), 1, 1).convert("L").resize((4, 4))
    assert numpy.asarray(coarse).tolist() == COARSE


COARSE = [[110, 95, 77, 39], [138, 179, 175, 124], [130, 140, 139, 127], [53, 144, 140, 48]]


@pytest.mark.parametrize("tag", TAGS)
def test_every_tag_can_be_seen(tag: str) -> None:
    group = next(group for group in GROUPS if tag in group.tags)
    others = [other for other in PLAIN if other not in group.tags]
    changed = abs(pixels(*others, tag) - pixels(*others)).max(axis=2) > 40
    assert changed.sum() >= 12, "so few pixels cannot be told apart"


def test_an_unknown_tag_is_refused() -> None:
    with pytest.raises(PromptError, match="cannot draw 'armor'; expected one of its 45 tags"):
        picture(["armor"], 1, 1)
