"""How the panel's arguments read, over HTTP and from the page, and what pasting a picture's parameters sets."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest

from tag_atelier.errors import RequestError
from tag_atelier.jobs.panel import PanelRequest
from tag_atelier.ui import panel


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


def pasted(parameters: dict[str, str], folder: Path) -> list[object]:
    from tests.ui.fake_atelier import FakeAtelier

    with gr.Blocks():
        drawn = panel.build_panel(FakeAtelier(folder), False)
    assert [component for component, _ in drawn.infotext_fields] == list(drawn.components[1:])
    return [read(parameters) for _, read in drawn.infotext_fields]


def test_pasting_a_picture_of_ours_sets_the_controls(tmp_path: Path) -> None:
    parameters = {"Tag Atelier profile": "pony", "Tag Atelier arrange": "False", "Tag Atelier quality": "best"}
    assert pasted(parameters, tmp_path) == [True, "pony", False, "best", "none"]


def test_pasting_another_picture_turns_the_panel_off(tmp_path: Path) -> None:
    enabled, profile, arrange, quality, negative = pasted({"Steps": "20"}, tmp_path)
    assert (enabled, arrange, quality, negative) == (False, True, "none", "none")
    assert profile == gr.update()
