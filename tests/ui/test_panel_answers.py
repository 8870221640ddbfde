"""What the panel sets in the WebUI's own controls, and what it says after a drawing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from tag_atelier.jobs.families import Family
from tag_atelier.jobs.panel_prompts import UNTOUCHED, Outcome, Report
from tag_atelier.jobs.prompts import Prompts
from tag_atelier.prompt.findings import say
from tag_atelier.ui import panel, panel_answers, prompt_answers
from tag_atelier.ui.words import Words
from tests.ui.fake_atelier import FakeAtelier

SETTINGS = {"sampler": "Euler", "steps": 2}


class Page:
    """A WebUI's controls around one panel."""

    def __init__(self, atelier: FakeAtelier, tab: str, samplers: list[str], log: bool = True) -> None:
        with gr.Blocks() as self.blocks:
            drawn = panel.build_panel(atelier, tab == "img2img")
            self.parts: dict[str, Any] = {
                f"{tab}_sampling": gr.Dropdown(samplers, value=samplers[0]),
                f"{tab}_scheduler": gr.Dropdown(["Automatic", "Karras"], value="Automatic"),
                f"{tab}_width": gr.Slider(64, 2048),
                f"{tab}_height": gr.Slider(64, 2048),
                f"{tab}_steps": gr.Slider(1, 150),
                f"{tab}_cfg_scale": gr.Slider(1, 30),
                f"{tab}_override_settings": gr.Dropdown([], multiselect=True),
            }
            self.parts |= {f"html_log_{tab}": gr.HTML()} if log else {}
            before = self.count()
            drawn.connect(self.parts)
            self.bound = self.count() - before

    def count(self) -> int:
        return len(self.blocks.get_config_file()["dependencies"])


@pytest.mark.parametrize(("tab", "log", "expected"), [("txt2img", True, 2), ("img2img", True, 2), ("txt2img", False, 1)])
def test_the_page_s_own_controls_are_bound_where_they_are(tmp_path: Path, tab: str, log: bool, expected: int) -> None:
    assert Page(FakeAtelier(tmp_path), tab, ["Euler a"], log).bound == expected


def applied(
    folder: Path, tab: str, clip_skip: bool, *rest: object, samplers: tuple[str, ...] = ("Euler", "Euler a")
) -> list[Any]:
    atelier = FakeAtelier(folder)
    parts = Page(atelier, tab, list(samplers)).parts
    names = panel_answers._SET if tab == "txt2img" else panel_answers._SET[:4]
    controls = {name: parts[f"{tab}_{name}"] for name in names}
    return panel_answers._applied(atelier, Words(), controls, True, "automatic", clip_skip, *rest)


def values(answers: list[Any]) -> list[Any]:
    return [answer.get("value") for answer in answers]


def test_sampler_numbers_and_size_are_set(tmp_path: Path) -> None:
    *set_, overrides, said = applied(tmp_path, "txt2img", False, 512, 512, ["Clip skip: 2"])
    assert values(set_) == ["Euler a", "Automatic", 28, 7.0, 1024, 1024]
    assert overrides == gr.update()
    assert "Set as AIDXL 0.8 or newer was tried: Euler a, Automatic, 28 steps, CFG 7, 1024×1024." in said


def test_img2img_keeps_its_size(tmp_path: Path) -> None:
    *set_, _, said = applied(tmp_path, "img2img", False, [])
    assert values(set_) == ["Euler a", "Automatic", 28, 7.0] and "1024" not in said


def test_clip_skip_only_when_asked_and_only_where_it_differs(tmp_path: Path) -> None:
    *_, overrides, said = applied(tmp_path, "txt2img", True, 512, 512, ["Clip skip: 2", "ENSD: 31337"])
    assert overrides["value"] == ["ENSD: 31337"] and overrides["visible"] is True  # the settings say 1 already
    assert "Clip skip: 1" in said


def test_what_the_webui_does_not_offer_is_left_and_told(tmp_path: Path) -> None:
    sampler, *_, said = applied(tmp_path, "txt2img", False, 512, 512, [], samplers=("Euler", "LCM"))
    assert sampler == gr.update() and "This WebUI does not offer Euler a." in said


def report_of(folder: Path, outcome: Outcome | None, language: str = "en") -> str:
    atelier = FakeAtelier(folder)
    atelier.panel.reports["txt2img"] = None if outcome is None else Report(outcome, ("1girl", ""), SETTINGS, 1)
    return panel_answers.report(atelier, Words("zh_CN" if language == "zh_CN" else "en"), "txt2img")


def test_the_line_after_a_drawing(tmp_path: Path) -> None:
    family = Family("aidxl", "name", "aidxl-0.8")
    told = report_of(tmp_path, Outcome(family, moved=3))
    assert "Last drawing by aidxl: 3 tags moved. Known by the checkpoint&#x27;s name." in told
    assert "No tag was moved." in report_of(tmp_path, Outcome(family))
    assert report_of(tmp_path, None) == ""


def test_the_line_says_what_was_left_in_the_reader_s_language(tmp_path: Path) -> None:
    outcome = Outcome(notes={"1girl": (say(UNTOUCHED, reason="no <b>family</b>"),)})
    assert "Untouched: no &lt;b&gt;family&lt;/b&gt;" in report_of(tmp_path, outcome)
    assert "未改动：" in report_of(tmp_path, outcome, language="zh_CN")


class Remarking(FakeAtelier):
    """Finds something to say of a tag, of a setting and of a network."""

    def lint(self, request: Mapping[str, object]) -> dict[str, object]:
        self.asked.append(("lint", request))
        rows = {"unknown": {}, "steps": {"steps": 28}, "network_triggers": {}}
        common = {"severity": "note", "fix": None}
        found = [{"code": code, "message": f"about {code}", "set": set_, **common} for code, set_ in rows.items()]
        return {"findings": found}


def test_the_line_remarks_on_settings_and_networks_and_not_on_tags(tmp_path: Path) -> None:
    atelier = Remarking(tmp_path)
    atelier.panel.reports["txt2img"] = Report(Outcome(Family("aidxl", "name", "x")), ("1girl", "text"), SETTINGS, 1)
    told = panel_answers.report(atelier, Words(), "txt2img")
    assert "about steps" in told and "about network_triggers" in told and "about unknown" not in told
    around = {"sampler": "Euler", "steps": 2, "other": "text", "live": True}
    assert atelier.asked == [("lint", {"text": "1girl", "profile": "aidxl", "with": around, "language": "en"})]


def test_the_answer_names_the_family_that_automatic_stands_for(tmp_path: Path) -> None:
    atelier = FakeAtelier(tmp_path)
    assert "Model family: aidxl. Known by the checkpoint&#x27;s name." in panel_answers.checked(
        atelier, Words(), "1girl", "automatic"
    )
    assert "Model family" not in panel_answers.arranged(atelier, Words(), "1girl", "aidxl")[1]


def test_the_check_says_what_another_tag_says_too_in_the_readers_language() -> None:
    words, text = Words("zh_CN", in_webui=True), "1girl, long hair, very long hair, 1girl"
    told = prompt_answers.checked(Prompts(), words, text, "aidxl")
    assert "“1girl”在这里出现了两次" in told and "“very long hair”已包含“long hair”" in told
    assert "“very long hair”已包含“long hair”" in prompt_answers.arranged(Prompts(), words, text, "aidxl")[1]
