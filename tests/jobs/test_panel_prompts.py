"""What the panel makes of a job's prompts: each once, words and order, and a reason for whatever stays as it was."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_atelier.jobs.families import Families, Family
from tag_atelier.jobs.panel import PanelRequest
from tag_atelier.jobs.panel_prompts import Outcome, Pair, PanelMemory, PanelPrompts
from tag_atelier.jobs.prompts import Prompts
from tag_atelier.ports import Checkpoint
from tests.fakes import fake_host
from tests.prompt.hostile_prompts import HOSTILE

MESSY = "white hair, sitting, best quality, 1girl"
SORTED = "1girl, sitting, white hair, best quality"
PONY = Checkpoint("ponyDiffusionV6XL", "ponyDiffusionV6XL")


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> PanelPrompts:
    folder = tmp_path_factory.mktemp("panel")
    return PanelPrompts(Prompts(), Families(fake_host(folder), dict), lambda: {"language": "zh_CN"}, folder)


def write(panel: PanelPrompts, pair: Pair, checkpoint: Checkpoint | None = None, **wishes: object) -> tuple[Pair, Outcome]:
    outcome = panel.write([pair], PanelRequest.from_value(wishes), checkpoint)
    return outcome.written[pair], outcome


def test_every_different_prompt_is_arranged_and_named_once(panel: PanelPrompts) -> None:
    pairs = [(MESSY, ""), ("beach, 1boy", "text"), (MESSY, "")]
    outcome = panel.write(pairs, PanelRequest(enabled=True), None)
    assert dict(outcome.written) == {(MESSY, ""): (SORTED, ""), ("beach, 1boy", "text"): ("1boy, beach", "text")}
    assert outcome.infotext == {"Tag Atelier profile": "aidxl"}
    assert outcome.moved == 5 and not outcome.notes


def test_tags_pinned_in_the_tabs_box_stay_in_front(panel: PanelPrompts) -> None:
    panel.prompts.memory.change_box("img2img_prompt", lambda box: box["pins"].append("sitting"))
    assert (panel.pins("txt2img"), panel.pins("img2img")) == ([], ["sitting"])
    outcome = panel.write([(MESSY, "")], PanelRequest(enabled=True), None, panel.pins("img2img"))
    assert outcome.written[MESSY, ""] == ("sitting, 1girl, white hair, best quality", "")
    unsorted = panel.write([(MESSY, "")], PanelRequest(enabled=True, arrange=False), None, ["sitting"])
    assert unsorted.written[MESSY, ""] == (MESSY, "")


def test_words_are_added_and_told_by_their_own_name(panel: PanelPrompts) -> None:
    written, outcome = write(panel, (MESSY, "text"), quality="default", negative_preset="chinese_guide")
    assert written[0] == SORTED and written[1].startswith("worst quality, low quality") and written[1].endswith(", text")
    assert outcome.infotext == {
        "Tag Atelier profile": "aidxl",
        "Tag Atelier quality": "best",
        "Tag Atelier negative": "chinese_guide",
    }


def test_without_sorting_only_the_words_are_added(panel: PanelPrompts) -> None:
    written, outcome = write(panel, (MESSY, ""), arrange=False, quality="amazing")
    assert written == (f"{MESSY}, amazing quality", "")
    assert outcome.infotext["Tag Atelier arrange"] == "False" and outcome.moved == 0


def test_automatic_is_the_family_of_the_checkpoint_that_draws(panel: PanelPrompts) -> None:
    _, outcome = write(panel, (MESSY, ""), PONY, profile="automatic", quality="default")
    assert outcome.family == Family("pony", "name", "ponyDiffusionV6XL")
    assert outcome.infotext["Tag Atelier profile"] == "pony"
    _, unknown = write(panel, (MESSY, ""), None, profile="automatic")
    assert unknown.family == Family("aidxl", "settings", "")


def test_an_unknown_family_leaves_everything(panel: PanelPrompts) -> None:
    written, outcome = write(panel, (MESSY, "text"), profile="nobody", quality="best")
    assert written == (MESSY, "text") and outcome.family is None and outcome.infotext == {}
    (note,) = outcome.notes[MESSY]
    assert note.startswith("Untouched: ") and "nobody" in note


def test_an_unknown_level_adds_nothing_and_sorts_all_the_same(panel: PanelPrompts) -> None:
    written, outcome = write(panel, (MESSY, ""), quality="splendid", negative_preset="none such")
    assert written == (SORTED, "")
    quality, negative = outcome.notes[SORTED]
    assert quality.startswith("Nothing added: AIDXL 0.8 and later has no quality level 'splendid', only best, amazing")
    assert "no negative preset 'none such', only author, chinese_guide" in negative
    assert panel.speak(quality).startswith("未加入：AIDXL 0.8 及以后 没有质量等级“splendid”")


def test_a_family_without_words_adds_none_for_its_default(panel: PanelPrompts) -> None:
    _, outcome = write(panel, (MESSY, ""), profile="aidxl-0.6", quality="default")
    assert "Tag Atelier quality" not in outcome.infotext and not outcome.notes


def test_the_reason_stands_with_the_prompt_it_is_about(panel: PanelPrompts) -> None:
    unclear = "white hair, (best quality, 1girl"
    outcome = panel.write([(MESSY, ""), (unclear, "")], PanelRequest(enabled=True), None)
    assert outcome.written[(unclear, "")] == (unclear, "")
    assert list(outcome.notes) == [unclear] and "a bracket is never closed" in outcome.all_notes()[0]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_pair_costs_less_than_a_second_each(panel: PanelPrompts, text: str) -> None:
    request = PanelRequest(enabled=True, quality="default", negative_preset="default")
    before = time.process_time()
    written = panel.write([(text, text)], request, None).written[(text, text)]
    assert time.process_time() - before < 2
    if len(text) > 65_536:
        assert written == (text, text)


@settings(max_examples=60, deadline=None)
@given(st.text("ab ,()[]{}|:\\<>1.\n\x00\ud800ANDBREAK", max_size=60), st.text("ab, (:)", max_size=20))
def test_writing_twice_is_writing_once(panel: PanelPrompts, positive: str, negative: str) -> None:
    request = PanelRequest(enabled=True, quality="default", negative_preset="default")
    once = panel.write([(positive, negative)], request, None).written[(positive, negative)]
    assert panel.write([once], request, None).written[once] == once


class TestMemory:
    """The switch of each tab over restarts."""

    def test_each_tab_has_its_own(self, tmp_path: Path) -> None:
        memory = PanelMemory(tmp_path / "new")
        assert not memory.enforced("txt2img")
        memory.enforce("txt2img", True)
        again = PanelMemory(tmp_path / "new")
        assert again.enforced("txt2img") and not again.enforced("img2img")
        again.enforce("img2img", True)
        again.enforce("txt2img", False)
        assert not memory.enforced("txt2img") and memory.enforced("img2img")

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"txt2img": 1}', "\x00"])
    def test_a_broken_file_is_off_and_is_written_anew(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "panel.json").write_text(content, encoding="utf-8")
        memory = PanelMemory(tmp_path)
        assert not memory.enforced("txt2img")
        memory.enforce("txt2img", True)
        assert PanelMemory(tmp_path).enforced("txt2img")

    def test_a_folder_that_cannot_be_written_is_only_told(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        (tmp_path / "file").write_text("", encoding="utf-8")
        PanelMemory(tmp_path / "file").enforce("txt2img", True)
        assert "could not be remembered" in caplog.text
