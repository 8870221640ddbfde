"""Every trap that lint knows: what it is called, where it points, and what its fix makes of the prompt."""

from __future__ import annotations

import ast
import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_atelier.errors import PromptError
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.clip_words import ClipWords
from tag_atelier.prompt.findings import Finding, Surroundings, apply_fix
from tag_atelier.prompt.lint import lint
from tag_atelier.prompt.profile import get_profile
from tag_atelier.prompt.tokens import measure

ROOT = Path(__file__).resolve().parent.parent.parent
CATALOGUE = Catalogue.load()


TABLE = ClipWords([])
"""Knows no merges: every letter is a token."""
SECOND_PASS = "\nSteps: 20, Sampler: Euler a, Denoising strength: 0.5"


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
        ("1girl, (smile, hat", "unbalanced", r"1girl, \(smile, hat"),
        ("smile, hat, smile", "duplicate", "smile, hat"),
        ("smile, smile , hat", "duplicate", "smile, hat"),
        ("score_9, 1girl", "foreign_quality", "1girl"),
        ("EasyNegative, 1girl", "embedding_base", "1girl"),
        ("EasyNegative, 1girl", "negative_embedding", "1girl"),
        ("(a BREAK b c:1.2), d", "break_in_brackets", "(a:1.2) BREAK (b c:1.2), d"),
        ("(a BREAK b)", "break_in_brackets", "(a) BREAK (b)"),
        ("x, (smile:1.2, hat, bow:0.8)", "number_inside_group", "x, (smile:1.2), hat, (bow:0.8)"),
        ("green hair, hat, white skirt", "colours", "green hair, hat BREAK white skirt"),
        ("red shirt, blue skirt", "colours", "red shirt BREAK blue skirt"),
        ("jacket removed, a", "old_name", "unworn jacket, a"),
        ("hand on hip, a", "old_name", "hand on own hip, a"),
        ("1girl, unaestheticXLv31", "negative_embedding", "1girl"),
        ("(cat|dog), a", "bar_in_round", "[cat|dog], a"),
        ("1girl, hat\nNegative prompt: lowres\nSteps: 20, Sampler: Euler", "pasted_infotext", "1girl, hat"),
        ("green hair, white skirt, a", "colours", "green hair BREAK white skirt, a"),
        ("black legwear, a", "old_name", "black thighhighs, a"),
        ("twin tails, a", "old_name", "twintails, a"),
    ],
)
def test_a_trap_and_its_fix(text: str, code: str, fixed: str) -> None:
    found = next(finding for finding in findings(text) if finding.code == code)
    assert apply_fix(text, found) == fixed


@pytest.mark.parametrize(
    ("text", "code", "marked"),
    [
        ("((a BREAK b:1.2), c)", "break_in_brackets", "BREAK"),
        ("smile, hat, (smile:1.2)", "duplicate_weight", "(smile:1.2)"),
        ("a, [re:zero:ram:0.5]", "plain_schedule", "[re:zero:ram:0.5]"),
        ("open mouth, closed mouth", "contradiction", "closed mouth"),
        ("a, [cat|dog]", "alternation", "[cat|dog]"),
        (
            "a\nSteps: 20, Sampler: Euler a, Denoising strength: 0.5",
            "pasted_second_pass",
            "\nSteps: 20, Sampler: Euler a, Denoising strength: 0.5",
        ),
    ],
)
def test_a_trap_without_a_fix_points_at_its_place(text: str, code: str, marked: str) -> None:
    found = next(finding for finding in findings(text) if finding.code == code)
    assert text[found.start : found.end] == marked
    assert found.fix is None


def codes_with(text: str, profile: str = "aidxl", negative: bool = False, **around: object) -> dict[str, object]:
    """Code → settings of the findings of a prompt drawn with ``around``."""
    surroundings = Surroundings.from_value(around)
    found = lint(text, get_profile(profile), CATALOGUE, negative, surroundings)
    return {finding.code: dict(finding.settings) for finding in found}


@pytest.mark.parametrize(
    ("profile", "around", "expected"),
    [
        ("aidxl", {"sampler": "DDIM"}, {"sampler": {"sampler": "Euler a"}}),
        ("aidxl", {"steps": 8}, {"steps": {"steps": 28}}),
        ("few-step", {"steps": 8, "cfg_scale": 1}, {}),
        ("aidxl", {"cfg_scale": 12}, {"cfg": {"cfg_scale": 7.0}}),
        ("few-step", {"cfg_scale": 1, "other": "lowres"}, {"cfg_one": {}}),
        ("aidxl", {"clip_skip": 2}, {"clip_skip": {"clip_skip": 1}}),
        ("aidxl", {"clip_skip": 7}, {"clip_skip_high": {"clip_skip": 1}}),
        ("aidxl", {"refiner": True}, {"refiner": {"refiner": False}}),
        ("aidxl", {"width": 512, "height": 768}, {"size": {"width": 832, "height": 1216}}),
        ("aidxl", {"width": 1024, "height": 1032}, {"size": {"width": 1024, "height": 1024}}),
        ("aidxl", {"width": 832, "height": 1216, "steps": 28, "sampler": "Euler a", "cfg_scale": 7, "clip_skip": 1}, {}),
    ],
)
def test_settings_off_the_familys(profile: str, around: dict[str, object], expected: dict[str, object]) -> None:
    assert codes_with("1girl", profile, **around) == expected


def test_a_network_is_judged_by_what_is_known_of_it() -> None:
    facts = {"x": {"triggers": ["aaa", "bbb"], "weight": 0.6, "character": True, "base": "sd15"}}
    surroundings = Surroundings.from_value({"networks": facts})
    found = {
        finding.code: finding.fix for finding in lint("aaa, <lora:x:1>", get_profile("aidxl"), CATALOGUE, False, surroundings)
    }
    assert found == {"network_triggers": "<lora:x:1>, bbb", "network_base": "", "network_weight": "<lora:x:0.6>"}
    assert codes_with("<lora:x:1>") == {}


def test_positive_against_negative() -> None:
    assert codes_with("1girl, multiple views", other="(multi views:1.2), lowres") == {"against_negative": {}}


@pytest.mark.parametrize("around", [{"steps": "many"}, {"colour": 1}, {"networks": {"x": {"trigger": []}}}])
def test_wrong_surroundings_are_refused(around: dict[str, object]) -> None:
    with pytest.raises(PromptError, match="'with' holds"):
        Surroundings.from_value(around)


def test_a_flag_says_what_to_set_instead() -> None:
    assert codes_with("a cat --ar 2:3, b --seed 12") == {"foreign_flag": {"seed": 12}}
    found = next(finding for finding in findings("a cat --ar 2:3") if finding.code == "foreign_flag")
    assert found.settings == (("width", 832), ("height", 1216))


def sentences() -> set[str]:
    """Every sentence of lint: what ``say`` is called with, and what stands in constants."""
    found: set[str] = set()
    for path in sorted((ROOT / "tag_atelier" / "prompt").glob("lint*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        said = [node.args[0] for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say"]
        kept = [node.value for node in ast.walk(tree) if isinstance(node, ast.Assign)]
        texts = (part.value for node in (*said, *kept) for part in ast.walk(node) if isinstance(part, ast.Constant))
        found |= {text for text in texts if isinstance(text, str) and " " in text and text.endswith(".")}
    return found


def test_every_sentence_has_its_chinese() -> None:
    table = json.loads((ROOT / "localizations" / "zh_CN.json").read_text(encoding="utf-8"))
    assert len(sentences()) > 50
    assert sorted(sentences() - set(table)) == []


def test_a_finding_speaks_chinese() -> None:
    (found,) = findings("1girl, hat, :3")
    assert found.as_dict("zh_CN")["message"] == "提示词以“:3”结尾，WebUI 会把它当作整段提示词的权重 3。请给该标签加上括号。"


def test_what_only_the_positive_prompt_knows() -> None:
    codes = {finding.code for finding in findings("a AND b, <lora:x:1>, hat, :3", negative=True)}
    assert codes == {"and_in_negative", "network_in_negative"}


def test_each_familys_own_quality_words_are_left_alone() -> None:
    assert "foreign_quality" in {finding.code for finding in findings("masterpiece, 1girl", "aidxl")}
    assert findings("amazing quality, 1girl", "aidxl") == []
    assert findings("score_9, score_8_up, 1girl", "pony") == []
    assert findings("(worst quality:1.3), lowres", "aidxl", negative=True) == []


def test_a_long_prompt_shows_about_where_its_second_chunk_begins_without_clips_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tag_atelier.prompt.tokens.clip_words", lambda: None)
    text = ", ".join(f"red ribbon number {letter}" for letter in "abcdefghijklmnopqrstuvwxyz")
    found = findings(text)
    assert [(finding.code, text[finding.start : finding.end]) for finding in found] == [
        ("second_chunk", "red ribbon number p"),
    ]
    assert found[0].message.startswith("About here 75 tokens are full")


def test_a_long_prompt_shows_every_chunk_that_begins_for_want_of_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tag_atelier.prompt.tokens.clip_words", lambda: TABLE)
    names = [f"red {letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    text = "1girl BREAK (" + ", ".join(names[:13]) + ":1.2), " + ", ".join(names[13:])
    found = [finding for finding in findings(text) if finding.code == "second_chunk"]
    borders = measure(text).borders
    assert len(borders) == 2
    assert text[borders[0] :].startswith("red a, red b")
    assert [text[finding.start : finding.end] for finding in found] == ["red p"]
    assert "from 'red p' on" in found[0].message


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
        *(" " * 60_000 + "xBREAK", "BREAK" + " " * 60_000 + "x", "smile\0hat, 1girl\0, " * 3_000, "\ud800, \udfff, " * 9_000),
    ],
)
def test_hostile_prompts_neither_crash_nor_hang(text: str) -> None:
    started = time.process_time()
    findings(text)
    assert time.process_time() - started < 3.0


@given(st.text(alphabet="ab ,()[]{}<>:|\\#\n1.3AND，（长-", max_size=40), st.booleans())
@settings(max_examples=200, deadline=None)
def test_every_finding_lies_inside_the_prompt(text: str, negative: bool) -> None:
    for finding in findings(text, negative=negative):
        assert 0 <= finding.start <= finding.end <= len(text)
        assert finding.message.endswith((".", "'"))
        assert finding.as_dict()["code"] == finding.code
