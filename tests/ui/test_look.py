"""How the page behaves while work runs, and that everybody can read it: nothing jumps, nothing is lost, nothing is unnamed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver.common.alert import Alert
from selenium.webdriver.common.keys import Keys

from tag_atelier import api
from tag_atelier.ui.standalone import build_page
from tests.ui.browser import IN_BROWSER, Page, served, until
from tests.ui.fake_atelier import FakeAtelier

pytestmark = IN_BROWSER

PROMPT, BENCHMARK, MERGE, SEARCH = range(4)
LONG = "a checkpoint whose name is as long as those that people give them, with versions, dates and remarks"
CARD = "#tag_atelier_bench_job .tag-atelier-job"
LOOK = Path(__file__).with_name("look.js").read_text(encoding="utf-8")
TEXT = "#tag_atelier_prompt_text textarea"


@pytest.fixture
def atelier(tmp_path: Path) -> FakeAtelier:
    return FakeAtelier(tmp_path)


@pytest.fixture
def address(atelier: FakeAtelier) -> Iterator[str]:
    with served(atelier, build_page(atelier, api.PAGE_TOKEN)) as where:
        yield where


@pytest.fixture
def page(driver: Any, address: str) -> Page:
    return Page(driver, address)


def run(page: Page, script: str, *values: Any) -> Any:
    return page.driver.execute_script(script, *values)


def focused(page: Page) -> str:
    return str(run(page, "return document.activeElement.textContent"))


def start(page: Page) -> None:
    page.open_room(BENCHMARK)
    page.press("bench_start")
    until(lambda: " of 40" in page.text_of("bench_job"))


def test_a_card_changes_in_place_under_the_keyboard(page: Page) -> None:
    start(page)
    run(page, f"window.first = document.querySelector({CARD!r}); first.querySelector('button').focus()")
    before = page.text_of("bench_job")
    height = run(page, "return first.offsetHeight")
    until(lambda: page.text_of("bench_job") != before)
    assert run(page, f"return document.querySelector({CARD!r}) === window.first")
    assert focused(page) == "Pause" and run(page, "return first.offsetHeight") == height
    page.driver.switch_to.active_element.send_keys(Keys.ENTER)
    until(lambda: "paused" in page.text_of("bench_job"))
    assert run(page, "return first.contains(document.activeElement)")


def test_a_long_step_leaves_the_card_as_high_as_a_short_one(page: Page) -> None:
    page.open_room(BENCHMARK)
    job = {"id": "x", "kind": "benchmark", "title": "T", "state": "running", "done": 1, "total": 9, "text": "short", "eta_s": 4}
    heights = []
    for text, eta_s in (("short", 4), (LONG * 3, 99999)):
        shown = {**job, "text": text, "eta_s": eta_s}
        run(page, "tagAtelierJobs.show(document.querySelector('[data-tag-atelier-jobs~=benchmark]'), arguments[0])", shown)
        heights.append(run(page, f"return document.querySelector({CARD!r}).offsetHeight"))
    assert heights[0] == heights[1]
    assert "27 h 47 min left" in page.text_of("bench_job")


def test_what_waits_has_a_card_beside_what_works(page: Page, atelier: FakeAtelier) -> None:
    start(page)
    atelier.start_benchmark({})
    run(page, "tagAtelier.watch()")
    until(lambda: len(page.driver.find_elements("css selector", CARD)) == 2)
    states = [
        card.find_element("css selector", ".tag-atelier-badge").text for card in page.driver.find_elements("css selector", CARD)
    ]
    assert states == ["running", "queued"]
    for _ in range(2):
        until(lambda: page.find(f"{CARD} .tag-atelier-stop:not([aria-disabled])").click() is None)
    until(lambda: {job.state for job in atelier.runner.list()} == {"cancelled"})


def test_a_double_press_starts_once(page: Page, atelier: FakeAtelier) -> None:
    page.open_room(BENCHMARK)
    run(page, "const start = document.getElementById('tag_atelier_bench_start'); start.click(); start.click()")
    until(lambda: " of 40" in page.text_of("bench_job"))
    assert [kind for kind, _ in atelier.asked] == ["benchmark"]


def test_an_answer_is_brought_into_sight_on_a_narrow_page(page: Page) -> None:
    wide = page.driver.get_window_size()
    page.open_room(MERGE)
    page.write("#tag_atelier_merge_recipe textarea", "models: [model-a, model-b]\nalpha: 0.25\n")
    page.driver.set_window_size(520, 700)
    run(page, "window.scrollTo(0, 0)")
    place = "document.querySelector('#tag_atelier_merge_result').getBoundingClientRect()"
    until(lambda: run(page, f"return {place}.top > innerHeight"))
    page.press("merge_check")
    until(lambda: "1680 of 2515 change" in page.text_of("merge_result"))
    until(lambda: run(page, f"return {place}.top < innerHeight && {place}.bottom > 0"))
    page.driver.set_window_size(wide["width"], wide["height"])


def test_a_reload_keeps_the_sub_tab_and_what_was_typed(page: Page) -> None:
    page.write(TEXT, "1girl, smile")
    page.open_room(MERGE)
    page.write("#tag_atelier_merge_recipe textarea", "models: [model-a, model-b]\nalpha: 0.25\n")
    page.driver.refresh()
    until(lambda: page.find("#tag_atelier_merge_recipe").is_displayed())
    until(lambda: "alpha: 0.25" in page.value_of("#tag_atelier_merge_recipe textarea"))
    until(lambda: page.value_of("#tag_atelier_merge_second input") == "model-b")
    assert page.value_of(TEXT) == "1girl, smile"


def test_a_new_visit_starts_anew(page: Page, address: str) -> None:
    page.write(TEXT, "1girl, smile")
    page.open_room(MERGE)
    again = Page(page.driver, address)
    until(lambda: again.find(TEXT).is_displayed())
    assert again.value_of(TEXT) == ""


def test_a_saved_recipe_is_forgotten_only_when_confirmed(page: Page, atelier: FakeAtelier) -> None:
    atelier.merges.save_recipe("models: [model-a, model-b]\nalpha: 0.5\n", "mine")
    page.open_room(MERGE)
    page.press("merge_shelf .label-wrap")
    until(lambda: page.find("#tag_atelier_merge_shelf_list .tag-atelier-stop").is_displayed())
    for answer, left in ((Alert.dismiss, ["mine"]), (Alert.accept, [])):
        run(page, "setTimeout(() => document.querySelector('#tag_atelier_merge_shelf_list .tag-atelier-stop').click())")
        question = until(lambda: page.driver.switch_to.alert)
        assert question.text == "Delete the recipe 'mine' for good?"
        answer(question)
        until(lambda left=left: list(atelier.merges.shelf.recipes()) == left)
    until(lambda: "mine" not in page.text_of("merge_shelf_list"))


def test_menus_show_words_of_the_reader_and_keep_their_values(driver: Any, tmp_path: Path) -> None:
    atelier = FakeAtelier(tmp_path, "zh_CN")
    with served(atelier, build_page(atelier, api.PAGE_TOKEN)) as where:
        page = Page(driver, where)
        page.open_room(MERGE)
        wrap = page.find("#tag_atelier_merge_vae .secondary-wrap")
        until(lambda: wrap.get_attribute("data-tag-atelier-word") == "自动")
        assert page.value_of("#tag_atelier_merge_vae input") == "auto"
        page.find("#tag_atelier_merge_dtype input").click()
        until(lambda: any("与模型 A 相同" in row.text for row in driver.find_elements("css selector", "ul.options li")))
        page.choose("merge_second", "model-c")
        until(lambda: page.find("#tag_atelier_merge_second .secondary-wrap").get_attribute("data-tag-atelier-word") is None)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_word_can_be_read_and_every_control_has_a_name(
    driver: Any, address: str, atelier: FakeAtelier, theme: str
) -> None:
    atelier.dirty = True
    page = Page(driver, f"{address}?__theme={theme}")
    page.write(TEXT, "1girl, (smile:1.2), greay hair, BREAK, forest, nobody knows this")
    until(lambda: len(driver.find_elements("css selector", ".tag-atelier-tag")) > 4)
    found = {"prompt": run(page, LOOK)}
    page.open_room(BENCHMARK)
    page.press("bench_plan")
    until(lambda: "head tilt" in page.text_of("bench_result") and "Delete" in page.text_of("bench_runs"))
    found["benchmark"] = run(page, LOOK)
    page.open_room(MERGE)
    page.press("merge_block_panel .label-wrap")
    page.press("merge_parts .label-wrap")
    until(lambda: page.find("#tag_atelier_merge_adjust").is_displayed())
    found["merge"] = run(page, LOOK)
    page.open_room(SEARCH)
    until(lambda: page.find("#tag_atelier_search_models").is_displayed())
    found["search"] = run(page, LOOK)
    assert json.dumps(found) == json.dumps({room: [[], []] for room in found})
