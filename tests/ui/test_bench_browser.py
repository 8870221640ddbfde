"""Runs on the page as a person meets them: judged with keys, compared, exported, deleted; taggers; the plan's form."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tag_atelier import api
from tag_atelier.errors import Cancelled
from tag_atelier.jobs.benchmarks import Benchmarks
from tag_atelier.jobs.prompts import Prompts
from tag_atelier.jobs.runner import Job, JobRunner
from tag_atelier.ports import Progress
from tag_atelier.ui.standalone import build_page
from tests.fakes import FakeProgress, FakeScorer, fake_host
from tests.ui.browser import IN_BROWSER, Page, served, until
from tests.ui.fake_atelier import FakeAtelier

pytestmark = IN_BROWSER

PLAN: dict[str, Any] = {
    "name": "two faces",
    "template": "1girl, {tag}",
    "tags": ["glaring", "reaching"],
    "checkpoints": ["model-a"],
    "parameters": {"steps": 2, "width": 64, "height": 64},
    "self_test": 0,
    "verdicts": "confusionxl-v2",
}


class FakeTaggers:
    """One tagger that can be fetched; none or one is here."""

    def __init__(self) -> None:
        self.here: list[dict[str, object]] = [{"name": "mine", "files": {"model.onnx": {"sha256": "ab" * 32}}}]
        self.asked: list[str] = []
        self.runner = JobRunner()

    def list(self) -> dict[str, object]:
        name = "wd-swinv2-tagger-v3"
        known = {"name": name, "repository": f"SmilingWolf/{name}", "threshold": 0.27, "size_mb": 470}
        return {
            "here": self.here,
            "known": [known],
            "suggested": name,
            "source": "https://mirror.example",
            "folder": "models/tagger",
        }

    def start_download(self, name: str) -> Job:
        self.asked.append(name)
        return self.runner.start("tagger", name, self._fetch)

    def _fetch(self, progress: Progress) -> dict[str, object]:
        progress.begin(2_000_000, "model.onnx")
        progress.advance(1_000_000)
        while not progress.cancelled:
            time.sleep(0.02)
        raise Cancelled("The download was stopped.")


@pytest.fixture
def benchmarks(tmp_path: Path) -> Benchmarks:
    found = Benchmarks(fake_host(tmp_path), Prompts(), JobRunner(), find_scorer=lambda *_: FakeScorer())
    found.run_now(PLAN, None, FakeProgress())
    found.run_now({**PLAN, "name": "again", "template": "{tag}, 1girl"}, None, FakeProgress())
    return found


@pytest.fixture
def page(driver: Any, benchmarks: Benchmarks, tmp_path: Path) -> Iterator[Page]:
    atelier: Any = FakeAtelier(tmp_path)
    atelier.benchmarks, atelier.taggers = benchmarks, FakeTaggers()
    atelier.runner = atelier.taggers.runner
    with served(atelier, build_page(atelier, api.PAGE_TOKEN)) as address:
        found = Page(driver, address)
        found.open_room(1)
        until(lambda: len(rows(found)) == 2)
        yield found


def rows(page: Page) -> list[Any]:
    return page.driver.find_elements("css selector", "[data-tag-atelier-runs] .tag-atelier-run")


def press_in(page: Page, name: str, title: str) -> None:
    """Press a button of a run's row, which is drawn anew whenever the list is read again."""

    def press() -> bool:
        row = next(row for row in rows(page) if name in row.text)
        next(node for node in row.find_elements("css selector", "button") if node.text == title).click()
        return True

    until(press)


def tick(box: Any) -> bool:
    if not box.is_selected():
        box.click()
    return bool(box.is_selected())


def question_of(page: Page) -> Any:
    return until(lambda: page.driver.switch_to.alert)


def keys(page: Page, *pressed: str) -> None:
    for key in pressed:
        ActionChains(page.driver).send_keys(key).perform()


def test_pictures_are_judged_with_keys_and_kept_at_once(page: Page, benchmarks: Benchmarks) -> None:
    press_in(page, "two faces", "Judge by eye")
    dialog = page.find("dialog.tag-atelier-verdicts")
    until(lambda: dialog.find_element("css selector", "img").get_property("naturalWidth") == 64)
    assert "0 of 2" in dialog.text and "tagger:" not in dialog.text  # what others say comes after one's own answer
    first = dialog.find_element("css selector", ".tag").text
    keys(page, "5", "1")  # a reservation, then drawn: kept together, and on to the next one
    run = next(str(item["id"]) for item in benchmarks.stored.listed() if item["name"] == "two faces")
    told: Any = until(lambda: [i for i in benchmarks.stored.verdicts(run)["pictures"] if i["verdict"]])  # type: ignore[union-attr]
    assert told[0]["verdict"] == {"answer": "drawn", "but": True, "note": ""}
    until(lambda: "1 of 2" in dialog.text and dialog.find_element("css selector", ".tag").text != first)
    keys(page, Keys.ARROW_LEFT)
    until(lambda: "tagger: 0.90 ✓ · the page of ConfusionXL V2.0: drawn" in dialog.text)
    note = dialog.find_element("css selector", ".note")
    note.send_keys("2 left hands 3", Keys.ENTER)
    until(
        lambda: any((i["verdict"] or {}).get("note") == "2 left hands 3" for i in benchmarks.stored.verdicts(run)["pictures"])
    )  # type: ignore[union-attr]
    keys(page, Keys.ARROW_RIGHT, "2")
    until(lambda: "2 of 2" in dialog.text)
    until(lambda: "agree with the tagger on 50 %" in dialog.text)
    keys(page, Keys.ESCAPE)
    until(lambda: not dialog.is_displayed())
    assert page.complaints() == []


def test_runs_are_compared_and_deleted_only_when_confirmed(page: Page, benchmarks: Benchmarks) -> None:
    page.press("bench_compare")
    until(lambda: "Tick at least two runs" in page.text_of("bench_compared"))
    until(lambda: all(tick(row.find_element("css selector", "input")) for row in rows(page)))
    page.press("bench_compare")
    until(lambda: "2 tags in common, seeds 1." in page.text_of("bench_compared"))
    assert "different templates" in page.text_of("bench_compared")
    press_in(page, "again", "Delete")
    question = question_of(page)
    assert "Delete 'again' with its pictures and verdicts for good" in question.text
    question.dismiss()
    assert len(benchmarks.stored.listed()) == 2
    press_in(page, "again", "Delete")
    question_of(page).accept()
    until(lambda: len(rows(page)) == 1)
    assert [run["name"] for run in benchmarks.stored.listed()] == ["two faces"]


def test_taggers_are_listed_and_a_fetch_is_asked_first(page: Page) -> None:
    page.find("#tag_atelier_bench_taggers > button, #tag_atelier_bench_taggers .label-wrap").click()
    place = page.find("[data-tag-atelier-taggers]")
    until(lambda: "mine" in place.text)
    assert "SHA-256 abababababababab" in place.text and "SmilingWolf/wd-swinv2-tagger-v3" in place.text
    place.find_element("css selector", "button").click()
    question = question_of(page)
    assert question.text == "Fetch 'wd-swinv2-tagger-v3' (about 470 MB) from mirror.example?"
    question.dismiss()
    assert page.driver.find_elements("css selector", "[data-tag-atelier-offer] button") == [], "there is a tagger"


def test_where_there_is_no_tagger_one_is_offered_and_fetched_after_a_yes(
    driver: Any, benchmarks: Benchmarks, tmp_path: Path
) -> None:
    atelier: Any = FakeAtelier(tmp_path)
    taggers = FakeTaggers()
    taggers.here = []
    atelier.benchmarks, atelier.taggers, atelier.runner = benchmarks, taggers, taggers.runner
    with served(atelier, build_page(atelier, api.PAGE_TOKEN)) as address:
        page = Page(driver, address)
        page.open_room(1)
        offer = "#tag_atelier_bench_job [data-tag-atelier-offer]"
        until(lambda: "about 470 MB, from mirror.example into 'models/tagger'" in page.find(offer).text)
        page.find(f"{offer} button").click()
        question_of(page).dismiss()
        assert taggers.asked == []
        page.find(f"{offer} button").click()
        question_of(page).accept()
        until(lambda: "1.0 MB of 2.0 MB" in page.text_of("bench_job"))
        page.find("#tag_atelier_bench_job .tag-atelier-stop").click()
        until(lambda: "The download was stopped." in page.text_of("bench_job"))
        page.open_room(3)
        until(lambda: "There is no tagger yet" in page.text_of("search_optuna"))
    assert taggers.asked == ["wd-swinv2-tagger-v3"]


def test_the_form_writes_the_plan(page: Page) -> None:
    page.find("#tag_atelier_bench_form > button, #tag_atelier_bench_form .label-wrap").click()
    page.write("#tag_atelier_bench_form_tags textarea, #tag_atelier_bench_form_tags input", "glaring, reaching")
    page.press("bench_write")
    until(lambda: "- reaching" in page.value_of("#tag_atelier_bench_spec textarea"))
    until(lambda: "The plan is written above." in page.text_of("bench_result"))
