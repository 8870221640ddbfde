"""What the host knows of a drawing without being told: clip skip, and what the files of the prompt's LoRA say."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from tag_atelier.errors import RequestError
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.jobs.surroundings import surroundings
from tag_atelier.ports import Host, PromptFiles
from tests.fakes import fake_host


@pytest.fixture
def host(tmp_path: Path) -> Host:
    folder = tmp_path / "Lora"
    folder.mkdir()
    (folder / "knight.safetensors").write_bytes(b"not read for its notes")
    (folder / "knight.json").write_text(json.dumps({"activation text": "armored knight, visor"}), encoding="utf-8")
    files = PromptFiles(networks=(folder,))
    return dataclasses.replace(fake_host(tmp_path), prompt_files=files, live_settings=lambda: {"clip_skip": 5})


def test_only_the_networks_of_the_text_are_looked_up(host: Host) -> None:
    known = surroundings(host, "1girl, <lora:knight:0.8>, <lora:gone:1>, <hypernet:knight:1>")
    assert known["clip_skip"] == 5
    assert list(known["networks"]) == ["knight"]  # type: ignore[call-overload]
    assert known["networks"]["knight"]["triggers"] == ("armored knight", "visor")  # type: ignore[index]
    assert surroundings(host, "1girl")["networks"] == {}


def test_a_host_that_knows_nothing_says_nothing(tmp_path: Path) -> None:
    assert surroundings(fake_host(tmp_path), "<lora:knight:1>") == {"networks": {}}


def codes(atelier: Atelier, route: str, around: object) -> set[str]:
    request = {"text": "1girl, visor, <lora:knight:0.8>", "with": around}
    answer = atelier.lint(request) if route == "lint" else atelier.prompt_room.page.lanes(request)
    return {finding["code"] for finding in answer["findings"]}  # type: ignore[attr-defined]


@pytest.mark.parametrize("route", ["lint", "lanes"])
def test_a_request_asks_for_it_and_may_say_otherwise(host: Host, route: str) -> None:
    atelier = Atelier(host)
    assert codes(atelier, route, {}) == set()
    assert codes(atelier, route, {"live": True}) == {"network_triggers", "clip_skip_high"}
    assert codes(atelier, route, {"live": True, "clip_skip": 1}) == {"network_triggers"}
    assert codes(atelier, route, {"live": False, "clip_skip": 5}) == {"clip_skip_high"}
    with pytest.raises(RequestError, match="'live' is a string"):
        codes(atelier, route, {"live": "yes"})
