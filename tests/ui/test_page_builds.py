"""The page builds from the same code under whichever gradio is installed, without side effects and without delay."""

from __future__ import annotations

import html
import json
import re
import time
from pathlib import Path

import gradio as gr
import pytest

from tag_atelier.ui import lanes, panel, script, tab
from tag_atelier.ui.about_words import ABOUT_SENTENCES
from tag_atelier.ui.bench_words import BENCH_SENTENCES
from tag_atelier.ui.compat import SCRIPT_FOLDER
from tag_atelier.ui.hints import HINTS
from tag_atelier.ui.ids import element_id
from tag_atelier.ui.prompt_words import LANE_SENTENCES
from tag_atelier.ui.search_words import SEARCH_SENTENCES
from tag_atelier.ui.standalone import build_page
from tag_atelier.ui.words import SCRIPT_SENTENCES, Words
from tests.ui.fake_atelier import BrokenAtelier, FakeAtelier

KINDS = {"general", "character", "artist", "copyright", "embedding", "lora"}
"""What the search finds; the routes name them."""


def elements(blocks: gr.Blocks) -> dict[str, dict[str, object]]:
    config = blocks.get_config_file()
    return {part["props"]["elem_id"]: part["props"] for part in config["components"] if part["props"].get("elem_id")}


def test_the_tab_has_its_four_rooms(tmp_path: Path) -> None:
    found = elements(tab.build(FakeAtelier(tmp_path), in_webui=True))
    for name in ("prompt_text", "prompt_lanes", "bench_spec", "bench_start", "merge_recipe", "merge_restore", "search_start"):
        assert element_id(name) in found


def test_every_element_id_is_used_once(tmp_path: Path) -> None:
    config = tab.build(FakeAtelier(tmp_path), in_webui=True).get_config_file()
    ids = [part["props"]["elem_id"] for part in config["components"] if part["props"].get("elem_id")]
    assert len(ids) == len(set(ids))
    assert all(identifier.startswith("tag_atelier_") for identifier in ids)


def test_the_lanes_know_their_boxes_and_offer_sending_only_where_there_is_a_txt2img(tmp_path: Path) -> None:
    known = set(elements(build_page(FakeAtelier(tmp_path))))
    for in_webui in (False, True):
        options = json.loads(html.unescape(lanes.tab_lanes(in_webui).split('"')[1]))
        assert {box.split()[0].removeprefix("#") for box in options["boxes"].values()} <= known
        assert (options["send"], options["tab"]) == ((True, "txt2img") if in_webui else (False, ""))
    assert "#img2img_neg_prompt textarea" in lanes.panel_lanes("img2img")


def test_a_host_that_cannot_list_its_checkpoints_still_gets_a_page(tmp_path: Path) -> None:
    found = elements(tab.build(BrokenAtelier(tmp_path), in_webui=True))
    assert found[element_id("merge_first")]["choices"] == []
    notes = [str(found[element_id(name, "result")]["value"]) for name in ("bench", "merge", "search")]
    assert all("There is no checkpoint yet" in note for note in notes)


def test_the_miniatures_plan_comes_first_where_its_checkpoints_are_and_is_nowhere_else(tmp_path: Path) -> None:
    class Miniature(FakeAtelier):
        def names(self) -> dict[str, object]:
            return {**super().names(), "checkpoints": ["miniature-base", "model-a"]}

    here, elsewhere = (elements(build_page(kind(tmp_path)))[element_id("bench_preset")] for kind in (Miniature, FakeAtelier))
    assert here["value"] == "miniature"
    assert elsewhere["value"] == "rare-8" and "miniature" not in str(elsewhere["choices"])


def test_labels_stay_english_in_a_webui_and_are_translated_on_our_own_page(tmp_path: Path) -> None:
    chinese = FakeAtelier(tmp_path, language="zh_CN")
    assert elements(tab.build(chinese, in_webui=True))[element_id("merge_method")]["label"] == "Method"
    assert elements(build_page(chinese))[element_id("merge_method")]["label"] == "方法"


def test_building_the_tab_costs_less_than_150_ms(tmp_path: Path) -> None:
    atelier = FakeAtelier(tmp_path)
    tab.build(atelier, in_webui=True)
    times = []
    for _ in range(5):
        before = time.process_time()
        tab.build(atelier, in_webui=True)
        times.append(time.process_time() - before)
    assert min(times) < 0.150


@pytest.mark.parametrize("is_img2img", [False, True])
def test_the_panel_starts_with_the_json_that_overrides_it(tmp_path: Path, is_img2img: bool) -> None:
    with gr.Blocks():
        components = panel.build(FakeAtelier(tmp_path), is_img2img)
    assert [component.value for component in components] == ["", False, "automatic", True, "none", "none", ""]
    assert components[0].label == "Tag Atelier JSON"
    assert components[0].visible is False


def test_building_the_panel_three_times_leaves_nothing_behind(tmp_path: Path) -> None:
    atelier = FakeAtelier(tmp_path)
    for _ in range(3):
        with gr.Blocks():
            panel.build(atelier, False)
    assert atelier.asked == []
    assert atelier.runner.list() == []


def test_the_page_data_survives_quotes_and_markup() -> None:
    text = tab.page_data(Words("en"), "a\"b<c>'d&")
    assert "<c>" not in text
    assert "a\\&quot;b&lt;c&gt;&#x27;d&amp;" in text


INTERACTIVE = {"button", "textbox", "dropdown", "slider", "checkbox", "radio", "number", "checkboxgroup", "accordion"}


def test_every_control_has_a_tooltip_and_every_tooltip_a_place(tmp_path: Path) -> None:
    atelier = FakeAtelier(tmp_path)
    with gr.Blocks() as page:
        panel.build(atelier, False)
        panel.build(atelier, True)
        script.build(atelier)
    parts = [*page.get_config_file()["components"], *tab.build(atelier, in_webui=True).get_config_file()["components"]]
    assert set(HINTS) <= {part["props"].get("elem_id") for part in parts}
    shown = [part for part in parts if part["type"] in INTERACTIVE and part["props"].get("visible") is not False]
    assert [part["props"] for part in shown if part["props"].get("elem_id") not in HINTS] == []


def test_the_scripts_say_just_what_they_were_given_words_for() -> None:
    scripts = "\n".join(path.read_text(encoding="utf-8") for path in sorted(SCRIPT_FOLDER.glob("*.js")))
    states = {"queued", "running", "done", "failed", "cancelled"}
    given = {*SCRIPT_SENTENCES, *ABOUT_SENTENCES, *LANE_SENTENCES, *BENCH_SENTENCES, *SEARCH_SENTENCES}
    assert set(re.findall(r'\b(?:say|note|title|heading|part)\(\s*"([^"]+)"', scripts)) - given == set()
    assert set(re.findall(r'\b(?:label|hint): "([^"]+)"', scripts)) - given == set()
    from_elsewhere = {*states, *KINDS, "note", "warning", "error"}
    assert [sentence for sentence in sorted(given - from_elsewhere) if f'"{sentence}"' not in scripts] == []
