"""The shipped tagger judges fresh drawings rightly, through the same code as any other tagger."""

from __future__ import annotations

import numpy
import pytest

pytest.importorskip("onnxruntime")

from tag_atelier.tagger import find_tagger
from tag_atelier.world import miniature
from tag_atelier.world.portrait import picture
from tag_atelier.world.portrait_tags import TAGS, Half, draw_tags

COUNT = 400
SEED = 987_654
"""Of no training."""
EVENS: tuple[Half | None, ...] = ("face", "outfit", "scene", None)


def test_macro_f1_on_fresh_drawings() -> None:
    noise = numpy.random.default_rng(SEED)
    tags = [draw_tags(noise, EVENS[number % len(EVENS)]) for number in range(COUNT)]
    scorer = find_tagger([miniature.WEIGHTS], "miniature-tagger")
    columns = [list(scorer.labels).index(tag) for tag in TAGS]
    seen = scorer.score([picture(shown, SEED, number) for number, shown in enumerate(tags)])[:, columns] >= 0.5
    truth = numpy.array([[tag in shown for tag in TAGS] for shown in tags])
    right = (seen & truth).sum(0)
    scores = 2 * right / (seen.sum(0) + truth.sum(0))
    assert truth.sum(0).min() >= 3, "every tag is among the drawings"
    assert scores.mean() >= 0.97, dict(zip(TAGS, scores.round(2), strict=True))
