"""Edits: what each does to the bytes, what it refuses, and that nothing else is ever touched."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_atelier.errors import PromptError
from tag_atelier.prompt import edits
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.lanes import Chip, read_chips
from tag_atelier.prompt.meaning import meaning
from tag_atelier.prompt.profile import get_profile
from tests.prompt.prompt_maker import make

CATALOGUE = Catalogue.load()
AIDXL = get_profile("aidxl")


def chips(text: str, negative: bool = False) -> tuple[Chip, ...]:
    return read_chips(text, AIDXL, CATALOGUE, negative)


def moved(text: str, index: int, target: int) -> str:
    return edits.move(text, chips(text), chips(text)[index], target).text


@pytest.mark.parametrize(
    ("text", "index", "target", "expected"),
    [
        ("a, b ,  c", 0, 2, "b, c ,  a"),
        ("a, b ,  c", 2, 0, "c, a ,  b"),
        ("a,,b\nc, d", 0, 2, ",b\nc, a, d"),
        ("a, b\nc, d", 3, 0, "d, a, b\nc"),
        ("a, b BREAK c", 0, 1, "b, a BREAK c"),
        ("a, b BREAK c", 0, 2, "b BREAK a, c"),
        ("a, (b, c:1.2), [d:e:0.5]", 2, 0, "[d:e:0.5], a, (b, c:1.2)"),
        ("a, b AND c :0.5", 1, 2, "a AND b, c :0.5"),
        ("a, <lora:x:1>, b", 1, 2, "a, b, <lora:x:1>"),
        ("a, b", 1, 99, "a, b"),
    ],
)
def test_move(text: str, index: int, target: int, expected: str) -> None:
    assert moved(text, index, target) == expected


@pytest.mark.parametrize(
    ("text", "index", "target", "words"),
    [
        ("1girl, hat, :3", 2, 0, "weight of the whole prompt"),
        ("hat, smile, :3", 0, 2, "weight of the whole prompt"),
        (":3, hat, smile", 0, 2, "how the rest of the prompt is read"),
        ("a]b, c", 1, 0, "never closed"),
        ("a BREAK b", 1, 0, "border"),
        ("a, {prompt}, b", 0, 2, "style text"),
    ],
)
def test_move_is_refused_with_the_reason(text: str, index: int, target: int, words: str) -> None:
    with pytest.raises(PromptError, match=words):
        moved(text, index, target)


@pytest.mark.parametrize(
    ("text", "index", "expected"),
    [
        ("a, b, c", 1, "a, c"),
        ("a, b, c", 2, "a, b"),
        ("a,b,c", 0, "b,c"),
        ("a, b\nc, d", 1, "a\nc, d"),
        ("a BREAK b, c", 1, "a BREAK b, c"),
        ("a BREAK b, c", 2, "a BREAK c"),
        ("hat, :3", 1, "hat"),
        ("a, b # c\nd", 2, "a, b \nd"),
        ("only", 0, ""),
    ],
)
def test_remove(text: str, index: int, expected: str) -> None:
    if chips(text)[index].kind == "break":
        with pytest.raises(PromptError, match="border"):
            edits.remove(text, chips(text)[index])
        return
    assert edits.remove(text, chips(text)[index]).text == expected


def test_remove_leaves_no_number_as_the_weight_of_everything() -> None:
    with pytest.raises(PromptError, match="how the rest"):
        edits.remove("1girl, :3, hat", chips("1girl, :3, hat")[2])


@pytest.mark.parametrize(
    ("text", "weight", "expected"),
    [
        ("smile", 1.2, "(smile:1.2)"),
        ("((smile))", 1.0, "smile"),
        ("[smile]", 0.8, "(smile:0.8)"),
        ("(smile, hat:1.4)", 0.95, "(smile, hat:0.95)"),
        ("<lora:x:0.8:0.5>", 0.6, "<lora:x:0.6:0.5>"),
        ("<lora:x:lbw=MIDD>", 0.6, "<lora:x:0.6:lbw=MIDD>"),
        ("rem \\(re:zero\\)", 1.1, "(rem \\(re:zero\\):1.1)"),
        ("(x:1.2.1)", 1.2, "(x:1.2.1:1.2)"),
    ],
)
def test_weigh(text: str, weight: float, expected: str) -> None:
    assert edits.weigh(text, chips(text)[0], weight).text == expected


def test_weight_one_never_makes_a_number_the_weight_of_everything() -> None:
    with pytest.raises(PromptError, match="how the rest"):
        edits.weigh("hat, (:3:1.2)", chips("hat, (:3:1.2)")[1], 1.0)
    with pytest.raises(PromptError, match="between -10 and 10"):
        edits.weigh("hat", chips("hat")[0], 11)


def test_replace_and_insert() -> None:
    text = "a, b\nc"
    assert edits.replace(text, chips(text)[1], "x, (y:1.1)").text == "a, x, (y:1.1)\nc"
    assert edits.replace(text, chips(text)[1], "  ").text == "a\nc"
    for core in ("(x", "x # y", "[x|"):
        with pytest.raises(PromptError, match="how the rest"):
            edits.replace(text, chips(text)[0], core)
    assert edits.insert("", "x", None, None).text == "x"
    assert edits.insert("# note", "x", None, chips("# note")[0]).text == "x # note"


@pytest.mark.parametrize(
    ("text", "core", "expected"),
    [
        ("1girl, forest, smile, best quality", "beach", 2),
        ("1girl, forest, smile, best quality", "xyzzy", 3),
        ("1girl, smile", "by wlop", 0),
        ("smile, 1girl BREAK hat", "best quality", 2),
        ("", "smile", 0),
    ],
)
def test_a_new_tag_goes_where_the_profile_wants_it(text: str, core: str, expected: int) -> None:
    assert edits.place_for(chips(text), core, AIDXL, CATALOGUE) == expected


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("white_hair", "white hair"),
        ("rem_(re:zero)", "rem \\(re:zero\\)"),
        ("rem \\(re:zero\\)", "rem \\(re:zero\\)"),
        (">:(", ">:\\("),
        ("(hat:1.2)", "(hat:1.2)"),
        ("<lora:x:1>", "<lora:x:1>"),
        ("^_^", "^_^"),
    ],
)
def test_escaped(tag: str, expected: str) -> None:
    assert edits.escaped(tag, CATALOGUE) == expected


PROMPTS = st.one_of(
    st.integers(0, 10**6).map(lambda number: make(number)[0]),
    st.text("ab,:()[]|<>\\# \nBREAKND长", max_size=40),
)


@settings(max_examples=200, deadline=None)
@given(PROMPTS, st.integers(0, 30), st.integers(0, 30), st.booleans())
def test_an_edit_touches_its_own_chip_alone_or_is_refused(text: str, index: int, target: int, negative: bool) -> None:
    before = chips(text, negative)
    if not before:
        return
    chip = before[index % len(before)]
    rest = [other.text for other in before if other is not chip]
    for edit in (
        lambda: edits.remove(text, chip, negative),
        lambda: edits.weigh(text, chip, 1.3, negative),
        lambda: edits.move(text, before, chip, target % len(before), negative),
    ):
        try:
            edited = edit()
        except PromptError:
            continue
        touched = edited.text[edited.start : edited.end]
        after = [other.text for other in chips(edited.text, negative)]
        assert list((Counter(after) - Counter(rest)).elements()) == ([touched] if touched else [])
        assert [one for one in after if one != touched] == [one for one in rest if one != touched]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 30))
def test_what_is_left_means_what_it_meant(number: int, index: int) -> None:
    """On one line, where no two chips share a tag."""
    text = make(number)[0].replace("\n", " ").replace("\r", " ")
    before = chips(text)
    free = [chip for chip in before if not chip.reason and chip.kind != "region"]
    if not free or any(chip.kind == "region" for chip in before):
        return
    chip = free[index % len(free)]
    try:
        left = edits.remove(text, chip).text
    except PromptError:
        return
    one, other = meaning(text), meaning(left)
    assert [part.weight for part in one.parts] == [part.weight for part in other.parts]
    tags = [Counter(tag for part in parts for chunk in part.chunks for tag in chunk) for parts in (one.parts, other.parts)]
    assert not tags[1] - tags[0] - Counter({(): 10**6})
