"""The reader: lossless for every string, and items, borders and locks where the WebUI has them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_atelier.prompt.grammar import Segment, parse, trailing_weight

SIGNS = st.text(alphabet="ab ,()[]{}<>:|\\#\n\r_0123.-+ANDBREK\t，", max_size=60)


@given(st.one_of(st.text(max_size=80), SIGNS), st.booleans())
@settings(max_examples=400, deadline=None)
def test_render_gives_back_every_string(text: str, negative: bool) -> None:
    assert parse(text, negative).render() == text


@given(SIGNS, st.booleans())
@settings(max_examples=200, deadline=None)
def test_offsets_point_at_their_bytes(text: str, negative: bool) -> None:
    prompt = parse(text, negative)
    for item in prompt.items:
        assert text[item.start : item.start + len(item.core)] == item.core
    for border in prompt.borders:
        assert text[border.start : border.start + len(border.text)] == border.text
    for segment in prompt.segments:
        assert text[segment.start :].startswith(segment.render())


@pytest.mark.parametrize(
    "text",
    ["", "\ud800, a", "a\x00b, \x00", "a\r\nb,\rc\n", "(" * 10_000, "[" * 5_000 + "]" * 5_000, "a, " * 20_000, "<lora:" * 999],
)
def test_odd_strings_come_back(text: str) -> None:
    started = time.perf_counter()
    assert parse(text).render() == text
    assert time.perf_counter() - started < 2.0


@pytest.mark.parametrize(
    ("text", "cores"),
    [
        ("1girl, (smile:1.2, hat:0.8), bow", ["1girl", "(smile:1.2, hat:0.8)", "bow"]),
        (r"artoria pendragon \(lancer\) \(fate\), a", [r"artoria pendragon \(lancer\) \(fate\)", "a"]),
        ("[cat|dog|] girl, smile", ["[cat|dog|] girl", "smile"]),
        ("<lora:x:1:1:lbw=1,0,0>, 1girl", ["<lora:x:1:1:lbw=1,0,0>", "1girl"]),
        ("|_|, <o>_<o>, :)", ["|_|", "<o>_<o>", ":)"]),
        ("a\\, b", ["a\\", "b"]),
        ("{a, b|c}, d", ["{a, b|c}", "d"]),
    ],
)
def test_items(text: str, cores: list[str]) -> None:
    assert [item.core for item in parse(text).items] == cores


@pytest.mark.parametrize(
    ("text", "borders"),
    [
        ("a BREAK b", ["BREAK"]),
        ("a AND b :0.6", ["AND", " :0.6"]),
        ("a AND_PERP b ADDCOL c", ["AND_PERP", "ADDCOL"]),
        ("BREAKDANCE, ANDROID", []),
        ("(a BREAK b:1.2)", []),
        ("a AND b :0.6\n", ["AND", " :0.6", "\n"]),
        ("a # b, c\nd", ["# b, c\n"]),
        ("a,\nb", ["\n"]),
    ],
)
def test_borders(text: str, borders: list[str]) -> None:
    assert [border.text for border in parse(text).borders] == borders


@pytest.mark.parametrize(
    ("text", "lock"),
    [
        ("1girl, (smile, hat", "unbalanced"),
        ("1girl, >:(, hat", "unbalanced"),
        ("(a [b) c]", "unbalanced"),
        ("a, }", "unbalanced"),
        ("[re:zero:b:0.5], a", ""),
        ("[re:[a:b:0.5]], a", "unclear_schedule"),
        ("[a:b:0.5][c:d], a", "unclear_schedule"),
        ("[a:b:0.5]:1.2, |_|", ""),
        ("[[a:b:0.5]]:1.2, a", "unclear_schedule"),
        ("[[red:blue:4]:green:0.5] dress, :d", ""),
        ("[a:b:0.5], :)", "unbalanced"),
        ("a, [b BREAK c:d:0.5]", "break_inside"),
        ("hat, :3", "trailing_weight"),
        ("[a:b:3] , hat:1.2", "trailing_weight"),
        ("a, {prompt}", "placeholder"),
        ("a, (b:1.2.1), c", "bad_number"),
        ("[a BREAK b:c:3], d BREAK e", "break_inside"),
        ("a, :), b", ""),
        ("a, (:3)", ""),
        ("a, :3,", ""),
    ],
)
def test_locks(text: str, lock: str) -> None:
    assert parse(text).segments[-1].locked == lock


@pytest.mark.parametrize("text", ["hat, :3\n", "hat, :3\n\n # note\n", "hat, :3 <lora:x:1>"])
def test_a_number_before_blank_lines_is_still_the_prompts_weight(text: str) -> None:
    assert parse(text).segments[0].locked == "trailing_weight"


def test_an_and_splits_even_inside_brackets() -> None:
    """As in the WebUI: both sides are then out of balance and nothing is moved."""
    assert [segment.locked for segment in parse("(a AND b), (c").segments] == ["unbalanced", "unbalanced"]


def test_the_negative_prompt_knows_no_and_and_no_prompt_weight() -> None:
    prompt = parse("lowres AND bad hands :0.5", negative=True)
    assert prompt.borders == ()
    assert prompt.segments[0].locked == ""


@pytest.mark.parametrize(
    ("text", "pinned"),
    [
        ("smile\nforest, hat", [{0}, {0}]),
        ("smile,\nforest, hat", [set(), set()]),
        ("a, smile\n\nforest", [{1}, set(), {0}]),
        ("sky ADDBASE a, b", [{0}, {0}]),
        ("sky, ADDBASE a, b", [set(), {0}]),
        ("hat # note\nbow", [{0}, {0}]),
        ("smile\n", [set(), set()]),
        ("a, [b:c:1]BREAK, d", [{1}, set()]),
        ("a, b BREAK c, d", [set(), set()]),
    ],
)
def test_items_glued_to_a_border_are_pinned(text: str, pinned: list[set[int]]) -> None:
    segments = [piece for piece in parse(text).pieces if isinstance(piece, Segment)]
    assert [set(segment.pinned) for segment in segments] == pinned


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("a :0.6", 0.6),
        ("a:3", 3.0),
        ("a: .5 ", 0.5),
        ("a:1.", 1.0),
        ("a:-1", -1.0),
        ("(a:1.2)", None),
        ("a:b", None),
        ("a: ", None),
    ],
)
def test_trailing_weight(text: str, weight: float | None) -> None:
    found = trailing_weight(text)
    assert (found[1] if found else None) == weight
