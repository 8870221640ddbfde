"""Every trap that lint knows: what it is called, where it points, and what its fix makes of the prompt."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.findings import Finding, apply_fix
from tag_atelier.prompt.lint import lint
from tag_atelier.prompt.profile import get_profile

CATALOGUE = Catalogue.load()


def findings(text: str, profile: str = "aidxl", negative: bool = False) -> list[Finding]:
    """Findings of ``text``."""
    return lint(text, get_profile(profile), CATALOGUE, negative)


@pytest.mark.parametrize(
    ("text", "code", "fixed"),
    [
        ("1girl, hat, :3", "trailing_number", "1girl, hat, (:3:1.0)"),
        ("1girl, smile:1.2", "trailing_number", "1girl, (smile:1.2)"),
        ("1girl, >:(, hat", "face_bracket", r"1girl, >:\(, hat"),
        ("1girl, :), hat", "face_bracket", r"1girl, :\), hat"),
        ("1girl， hat", "full_width", "1girl,  hat"),
        ("（hat）, a", "full_width", "(hat）, a"),
        ("{{best quality}}, a", "nai_braces", "(best quality:1.103), a"),
        ("{face the lens}", "nai_braces", "(face the lens:1.05)"),
        ("1.2::hat::, a", "nai_number", "(hat:1.2), a"),
        ("(hat:1.2.1), a", "bad_number", "(hat:1.2), a"),
        (r"[rem \(re:zero\):ram:0.5], a", "plain_schedule", r"[rem \(re\:zero\):ram:0.5], a"),
        ("[smile:0.8], a", "schedule_as_weight", "(smile:0.8), a"),
        ("[a:b:1], c", "step_or_share", "[a:b:1.0], c"),
        ("1girl, panty AND stocking, hat", "and_between_words", "1girl, panty and stocking, hat"),
        ('<lora:"x":0.8>, a', "network_quotes", "<lora:x:0.8>, a"),
        ("<hypernet:name.pt:0.8>, a", "network_ending", "<hypernet:name:0.8>, a"),
        ("rem (re:zero), a", "unescaped_name", r"rem \(re:zero\), a"),
        ("长发, a", "chinese_words", "long hair, a"),
        ("a cat --ar 16:9", "foreign_flag", "a cat "),
    ],
)
def test_a_trap_and_its_fix(text: str, code: str, fixed: str) -> None:
    found = next(finding for finding in findings(text) if finding.code == code)
    assert apply_fix(text, found) == fixed


@pytest.mark.parametrize(
    ("text", "code", "marked"),
    [
        ("1girl, (smile, hat", "unbalanced", "("),
        ("(a BREAK b:1.2)", "break_in_brackets", "BREAK"),
        ("(smile:1.2, hat:0.8)", "number_inside_group", "smile:1.2"),
        ("smile, hat, smile", "duplicate", "smile"),
        ("smile, hat, (smile:1.2)", "duplicate_weight", "(smile:1.2)"),
        ("a, [re:zero:ram:0.5]", "plain_schedule", "[re:zero:ram:0.5]"),
        ("open mouth, closed mouth", "contradiction", "closed mouth"),
        ("score_9, 1girl", "foreign_quality", "score_9"),
    ],
)
def test_a_trap_without_a_fix_points_at_its_place(text: str, code: str, marked: str) -> None:
    found = next(finding for finding in findings(text) if finding.code == code)
    assert text[found.start : found.end] == marked
    assert found.fix is None


def test_what_only_the_positive_prompt_knows() -> None:
    codes = {finding.code for finding in findings("a AND b, <lora:x:1>, hat, :3", negative=True)}
    assert codes == {"and_in_negative", "network_in_negative"}


def test_each_familys_own_quality_words_are_left_alone() -> None:
    assert "foreign_quality" in {finding.code for finding in findings("masterpiece, 1girl", "aidxl")}
    assert findings("amazing quality, 1girl", "aidxl") == []
    assert findings("score_9, score_8_up, 1girl", "pony") == []
    assert findings("(worst quality:1.3), lowres", "aidxl", negative=True) == []


def test_a_long_prompt_shows_where_its_second_chunk_begins() -> None:
    text = ", ".join(f"red ribbon number {letter}" for letter in "abcdefghijklmnopqrstuvwxyz")
    found = findings(text)
    assert [(finding.code, text[finding.start : finding.end]) for finding in found] == [
        ("second_chunk", "red ribbon number p"),
    ]


@pytest.mark.parametrize(
    "text", ["1girl, smile, long hair", r"rem \(re:zero\), 1girl", "1girl, (smile:1.2), [hat:bow:0.5]", "{a|b}, 1girl", ""]
)
def test_a_sound_prompt_has_no_findings(text: str) -> None:
    assert findings(text) == []


@pytest.mark.parametrize(
    "text",
    [
        *("(" * 20_000, ")" * 20_000, "[a:" * 15_000, "smile, " * 9_000, "{" * 30_000, "，" * 60_000, "x" * 10**6),
        *("1" * 60_000, "(" + "a:1," * 15_000, "<a:" * 20_000, "<a:" * 20_000 + "#>", ":" + "." * 60_000, ":" + " " * 60_000),
        *("1::a" * 15_000, "{a}" * 20_000, "a (b" * 15_000, "--ar " * 12_000, "[" * 5_000 + "a:1" + "]" * 5_000),
    ],
)
def test_hostile_prompts_neither_crash_nor_hang(text: str) -> None:
    started = time.perf_counter()
    findings(text)
    assert time.perf_counter() - started < 3.0


@given(st.text(alphabet="ab ,()[]{}<>:|\\#\n1.3AND，（长-", max_size=40), st.booleans())
@settings(max_examples=200, deadline=None)
def test_every_finding_lies_inside_the_prompt(text: str, negative: bool) -> None:
    for finding in findings(text, negative=negative):
        assert 0 <= finding.start <= finding.end <= len(text)
        assert finding.message.endswith((".", "'"))
        assert finding.as_dict()["code"] == finding.code
