"""Lanes and edits as the page asks for them: what is told, what is remembered, what is refused."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_atelier.errors import PromptError, RequestError, TagAtelierError
from tag_atelier.jobs.prompt_memory import PromptMemory
from tag_atelier.jobs.prompt_page import LONGEST, PromptPage
from tag_atelier.jobs.prompts import Prompts
from tests.prompt.hostile_prompts import HOSTILE
from tests.prompt.prompt_maker import make

PAGE = PromptPage(Prompts())


@pytest.fixture
def page(tmp_path: Path) -> PromptPage:
    return PromptPage(Prompts(None, PromptMemory(tmp_path)))


def edit(page: PromptPage, prompt: str, **op: object) -> dict[str, Any]:
    kept = {"with": op.pop("around", {}), "negative": op.pop("negative", False)}
    return page.edit({"text": prompt, "box": "here", "op": op, **kept})


def shown(answer: dict[str, Any]) -> str:
    """The text with its selection between two ``^``."""
    start, end = answer["selection"]
    return f"{answer['text'][:start]}^{answer['text'][start:end]}^{answer['text'][end:]}"


def test_lanes_tell_all_of_a_prompt() -> None:
    answer = PAGE.lanes({"text": "smile, 1girl, EasyNegative, very long hair, long hair", "language": "zh_CN"})
    assert answer["profile"] == "aidxl"
    slots: Any = answer["slots"]
    assert [slot["id"] for slot in slots[:2]] == ["trigger", "subject"] and slots[-1]["id"] == "unknown"
    assert slots[1]["label"] == "人物与数量"
    items: Any = answer["items"]
    assert [item["tag"] for item in items[:2]] == ["smile", "1girl"]
    assert items[0] == items[0] | {
        "index": 0,
        "start": 0,
        "end": 5,
        "text": "smile",
        "kind": "tag",
        "slot": "expression",
        "weight": 1.0,
        "zh": "微笑",
        "locked": False,
        "reason": "",
        "segment": 0,
        "line": 0,
        "pinned": False,
        "off": False,
        "key": "",
        "safe": True,
    }
    assert answer["arranged"] is False
    findings: Any = answer["findings"]
    assert "SD1.5" in next(finding["message"] for finding in findings if finding["code"] == "embedding_base")
    assert answer["overlaps"] == [{"narrow": "very long hair", "broad": "long hair"}]
    assert 10 <= int(str(answer["tokens"])) <= 20 and answer["token_limit"] == 75 and answer["borders"] == []


def test_lanes_of_75_tags_take_little_time() -> None:
    names = [entry.text for entry in Prompts().catalogue.entries.values() if entry.safe][:6000:80]
    assert len(names) == 75
    PAGE.lanes({"text": ", ".join(names[:2])})
    taken = []
    for turn in range(5):
        started = time.process_time()
        PAGE.lanes({"text": ", ".join(names[turn:] + names[:turn])})
        taken.append(time.process_time() - started)
    assert min(taken) < 0.05


@pytest.mark.parametrize(
    ("text", "op", "expected"),
    [
        ("1girl, smile", {"kind": "move", "index": 1, "to_index": 0}, "^smile^, 1girl"),
        ("1girl, smile", {"kind": "remove", "index": 0}, "^^smile"),
        ("1girl, smile", {"kind": "weight", "index": 1, "weight": 1.2}, "1girl, ^(smile:1.2)^"),
        ("1girl, smile", {"kind": "replace", "index": 1, "text": "frown"}, "1girl, ^frown^"),
        ("1girl, smile", {"kind": "add", "tag": "forest"}, "1girl, ^forest^, smile"),
        ("1girl, smile", {"kind": "add", "tag": "lucy_(cyberpunk)", "at": 2}, "1girl, smile, ^lucy \\(cyberpunk\\)^"),
        ("smile, 1girl", {"kind": "add", "tag": "hat", "slot": "expression"}, "smile, ^hat^, 1girl"),
        ("smile, 1girl", {"kind": "arrange"}, "^1girl, smile^"),
        ("1girl, hat, :3", {"kind": "fix", "code": "trailing_number", "start": 12, "end": 14}, "1girl, hat, ^(:3:1.0)^"),
        ("1girl", {"kind": "quality", "level": "best"}, "1girl^, best quality^"),
        ("1girl, best quality", {"kind": "quality", "level": "amazing"}, "1girl, ^amazing^ quality"),
        ("1girl, amazing quality", {"kind": "quality", "level": "amazing_strong"}, "1girl, ^(amazing quality:1.5)^"),
        ("1girl, amazing quality, hat", {"kind": "quality", "level": ""}, "1girl, ^^hat"),
    ],
)
def test_an_edit_answers_with_the_text_and_what_was_touched(
    page: PromptPage, text: str, op: dict[str, object], expected: str
) -> None:
    answer = edit(page, text, **op)
    assert shown(answer) == expected
    assert answer["changed"] is True


def test_a_fix_may_set_values_and_the_other_prompt(page: PromptPage) -> None:
    text = "1girl --ar 16:9"
    answer = edit(page, text, kind="fix", code="foreign_flag", start=6, end=15)
    assert (answer["text"].strip(), answer["settings"]) == ("1girl", {"width": 1216, "height": 832})
    answer = edit(page, "1girl --no hat", kind="fix", code="foreign_flag", start=6, end=14, around={"other": "lowres, "})
    assert (answer["text"].strip(), answer["other"]) == ("1girl", "lowres, hat")
    with pytest.raises(PromptError, match="no fix for 'foreign_flag'"):
        edit(page, "1girl", kind="fix", code="foreign_flag", start=0, end=1)


def test_a_negative_preset_goes_into_the_negative_prompt(page: PromptPage) -> None:
    guide = page._prompts.profile("aidxl").negative["chinese_guide"]
    author = page._prompts.profile("aidxl").negative["author"]
    answer = edit(page, "1girl", kind="negative_preset", name="chinese_guide", around={"other": "hat"})
    assert (answer["text"], answer["other"]) == ("1girl", f"{guide}, hat")
    answer = edit(page, f"{guide}, hat", kind="negative_preset", name="author", negative=True)
    assert answer["text"] == f"{author}, hat"
    with pytest.raises(RequestError, match="negative_preset"):
        edit(page, "hat", kind="quality", level="best", negative=True)


def test_a_chip_is_switched_off_and_on_again(page: PromptPage) -> None:
    answer = edit(page, "1girl, (smile:1.2), forest", kind="off", index=1)
    assert answer["text"] == "1girl, forest"
    off = answer["items"][-1]
    assert off == off | {"index": -1, "start": -1, "end": -1, "text": "(smile:1.2)", "off": True, "slot": "expression"}
    assert not any(item["off"] for item in page.lanes({"text": "1girl, smile", "box": "here"})["items"])  # type: ignore[attr-defined]
    assert not any(item["off"] for item in page.lanes({"text": "1girl", "box": "there"})["items"])  # type: ignore[attr-defined]
    answer = edit(page, "1girl, forest, hat", kind="on", key=off["key"])
    assert (answer["text"], [item["off"] for item in answer["items"]]) == ("1girl, (smile:1.2), forest, hat", [False] * 4)
    with pytest.raises(RequestError, match="switched off"):
        edit(page, "1girl", kind="on", key=off["key"])


def test_a_switched_off_chip_finds_a_place_without_its_neighbour_and_can_be_given_up(page: PromptPage) -> None:
    first, second = (edit(page, "1girl, hat, smile", kind="off", index=index)["items"][-1] for index in (1, 2))
    assert edit(page, "1boy, forest", kind="on", key=first["key"])["text"] == "1boy, forest, hat"
    assert not any(item["off"] for item in edit(page, "1girl", kind="forget", key=second["key"])["items"])


def test_a_pinned_tag_stays_in_front_when_arranged(page: PromptPage) -> None:
    text = "1girl, xyzzy, forest, hat, quuxly, smile"
    answer = edit(page, text, kind="pin", index=3)
    assert [item["pinned"] for item in answer["items"]] == [False, False, False, True, False, False]
    assert (answer["text"], answer["arranged"]) == (text, False)
    answer = edit(page, text, kind="arrange")
    assert answer["text"].startswith("hat, 1girl") and answer["arranged"] is True
    assert edit(page, answer["text"], kind="arrange")["text"] == answer["text"]
    edit(page, answer["text"], kind="unpin", index=0)
    assert edit(page, answer["text"], kind="arrange")["text"].startswith("1girl")


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"text": "a", "op": {"kind": "explode"}}, "expected one of: move"),
        ({"text": "a", "op": {"kind": "move", "index": 0}}, "'to_index' is None"),
        ({"text": "a", "op": {"kind": "move", "index": True, "to_index": 0}}, "'index' is True"),
        ({"text": "a", "op": {"kind": "remove", "index": 3}}, "there are 1 items"),
        ({"text": "a", "op": {"kind": "remove", "index": 0, "x": 1}}, "unknown key"),
        ({"text": "a", "op": {"kind": "weight", "index": 0, "weight": "1"}}, "'weight' is '1'"),
        ({"text": "a", "op": {"kind": "add", "tag": " "}}, "'tag' is empty"),
        ({"text": "a", "op": {"kind": "add", "tag": "b", "slot": "hats"}}, "'slot' is 'hats'"),
        ({"text": "a", "op": {"kind": "off", "index": 0}}, "'box' is missing"),
        ({"text": "a"}, "'op'"),
        ({"text": "a", "op": {"kind": "remove", "index": 0}, "language": "fr"}, "en or zh_CN"),
        ({"text": "a", "op": {"kind": "remove", "index": 0}, "box": "b" * 101}, "at most 100"),
        ({"text": "a" * (LONGEST + 1), "op": {"kind": "remove", "index": 0}}, "edit it by hand"),
        ({"op": {"kind": "remove", "index": 0}}, "'text' is missing"),
    ],
)
def test_requests_that_make_no_sense_are_refused(request_: dict[str, object], words: str) -> None:
    with pytest.raises(RequestError, match=words):
        PAGE.edit(request_)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_prompt_holds_the_page_up(text: str) -> None:
    started = time.process_time()
    assert PAGE.lanes({"text": text})["text"] == text
    assert time.process_time() - started < 2.0


OPS = st.fixed_dictionaries(
    {"kind": st.sampled_from(["move", "remove", "weight", "off", "pin", "unpin"]), "index": st.integers(0, 9)}
)
MORE = st.one_of(
    OPS,
    st.fixed_dictionaries(
        {"kind": st.just("add"), "tag": st.sampled_from(["hat", "(x", "a, b", ":3", "\ud800", "#", "[a|b]"])}
    ),
    st.sampled_from([{"kind": "arrange"}, {"kind": "quality", "level": "best"}, {"kind": "negative_preset", "name": "author"}]),
)


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 10**6).map(lambda number: make(number)[0]), MORE, st.booleans())
def test_any_edit_of_any_prompt_is_done_or_refused_with_a_sentence(text: str, op: dict[str, object], negative: bool) -> None:
    extra = {"move": {"to_index": 1}, "weight": {"weight": 0.8}}.get(str(op["kind"]), {})
    try:
        answer = PAGE.edit({"text": text, "negative": negative, "box": "any", "op": {**op, **extra}})
    except TagAtelierError as refusal:
        assert str(refusal).endswith((".", "text.", "tag."))
        return
    finally:
        PAGE._prompts.memory.change(lambda value: value["boxes"].clear())
    items: Any = answer["items"]
    assert all(item["off"] or str(answer["text"])[item["start"] : item["end"]] == item["text"] for item in items)
