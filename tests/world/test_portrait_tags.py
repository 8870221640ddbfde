"""The world's tags: known to the catalogue, of the shares they claim, with a long tail."""

from __future__ import annotations

from collections import Counter

import numpy
import pytest

from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.world.portrait_tags import COMMONEST, GROUPS, HALVES, SHARES, TAGS, draw_tags


def test_the_world_is_as_large_as_it_says() -> None:
    assert len(TAGS) == len(set(TAGS)) == 45
    assert COMMONEST[0] == "smile" and COMMONEST[-1] in {"crown", "holding_balloon"}
    assert SHARES[COMMONEST[0]] / SHARES[COMMONEST[-1]] == pytest.approx(100)
    assert Counter(HALVES.values()) == {"face": 26, "outfit": 13, "scene": 6}


def test_every_tag_has_a_slot_in_the_catalogue() -> None:
    known = Catalogue.load()
    assert [tag for tag in TAGS if known.get(tag) is None] == []


def test_pictures_show_at_most_one_tag_of_a_group_at_its_share() -> None:
    noise = numpy.random.default_rng(1)
    drawn = [draw_tags(noise) for _ in range(3000)]
    for group in GROUPS:
        assert max(len(set(tags) & group.tags.keys()) for tags in drawn) <= 1
    counts = Counter(tag for tags in drawn for tag in tags)
    assert abs(counts["smile"] / 3000 - 0.42) < 0.04
    assert abs(counts["kimono"] / 3000 - 0.04) < 0.02


def test_an_even_half_shows_rare_tags_as_often_as_common_ones() -> None:
    noise = numpy.random.default_rng(2)
    counts = Counter(tag for _ in range(2000) for tag in draw_tags(noise, "outfit", 1.0))
    assert abs(counts["holding_balloon"] / 2000 - 1 / 6) < 0.04
    assert counts["crown"] < 40
