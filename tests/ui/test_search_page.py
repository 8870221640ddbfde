"""The sub-tab Search as a person meets it: form and YAML, cost, a search that is watched, paused, resumed and used."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("selenium", reason="selenium is not installed")
pytest.importorskip("diffusers")
pytest.importorskip("optuna")

from tag_atelier import api
from tag_atelier.jobs import studies
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.ui.standalone import build_page
from tests.jobs.tiny_studies import STUDY, A, B, build_atelier, sampler
from tests.ui.browser import IN_BROWSER, Page, served, until

pytestmark = IN_BROWSER

PATIENCE_S = 300
MERGE, SEARCH = 2, 3


@pytest.fixture
def atelier(tiny_checkpoints: dict[str, Path], tmp_path: Path) -> Iterator[Atelier]:
    shutil.copytree(tiny_checkpoints[A].parent, tmp_path / "models", ignore=shutil.ignore_patterns("tiny-sdxl-*"))
    made = build_atelier(tmp_path / "models", tmp_path / "data")
    yield made
    sampler(made).let_go()
    made.runner.stop(20)


@pytest.fixture
def page(driver: Any, atelier: Atelier) -> Iterator[Page]:
    with served(atelier, build_page(atelier, api.PAGE_TOKEN)) as address:
        found = Page(driver, address)
        found.open_room(SEARCH)
        until(lambda: "No searches yet." in found.text_of("search_studies"))
        yield found


def open_part(page: Page, name: str) -> None:
    page.find(f"#tag_atelier_{name} > button, #tag_atelier_{name} .label-wrap").click()


def write_study(page: Page, study: dict[str, Any]) -> None:
    open_part(page, "search_yaml")
    box = "#tag_atelier_search_spec textarea"
    until(lambda: page.find(box).is_displayed())
    page.write(box, json.dumps(study))


def study_of(page: Page) -> dict[str, Any]:
    import yaml

    found: dict[str, Any] = yaml.safe_load(page.value_of("#tag_atelier_search_spec textarea"))
    return found


def shown(page: Page) -> str:
    return str(page.find("#tag_atelier_search_study").text)


def press_in(page: Page, place: str, title: str) -> None:
    def found() -> Any:
        nodes = page.driver.find_elements("css selector", f"#tag_atelier_{place} button")
        return next((node for node in nodes if node.text == title), None)

    page.driver.execute_script("arguments[0].click()", until(found, PATIENCE_S))


def test_the_form_and_the_text_say_the_same(page: Page) -> None:
    page.press("search_cost")
    until(lambda: "Fewer than two models are chosen" in page.text_of("search_result"))
    page.choose("search_groups", "blocks")
    until(lambda: study_of(page)["space"]["groups"] == "blocks")
    page.choose("search_models", B)
    until(lambda: study_of(page)["models"] == [B])
    page.choose("search_models", A)
    until(lambda: study_of(page)["models"] == [B, A])
    write_study(page, {**STUDY, "trials": 9})
    page.find("#tag_atelier_search_trials input").click()  # the text has lost the focus
    until(lambda: page.value_of("#tag_atelier_search_trials input") == "9")
    until(lambda: page.value_of("#tag_atelier_search_groups input") == "model")
    page.press("search_cost")
    until(lambda: "Pictures at most" in page.text_of("search_result"), PATIENCE_S)
    assert f"{A} + {B}" in page.text_of("search_result")
    assert page.find("#tag_atelier_search_trials").get_attribute("title").startswith("So many candidates are tried")


def test_a_search_is_watched_paused_resumed_and_its_answer_taken(page: Page, atelier: Atelier) -> None:
    sampler(atelier).hold(3)
    write_study(page, STUDY)
    page.press("search_start")
    until(lambda: "Started: Tiny search" in page.text_of("search_result"), PATIENCE_S)
    until(lambda: f"{A} alone: lift +" in shown(page) and "3 of 5" in shown(page), PATIENCE_S)
    assert page.driver.find_elements("css selector", "#tag_atelier_search_study svg circle")
    press_in(page, "search_study", "Pause")
    sampler(atelier).let_go()
    until(lambda: "paused" in shown(page), PATIENCE_S)
    until(lambda: "paused" in page.text_of("search_studies"), PATIENCE_S)
    press_in(page, "search_study", "Resume")
    until(lambda: "Nothing was found that beats the best parent" in shown(page), PATIENCE_S)
    (image, *_) = page.driver.find_elements("css selector", ".tag-atelier-strip img")
    until(lambda: image.get_property("naturalWidth") == 64)
    page.find(".tag-atelier-trials summary").click()
    assert len(page.driver.find_elements("css selector", ".tag-atelier-trials tbody tr")) >= 5
    press_in(page, "search_study", "Benchmark it")
    until(lambda: "save it as one first" in page.text_of("search_result"))
    press_in(page, "search_study", "Take best")
    until(lambda: "Tiny search: found by search" in page.value_of("#tag_atelier_merge_recipe textarea"))
    page.open_room(SEARCH)
    press_in(page, "search_studies", "Delete")
    until(lambda: "Delete the search 'Tiny search' for good" in page.driver.switch_to.alert.text)
    page.driver.switch_to.alert.accept()
    until(lambda: "No searches yet." in page.text_of("search_studies"))
    refused = ("/benchmark - ", "404 (Not Found)")  # what was asked too early, and of what had just been deleted
    assert [entry for entry in page.complaints() if not any(mark in entry for mark in refused)] == []


def test_the_merge_tab_hands_its_models_over(page: Page) -> None:
    page.open_room(MERGE)
    page.write("#tag_atelier_merge_recipe textarea", json.dumps({"models": [B, A], "alpha": 0.5}))
    page.press("merge_search")
    until(lambda: study_of(page)["models"] == [B, A])
    until(lambda: page.find("#tag_atelier_search_start").is_displayed())


def test_where_optuna_is_missing_one_sentence_and_a_button_stand_there(
    driver: Any, atelier: Atelier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studies, "PACKAGE", "no_such_package")
    with served(atelier, build_page(atelier, api.PAGE_TOKEN)) as address:
        page = Page(driver, address)
        page.open_room(SEARCH)
        until(lambda: "A search needs the package optuna" in page.text_of("search_optuna"))
        assert page.find("#tag_atelier_search_optuna button").text == "Install optuna"
