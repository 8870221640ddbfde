"""Chips: what each says of its item, and that together they are the text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_atelier.prompt.arrange import REASONS
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.lanes import BORDER, SLOT_NAMES, chip_facts, read_chips, unwrap
from tag_atelier.prompt.profile import get_profile
from tag_atelier.prompt.slots import SLOTS
from tests.prompt.prompt_maker import make

CATALOGUE = Catalogue.load()
AIDXL = get_profile("aidxl")


def kinds(text: str, negative: bool = False) -> list[tuple[str, str, str, float]]:
    chips = read_chips(text, AIDXL, CATALOGUE, negative)
    return [(chip.text, chip.kind, chip.slot, chip.weight) for chip in chips]


def test_every_chip_says_what_it_is() -> None:
    assert kinds("1girl, (smile:1.2), [forest], [red hair:blue hair:0.5], (hat, bow:1.1), <lora:x:0.7:1>") == [
        ("1girl", "tag", "subject", 1.0),
        ("(smile:1.2)", "tag", "expression", 1.2),
        ("[forest]", "tag", "main_env", 0.9091),
        ("[red hair:blue hair:0.5]", "schedule", "main_char", 1.0),
        ("(hat, bow:1.1)", "group", "accessories", 1.1),
        ("<lora:x:0.7:1>", "network", "unknown", 0.7),
    ]


def test_borders_are_chips_and_line_ends_are_not() -> None:
    chips = read_chips("a hat BREAK smile\nforest AND dog :0.5 # later", AIDXL, CATALOGUE)
    assert [(chip.text, chip.kind, chip.segment, chip.line) for chip in chips] == [
        ("a hat", "tag", 0, 0),
        ("BREAK", "break", 1, 0),
        ("smile", "tag", 1, 0),
        ("forest", "tag", 2, 1),
        ("AND", "and", 3, 1),
        ("dog", "tag", 3, 1),
        (":0.5", "weight", 4, 1),
        ("# later", "comment", 4, 1),
    ]
    assert [chip.reason for chip in chips if chip.slot == ""] == [BORDER] * 4


def test_what_must_stay_says_why() -> None:
    chips = read_chips("1girl, hat, :3", AIDXL, CATALOGUE)
    assert [chip.reason for chip in chips] == ["", "", REASONS["trailing_weight"]]
    assert read_chips("hat]", AIDXL, CATALOGUE)[0].reason == REASONS["unbalanced"]


def test_an_installed_embedding_is_told_in_any_case() -> None:
    chips = read_chips("lowres, (MyNegative:1.2)", AIDXL, CATALOGUE, True, {"mynegative"})
    assert [(chip.kind, chip.weight) for chip in chips] == [("tag", 1.0), ("embedding", 1.2)]


def test_a_long_phrase_that_nobody_knows_is_prose() -> None:
    assert kinds("a very lonely zebra eats green letters")[0][1] == "prose"


def test_facts_come_from_the_catalogue() -> None:
    smile, made_up = read_chips("smile, xyzzy", AIDXL, CATALOGUE)
    entry = CATALOGUE.entries["smile"]
    assert chip_facts(smile, CATALOGUE) == {
        "tag": "smile", "confidence": 0.99, "posts": entry.posts, "zh": "微笑", "safe": True
    }  # fmt: skip
    assert chip_facts(made_up, CATALOGUE) == {"tag": "xyzzy", "confidence": 0.0, "posts": 0, "zh": "", "safe": True}


def test_all_slots_have_names() -> None:
    assert set(SLOT_NAMES) == set(SLOTS)


@pytest.mark.parametrize(
    ("core", "inner", "weight"),
    [
        ("((a:1.5))", "a", 1.65),
        ("[[a]]", "a", 0.8264),
        ("(a), (b)", "(a), (b)", 1.0),
        ("\\(a\\)", "\\(a\\)", 1.0),
        ("(a", "(a", 1.0),
        ("(a]", "(a]", 1.0),
        ("(:3:1.0)", ":3", 1.0),
        ("()", "", 1.1),
    ],
)
def test_emphasis_is_taken_off_where_it_is_around_all(core: str, inner: str, weight: float) -> None:
    assert unwrap(core) == (inner, weight)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(st.text("ab,:()[]{}|<>\\# \n\tBREAKND\ud800\0长，", max_size=60), st.integers(0, 10**6).map(lambda n: make(n)[0]))
)
def test_chips_are_the_text_between_separators(text: str) -> None:
    end = 0
    for index, chip in enumerate(read_chips(text, AIDXL, CATALOGUE)):
        assert (chip.index, text[chip.start : chip.end]) == (index, chip.text)
        assert end <= chip.start < chip.end
        assert text[end : chip.start].strip(", \t\r\n\0\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u2028\u2029\u3000") == ""
        end = chip.end
