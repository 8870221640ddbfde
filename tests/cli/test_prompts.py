"""``arrange`` and ``lint`` over JSON lines: one answer a line, whatever the line holds."""

from __future__ import annotations

import io
import json
import sys
import time
from typing import Any

import pytest

from tag_atelier.cli import main


def answers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, lines: list[str], *arguments: str
) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and answers of ``arrange --json`` (or another command) to these lines."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(lines) + "\n"))
    code = main([*(arguments or ("arrange", "--profile", "aidxl")), "--json"])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_every_line_is_answered_by_one(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ['{"prompt": "smile, 1girl", "negative": false}', "", '{"prompt": "very long hair, >:(, long hair"}']
    code, (first, second) = answers(capsys, monkeypatch, lines)
    assert code == 0
    assert (first["text"], first["changed"], first["reason"], first["lint"], first["overlaps"]) == (
        "1girl, smile",
        True,
        "",
        [],
        [],
    )
    assert first["moves"][0] == {"tag": "1girl", "slot": "subject", "from": 1, "to": 0}
    assert (second["changed"], second["reason"][:11]) == (False, "Not sorted:")
    assert {"code", "start", "end", "message", "fix"} <= set(second["lint"][0])


def test_the_lines_own_negative_counts(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ['{"prompt": "hat, smile AND 1girl", "negative": true}', '{"prompt": "hat, smile AND 1girl"}']
    _, found = answers(capsys, monkeypatch, lines)
    assert [answer["text"] for answer in found] == ["smile AND 1girl, hat", "smile, hat AND 1girl"]


def test_a_line_that_is_no_request_spoils_no_other(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["junk", '{"negative": true}', '{"prompt": "a", "colour": 1}', '{"prompt": "smile, 1girl"}']
    code, found = answers(capsys, monkeypatch, lines)
    assert code == 1
    assert [list(answer) for answer in found[:3]] == [["error"]] * 3
    assert found[3]["text"] == "1girl, smile"


def test_a_megabyte_and_half_a_character_come_back(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    big = "smile, 1girl, " * 75_000
    started = time.process_time()
    code, found = answers(capsys, monkeypatch, [json.dumps({"prompt": big}), '{"prompt": "hat, \\ud800, 1girl"}'])
    assert time.process_time() - started < 2.0
    assert (code, found[0]["text"], found[0]["changed"], found[0]["lint"], found[0]["overlaps"]) == (0, big, False, [], [])
    assert found[1]["text"] == "1girl, hat, \ud800"


def test_lint_answers_lines_too(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    _, (found,) = answers(capsys, monkeypatch, ['{"prompt": "1girl, hat, :3"}'], "lint")
    assert [finding["code"] for finding in found["findings"]] == ["trailing_number"]


def test_lanes_are_printed_slot_by_slot(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lanes", "smile, 1girl, (hat:1.2) BREAK blush"]) == 0
    assert capsys.readouterr().out == "subject\t1girl\nexpression\tsmile, blush\naccessories\t(hat:1.2)\n"
    assert main(["lanes", "--json", "hat"]) == 0
    assert json.loads(capsys.readouterr().out)["items"][0]["slot"] == "accessories"


def test_search_prints_what_to_write(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "绫波丽", "--limit", "1"]) == 0
    assert capsys.readouterr().out.split("\t")[:2] == ["ayanami rei", "character"]
    assert main(["search", "long hair", "--json", "--limit", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["entries"][0]["tag"] == "long_hair"
    assert main(["search", "hat", "--limit", "0"]) == 1
