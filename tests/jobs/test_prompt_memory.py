"""The prompt page's memory: kept across starts, shared between processes, and never lost to a broken file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tag_atelier.errors import RequestError
from tag_atelier.jobs.prompt_memory import FILE_NAME, LONGEST_HISTORY, PromptMemory, write_beside
from tag_atelier.jobs.prompt_notes import PromptNotes
from tag_atelier.jobs.prompts import Prompts
from tag_atelier.language import tell


def test_what_was_remembered_is_there_at_the_next_start(tmp_path: Path) -> None:
    PromptNotes(PromptMemory(tmp_path)).change({"favourite": {"text": "1girl, 微笑", "name": "mine"}})
    PromptMemory(tmp_path).change_box("txt2img", lambda box: box["pins"].append("smile"))
    again = PromptMemory(tmp_path).value()
    assert again["favourites"] == [{"text": "1girl, 微笑", "name": "mine"}]
    assert again["boxes"] == {"txt2img": {"pins": ["smile"], "off": []}}
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_a_box_without_anything_is_forgotten(tmp_path: Path) -> None:
    memory = PromptMemory(tmp_path)
    memory.change_box("a", lambda box: box["pins"].append("smile"))
    memory.change_box("a", lambda box: box["pins"].clear())
    assert memory.value()["boxes"] == {}


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"version": 0}', "{}", '{"version": 1, "history": {}}', "\0", '{"version":1,"boxes":{"a":1}}']
)
def test_a_broken_file_is_kept_aside_with_a_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE_NAME).write_text(content, encoding="utf-8")
    memory = PromptMemory(tmp_path)
    assert memory.value()["history"] == []
    assert FILE_NAME in memory.problem and "kept as" in memory.problem
    memory.change(lambda value: value["favourites"].append({"text": "hat"}))
    (aside,) = [path for path in tmp_path.iterdir() if "broken" in path.name]
    assert aside.read_text(encoding="utf-8") == content
    assert json.loads((tmp_path / FILE_NAME).read_text(encoding="utf-8"))["favourites"] == [{"text": "hat"}]


def test_a_failed_change_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = PromptMemory(tmp_path)
    memory.change(lambda value: value["favourites"].append({"text": "hat"}))
    monkeypatch.setattr("os.fsync", lambda _handle: (_ for _ in ()).throw(OSError("no room")))
    with pytest.raises(OSError, match="no room"):
        memory.change(lambda value: value["favourites"].clear())
    assert memory.value()["favourites"] == PromptMemory(tmp_path).value()["favourites"] == [{"text": "hat"}]
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_write_beside_replaces_a_file_whole(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"old")
    write_beside(tmp_path / "a.csv", b"new")
    assert (tmp_path / "a.csv").read_bytes() == b"new"


def test_history_holds_each_prompt_once_newest_first(tmp_path: Path) -> None:
    notes = PromptNotes(PromptMemory(tmp_path))
    for number in [*range(LONGEST_HISTORY + 3), 5]:
        notes.change({"history": {"text": f"hat {number}", "negative": "lowres"}})
    history = notes.show()["history"]
    assert isinstance(history, list) and len(history) == LONGEST_HISTORY
    assert [row["text"] for row in history[:2]] == ["hat 5", f"hat {LONGEST_HISTORY + 2}"]


def test_a_history_of_long_prompts_is_shorter(tmp_path: Path) -> None:
    notes = PromptNotes(PromptMemory(tmp_path))
    for number in range(20):
        notes.change({"history": {"text": f"{number} " + "x" * 60_000}})
    assert [str(row["text"])[:2] for row in notes.show()["history"]][:2] == ["19", "18"]  # type: ignore[attr-defined]
    assert len(notes.show()["history"]) == 16  # type: ignore[arg-type]


def test_changes_of_another_process_are_seen(tmp_path: Path) -> None:
    one, other = PromptMemory(tmp_path), PromptMemory(tmp_path)
    before = one.revision
    other.change(lambda value: value["favourites"].append({"text": "hat"}))
    assert one.value()["favourites"] == [{"text": "hat"}] and one.revision > before
    (tmp_path / FILE_NAME).unlink()
    assert one.value()["favourites"] == []


def test_corrections_reach_slots_and_go_again(tmp_path: Path) -> None:
    memory = PromptMemory(tmp_path)
    prompts, notes = Prompts(None, memory), PromptNotes(memory)
    assert prompts.slots(["hat", "qwrtz"]) == [
        {"tag": "hat", "slot": "accessories", "confidence": 0.99},
        {"tag": "qwrtz", "slot": "unknown", "confidence": 0.0},
    ]
    notes.change({"correct": {"tag": "Hat", "slot": "items", "zh": "帽"}})
    notes.change({"correct": {"tag": "qwrtz", "slot": "theme"}})
    assert [answer["slot"] for answer in prompts.slots(["hat", "qwrtz"])] == ["items", "theme"]
    assert prompts.arrange({"text": "hat, smile, qwrtz"})["text"] == "qwrtz, smile, hat"
    corrected = prompts.catalogue
    notes.change({"history": {"text": "hat"}})
    assert prompts.catalogue is corrected
    notes.change({"forget": "hat"})
    notes.change({"clear": "corrections"})
    assert [answer["slot"] for answer in prompts.slots(["hat", "qwrtz"])] == ["accessories", "unknown"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "0 changes"),
        ({"forget": "a", "clear": "history"}, "2 changes"),
        ({"correct": {"tag": "hat", "slot": "hats"}}, "expected one of trigger"),
        ({"correct": {"tag": " "}}, "'tag' is empty"),
        ({"correct": {"tag": "x" * 300}}, "at most 200"),
        ({"correct": {"tag": "a", "hidden": 1}}, "'hidden' is a number"),
        ({"favourite": {"text": " "}}, "has no text"),
        ({"history": {"text": "x" * 70_000}}, "more than 65536"),
        ({"clear": "everything"}, "expected one of corrections"),
        ({"remember": {}}, "unknown key"),
    ],
)
def test_changes_that_make_no_sense_are_refused(tmp_path: Path, change: dict[str, object], words: str) -> None:
    notes = PromptNotes(PromptMemory(tmp_path))
    with pytest.raises(RequestError, match=words):
        notes.change(change)
    assert list(tmp_path.iterdir()) == []


def test_what_was_kept_aside_is_said_in_chinese(tmp_path: Path) -> None:
    (tmp_path / "prompt-memory.json").write_text("[]", encoding="utf-8")
    memory = PromptMemory(tmp_path)
    memory.value()
    aside = next(tmp_path.glob("prompt-memory.broken-*.json")).name
    expected = f"“prompt-memory.json”无法读取（内容是 list，应为对象）；原文件已保留为“{aside}”，并新建了一个。"
    assert tell(memory.problem, "zh_CN") == expected
