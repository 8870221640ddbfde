"""Pins: in front of their line, in the user's order, the same again when arranged again, and never a changed meaning."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_atelier.prompt.arrange import arrange
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.meaning import same_meaning
from tag_atelier.prompt.pins import arrange_pinned
from tag_atelier.prompt.profile import get_profile
from tests.prompt.prompt_maker import PLAIN, make

CATALOGUE = Catalogue.load()
AIDXL = get_profile("aidxl")


@pytest.mark.parametrize(
    ("text", "pins", "expected"),
    [
        ("forest, 1girl, (smile:1.2)", ["smile", "forest"], "(smile:1.2), forest, 1girl"),
        ("hat, smile,\nhat, 1girl,", ["smile"], "smile, hat,\n1girl, hat,"),
        ("hat, 1girl BREAK smile, 1boy", ["smile"], "1girl, hat BREAK smile, 1boy"),
        ("1girl, hat, :3", ["hat", ":3"], "hat, 1girl, :3"),
        ("hat, (smile", ["(smile"], "hat, (smile"),
        ("hat, 1girl", ["nobody"], "1girl, hat"),
    ],
)
def test_pinned_tags_stand_in_front(text: str, pins: list[str], expected: str) -> None:
    result = arrange_pinned(text, AIDXL, CATALOGUE, pins)
    assert (result.text, result.changed) == (expected, text != expected)


def test_without_pins_it_is_arrange() -> None:
    assert arrange_pinned("hat, 1girl", AIDXL, CATALOGUE, []) == arrange("hat, 1girl", AIDXL, CATALOGUE)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6).map(lambda number: make(number)[0]), st.lists(st.sampled_from(PLAIN), max_size=3, unique=True))
def test_pinning_is_done_once_and_changes_no_meaning(text: str, tags: list[str]) -> None:
    pins = [tag.replace(" ", "_") for tag in tags]
    once = arrange_pinned(text, AIDXL, CATALOGUE, pins).text
    assert same_meaning(text, once)
    assert arrange_pinned(once, AIDXL, CATALOGUE, pins).text == once
