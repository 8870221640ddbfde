"""How the panel's arguments read, over HTTP and from the page, and what pasting a picture's parameters sets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from tag_atelier.errors import RequestError
from tag_atelier.jobs.panel import PanelRequest
from tag_atelier.merge.recipe import Recipe
from tag_atelier.ui import panel
from tests.ui.fake_atelier import FakeAtelier


def test_the_controls_alone() -> None:
    assert panel.values_to_request(["", True, "pony", False, "best", "none"]) == {
        "enabled": True,
        "profile": "pony",
        "arrange": False,
        "quality": "best",
        "negative_preset": None,
        "merge": None,
    }


def test_untouched_controls_ask_for_nothing() -> None:
    request = PanelRequest.from_value(panel.values_to_request(["", False, "aidxl", True, "none", "none"]))
    assert request == PanelRequest(enabled=False, profile="aidxl", arrange=True)


@pytest.mark.parametrize("argument", [{"profile": "pony"}, '{"profile": "pony"}'])
def test_the_json_overrides_the_controls(argument: object) -> None:
    request = panel.values_to_request([argument, False, "sdxl", False, "best", "short"])
    assert request == {
        "enabled": True,
        "profile": "pony",
        "arrange": True,
        "quality": None,
        "negative_preset": None,
        "merge": None,
    }


def test_fewer_arguments_than_controls_are_enough() -> None:
    assert panel.values_to_request([""])["enabled"] is False
    assert panel.values_to_request([])["enabled"] is False


@pytest.mark.parametrize(
    ("argument", "named"),
    [("{", "JSON"), ('{"profil": "pony"}', "profil"), ([1], "list"), ('{"enabled": 1}', "enabled"), (7, "number")],
)
def test_what_cannot_be_read_is_refused_by_name(argument: object, named: str) -> None:
    with pytest.raises(RequestError, match=named):
        panel.values_to_request([argument])


def pasted(parameters: dict[str, str], folder: Path) -> list[Any]:
    with gr.Blocks():
        drawn = panel.build_panel(FakeAtelier(folder), False)
    assert [component for component, _ in drawn.infotext_fields] == list(drawn.components[1:])
    return [read(parameters) for _, read in drawn.infotext_fields]


def value_of(update: object) -> object:
    return update.get("value") if isinstance(update, dict) else update


def test_pasting_a_picture_of_ours_sets_the_controls(tmp_path: Path) -> None:
    parameters = {"Tag Atelier profile": "aidxl", "Tag Atelier arrange": "False", "Tag Atelier quality": "best"}
    read = pasted(parameters, tmp_path)
    assert [value_of(value) for value in read] == [True, "aidxl", False, "best", "none", ""]
    assert read[3]["choices"] == ["none", "best"] and read[4]["choices"] == ["none", "short"]


def test_pasting_another_picture_turns_the_panel_off(tmp_path: Path) -> None:
    enabled, profile, arrange, quality, negative, _merge = pasted({"Steps": "20"}, tmp_path)
    assert (enabled, arrange, value_of(quality), value_of(negative)) == (False, True, "none", "none")
    assert profile == gr.update()


def test_a_picture_whose_family_is_gone_still_pastes(tmp_path: Path) -> None:
    read = pasted({"Tag Atelier profile": "my-own", "Tag Atelier quality": "best"}, tmp_path)
    assert [value_of(value) for value in read] == [True, "my-own", True, "best", "none", ""]


def test_a_recipe_is_pasted_as_a_text_that_merges_again(tmp_path: Path) -> None:
    recipe = Recipe.from_value({"models": ["a", "b"], "alpha": {"M00": 0.5}, "method": "slerp"})
    text = pasted({"Tag Atelier recipe": json.dumps(recipe.as_dict())}, tmp_path)[5]
    request = panel.values_to_request(["", False, "aidxl", True, "none", "none", text])
    assert (request["enabled"], request["merge"]) == (False, recipe.as_dict())
    for broken in ("", "{", "7", '{"models": 7}'):
        assert pasted({"Tag Atelier recipe": broken}, tmp_path)[5] == ""


def test_switched_off_over_http_is_off_with_all_it_asks_for() -> None:
    merge = {"models": ["a", "b"], "alpha": 0.5}
    assert panel.values_to_request([{"enabled": False, "merge": merge}])["merge"] is None
    assert panel.values_to_request([{"merge": merge}])["merge"] == merge


@pytest.mark.parametrize(("kept", "shown"), [(None, False), (True, True), (False, False)])
def test_the_switch_is_shown_as_it_was_left_and_the_api_s_default_stays_off(
    tmp_path: Path, kept: bool | None, shown: bool
) -> None:
    atelier = FakeAtelier(tmp_path)
    if kept is not None:
        atelier.panel.memory.enforce("txt2img", kept)
    with gr.Blocks():
        enabled = panel.build_panel(atelier, False).components[1]
    assert enabled.value is False
    asked_at_load = enabled.load_event_to_attach[0]
    assert asked_at_load() == shown
