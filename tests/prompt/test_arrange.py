"""Sorting: the guide's order, what must stay put, and that nothing ever changes its meaning."""

from __future__ import annotations

import random
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_atelier.prompt.arrange import REASONS, arrange
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.grammar import parse
from tag_atelier.prompt.meaning import same_meaning
from tag_atelier.prompt.profile import get_profile, load_profiles

CATALOGUE = Catalogue.load()
AIDXL = get_profile("aidxl")


def sorted_text(text: str, profile: str = "aidxl", negative: bool = False) -> str:
    """What arranging makes of ``text``."""
    return arrange(text, get_profile(profile), CATALOGUE, negative).text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("blue eyes, 1girl, by aaa, white hair", "by aaa, 1girl, white hair, blue eyes"),
        ("smile, ((white dress)), 1girl", "1girl, smile, ((white dress))"),
        ("1girl, [freckles, mole under eye], smile", "1girl, smile, [freckles, mole under eye]"),
        ("smile, [red hair:blue hair:0.5], 1girl", "1girl, smile, [red hair:blue hair:0.5]"),
        ("forest, [cat|dog|] girl, smile", "[cat|dog|] girl, forest, smile"),
        ("1girl, [[red:blue:4]:green:0.5] dress, smile", "1girl, smile, [[red:blue:4]:green:0.5] dress"),
        (r"smile, rem \(re:zero\), 1girl", r"1girl, rem \(re:zero\), smile"),
        ("1girl, hat, smile AND beach, 1boy :0.6", "1girl, smile, hat AND 1boy, beach :0.6"),
        ("1girl, forest BREAK white dress, smile", "1girl, forest BREAK smile, white dress"),
        ("1girl, hat, (smile:1.2)", "1girl, (smile:1.2), hat"),
        ("smile,<lora:x:1>,1girl", "1girl,<lora:x:1>,smile"),
        ("smile <lora:x:1>, 1girl", "1girl, smile <lora:x:1>"),
        ("hat, smile <lora:x:1>, <lora:y:1>, 1girl", "1girl, smile <lora:x:1>, <lora:y:1>, hat"),
        ("smile, 1girl, , hat,", "1girl, smile, , hat,"),
        ("best quality, 1girl, (by a:0.6), by b", "1girl, best quality, (by a:0.6), by b"),
        ("smile, xyzzy, 1girl", "1girl, smile, xyzzy"),
        ("hat, smile,\nforest, 1girl", "smile, hat,\n1girl, forest"),
        ("双马尾, smile, 1girl, 没有这个", "1girl, 没有这个, smile, 双马尾"),
    ],
)
def test_the_aidxl_order(before: str, after: str) -> None:
    assert sorted_text(before) == after


def test_every_slot_in_the_guides_order() -> None:
    guide = (
        r"by xxx, 1girl, lucy \(cyberpunk\), elf, cowboy shot, impasto, fantasy, forest, white background, sitting, smile,"
        " white hair, blue eyes, white dress, hat, cat, cloud, depth of field, best quality"
    )
    assert sorted_text(", ".join(reversed(guide.split(", ")))) == guide


TAG_LINE = (
    "(by xxx:0.6), 1girl, frieren, elf, cowboy shot, impasto, fantasy, forest, day, gradient background, sitting,"
    " expressionless, white hair, twintails, green eyes, parted lips, white dress, frills, cat, grass, sunshine,"
    " beautiful color, detailed, aesthetic, (amazing quality:1.5)"
)
PHRASE_LINE = (
    "by xxx, 1girl, a girl named frieren from sousou no frieren series, elf, cowboy shot, impasto style, fantasy theme,"
    " in the forest, at day, gradient background, sitting on ground, is expressionless, white hair, twintails, green eyes,"
    " parted lip, wearing a white dress, frills, a cat, grass, sunshine, beautiful color, detailed, aesthetic, amazing quality"
)


@pytest.mark.parametrize("line", [TAG_LINE, PHRASE_LINE], ids=["tags", "phrases"])
@pytest.mark.parametrize("seed", range(10))
def test_a_line_in_the_guides_manner_comes_back_however_it_was_shuffled(line: str, seed: int) -> None:
    items = line.split(", ")
    random.Random(seed).shuffle(items)
    assert sorted_text(", ".join(items)) == line


def test_a_style_merge_stands_at_the_very_end_in_its_own_sequence() -> None:
    merge = "chun-li, amazing quality, (by yoneyama mai:0.9), (by chi4:0.8), by ask, by modare, (by ikky:0.9)"
    mixed = "(by yoneyama mai:0.9), amazing quality, (by chi4:0.8), by ask, chun-li, by modare, (by ikky:0.9)"
    assert (sorted_text(merge), sorted_text(mixed)) == (merge, merge)
    assert sorted_text("chun-li, amazing quality, (by ask:0.6)") == "(by ask:0.6), chun-li, amazing quality"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("smile, >:(, 1girl", "unbalanced"),
        ("smile, (1girl, hat", "unbalanced"),
        ("1girl, hat, :3", "trailing_weight"),
        ("1girl, smile, smile:1.2", "trailing_weight"),
        ("smile, {prompt}, 1girl", "placeholder"),
        ("smile, [a BREAK b:c:0.5], 1girl", "break_inside"),
        ("x, " * 30_000, "too_long"),
        ("smile:1, 1girl:2 , hat:3, ", ""),
    ],
)
def test_hands_off_with_a_reason(text: str, reason: str) -> None:
    result = arrange(text, AIDXL, CATALOGUE)
    if reason:
        assert (result.text, result.changed, result.reasons) == (text, False, (reason,))
        assert result.as_dict()["reason"] == REASONS[reason]
    else:
        assert result.reasons == ()


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("hat, 1girl, :3", "1girl, hat, :3", "trailing_weight"),
        ("hat, 1girl, :3, , <lora:x:1>", "1girl, :3, hat, , <lora:x:1>", ""),
        ("hat, smile, 1girl, >:(, white hair, elf", "1girl, smile, hat, >:(, white hair, elf", "unbalanced"),
        ("hat, 1girl BREAK hat, 1girl, [smile, elf", "1girl, hat BREAK 1girl, hat, [smile, elf", "unbalanced"),
        (r"smile, [rem \(re:zero\):ram:0.5], 1girl", r"1girl, smile, [rem \(re:zero\):ram:0.5]", ""),
        ("smile, [re:zero:b:0.5], [a:b:3], 1girl", "1girl, smile, [re:zero:b:0.5], [a:b:3]", ""),
        ("smile, [a:b:3]:1.2, 1girl", "smile, [a:b:3]:1.2, 1girl", "unclear_schedule"),
    ],
)
def test_only_what_may_be_read_otherwise_stays(before: str, after: str, reason: str) -> None:
    result = arrange(before, AIDXL, CATALOGUE)
    assert (result.text, result.reasons) == (after, (reason,) if reason else ())


@pytest.mark.parametrize("text", [":3, 1girl, hat", "hat, :3, 1girl", "smile:1.2, 1girl", ":3, smile"])
def test_a_tag_with_a_number_never_becomes_the_weight_of_the_prompt(text: str) -> None:
    result = sorted_text(text)
    assert parse(result).segments[-1].locked != "trailing_weight"
    assert same_meaning(text, result)


def test_each_character_keeps_what_describes_them() -> None:
    text = (
        r"white hair, 2girls, frieren, white hair, elf, fern \(sousou no frieren\), purple eyes, purple hair, forest,"
        " best quality, from above"
    )
    assert sorted_text(text) == (
        r"2girls, white hair, frieren, elf, white hair, fern \(sousou no frieren\), purple hair, purple eyes, from above,"
        " forest, best quality"
    )


def test_two_people_without_names_keep_their_descriptions_in_sequence() -> None:
    text = "2girls, white hair, blue eyes, black hair, smile, forest, from above"
    assert sorted_text(text) == "2girls, white hair, blue eyes, black hair, smile, from above, forest"


def test_a_series_follows_its_character() -> None:
    assert sorted_text("elf, sousou no frieren, frieren, 1girl") == "1girl, frieren, sousou no frieren, elf"


def test_ponys_score_chain_stays_first_whole_and_underscored() -> None:
    text = "smile, score_9, score_8_up, 1girl, source_anime, rating_safe"
    assert sorted_text(text, "pony") == "score_9, score_8_up, source_anime, rating_safe, 1girl, smile"


def test_families_differ_in_where_quality_stands() -> None:
    assert sorted_text("smile, 1girl, masterpiece", "noobai-eps") == "masterpiece, 1girl, smile"
    assert sorted_text("masterpiece, 1girl, smile", "animagine-xl-4") == "1girl, smile, masterpiece"


def test_moves_name_places_among_the_items() -> None:
    moves = [move.as_dict() for move in arrange("smile, 1girl", AIDXL, CATALOGUE).moves]
    assert moves == [
        {"tag": "1girl", "slot": "subject", "from": 1, "to": 0},
        {"tag": "smile", "slot": "expression", "from": 0, "to": 1},
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("(white dress, smile:1.2), 1girl", "1girl, (smile:1.2), (white dress:1.2)"),
        ("1girl, ((hat, smile)), elf", "1girl, elf, ((smile)), ((hat))"),
        ("(hat, ribbon:1.2), 1girl", "1girl, (hat, ribbon:1.2)"),
        ("(smile:1.2, hat:0.8), 1girl", "1girl, (smile:1.2, hat:0.8)"),
        ("[white dress, smile:0.5], 1girl", "1girl, [white dress, smile:0.5]"),
        ("(hat, {a|b}), 1girl", "1girl, (hat, {a|b})"),
    ],
)
def test_groups_are_taken_apart_on_request_alone(before: str, after: str) -> None:
    assert arrange(before, AIDXL, CATALOGUE, distribute=True).text == after
    assert Counter(item.core for item in parse(sorted_text(before)).items) == Counter(item.core for item in parse(before).items)


TAGS = st.sampled_from(
    [
        *("1girl", "smile", "white dress", "blue eyes", "hat", "forest", "sitting", "best quality", "long hair", "2girls"),
        *("frieren", r"rem \(re:zero\)", "by a", "xyzzy", ":3", ":)", "(hat:1.2)", "((smile))", "[bow]", "score_9", "a:2"),
        *("[red hair:blue hair:0.5]", "<lora:x:1>", "{a|b}", ">:(", "[cat|dog] girl", "(sky, day:1.1)", r"\m/", "a\\"),
        *("[re:zero:b:0.5]", "(a BREAK b:1)", "[a BREAK b:c:3]", "(a:1.2.1)", "__wild__"),
    ]
)
SEPARATORS = st.sampled_from([", ", ", ", ", ", ",", " , ", "\n", ",\n", " BREAK ", " AND ", ", ,", " ADDCOL ", " # x\n"])
PROMPTS = st.lists(st.tuples(TAGS, SEPARATORS), max_size=9).map(lambda pairs: "".join(tag + gap for tag, gap in pairs))
PROFILES = st.sampled_from(sorted(load_profiles()))
SIGNS = st.text(alphabet="ab ,()[]{}<>:|\\#\n1.3ANDBREK_", max_size=40)


@given(st.one_of(PROMPTS, SIGNS), PROFILES, st.booleans())
@settings(max_examples=500, deadline=None)
def test_nothing_is_lost_and_twice_is_once(text: str, profile: str, negative: bool) -> None:
    result = arrange(text, get_profile(profile), CATALOGUE, negative)
    assert same_meaning(text, result.text, negative)
    assert Counter(item.core for item in parse(result.text, negative).items) == Counter(
        item.core for item in parse(text, negative).items
    )
    assert [border.text for border in parse(result.text, negative).borders] == [
        border.text for border in parse(text, negative).borders
    ]
    again = arrange(result.text, get_profile(profile), CATALOGUE, negative)
    assert (again.text, again.changed) == (result.text, False)


PLAIN_TAGS = ("1girl", "smile", "white dress", "blue eyes", "hat", "forest", "sitting", "best quality", "sketch", "cat", "elf")
PLAIN = st.lists(st.sampled_from(PLAIN_TAGS), min_size=2, max_size=20)


@given(PLAIN, PROFILES)
@settings(max_examples=100, deadline=None)
def test_plain_tags_come_out_sorted(tags: list[str], profile: str) -> None:
    chosen = get_profile(profile)
    result = arrange(", ".join(tags), chosen, CATALOGUE)
    ranks = [chosen.rank[CATALOGUE.slot(tag).slot] for tag in result.text.split(", ")]
    assert ranks == sorted(ranks)


HOSTILE = (
    *("(" * 10_000, "[" * 10_000 + "]" * 10_000, "a\x00, 1girl", "\ud800, 1girl", "a\r\n, b\r", "x" * 10**6),
    *("<a:" * 20_000, "<a:" * 20_000 + "#>", ">" + "<a:" * 20_000, "hat, 1girl, " + ":" * 60_000, "a\n" * 30_000),
    *("((((hat)))), " * 4_000 + "1girl", "hat BREAK " * 6_000 + "hat, 1girl", "hat AND " * 7_000 + "hat, 1girl"),
    *("hat, " * 10_000 + "1girl", "[a:b:3], " * 6_000 + "1girl", "hat, 1girl, <a:" + "x," * 2_000 + ">"),
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_prompts_neither_crash_nor_hang(text: str) -> None:
    started = time.process_time()
    assert same_meaning(text, arrange(text, AIDXL, CATALOGUE).text) or len(text) > 65_536
    assert time.process_time() - started < 2.0
