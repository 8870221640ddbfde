"""The foot of the tab in a browser: the text for an issue, and notifications only for who asked for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest

pytest.importorskip("selenium", reason="selenium is not installed")

from tag_atelier import __version__, api
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.ui import about
from tag_atelier.ui.standalone import build_page
from tag_atelier.ui.words import Words
from tests.fakes import FakeScorer, fake_host
from tests.ui.browser import IN_BROWSER, Page, served, until

STUB = """
window.told = [];
window.Notification = class { constructor(title, more) { window.told.push([title, more.body]); } addEventListener() {} };
window.Notification.permission = arguments[0];
window.Notification.requestPermission = async () => arguments[0];
"""
JOB = """
const job = { id: arguments[0], kind: "merge", title: "a merge", state: "done", done: 1, total: 1, text: "" };
const now = Date.now;
document.dispatchEvent(new CustomEvent("tag-atelier-job", { detail: { ...job, state: "running" } }));
Date.now = () => now() + arguments[1] * 1000;
document.dispatchEvent(new CustomEvent("tag-atelier-job-over", { detail: job }));
Date.now = now;
"""


@pytest.fixture
def page(driver: object, tmp_path: Path) -> Iterator[Page]:
    atelier = Atelier(fake_host(tmp_path), find_scorer=lambda _folders, _name: FakeScorer())
    with served(atelier, build_page(atelier, api.PAGE_TOKEN)) as address:
        shown = Page(driver, address)
        shown.press("about .label-wrap")
        until(lambda: shown.find("[data-about=ask]").is_displayed())
        yield shown


def in_browser(test: object) -> object:
    """Marks a test that needs Chromium."""
    for mark in IN_BROWSER:
        test = mark(test)  # type: ignore[operator]
    return test


@in_browser
def test_the_text_for_an_issue_is_shown_to_be_copied(page: Page) -> None:
    page.find("[data-about=ask]").click()
    until(lambda: page.value_of(".tag-atelier-about-text").startswith(f"Tag Atelier: {__version__}\nHost: fake"))
    assert page.complaints() == []


@in_browser
def test_only_long_work_is_told_of_and_only_once_it_was_asked_for(page: Page) -> None:
    page.driver.execute_script(STUB, "granted")
    page.driver.execute_script(JOB, "before", 60)
    box = page.find(".tag-atelier-about-switch input")
    assert not box.is_selected()
    box.click()
    until(lambda: page.driver.execute_script("return localStorage.getItem('tag-atelier-notify')") == "yes")
    page.driver.execute_script(JOB, "short", 5)
    page.driver.execute_script(JOB, "long", 60)
    assert page.driver.execute_script("return window.told") == [["Tag Atelier: done", "a merge"]]
    box.click()
    page.driver.execute_script(JOB, "after", 60)
    assert len(page.driver.execute_script("return window.told")) == 1


@in_browser
def test_a_browser_that_refuses_is_said_to_refuse(page: Page) -> None:
    page.driver.execute_script(STUB, "denied")
    page.find(".tag-atelier-about-switch input").click()
    until(lambda: "does not allow notifications" in page.text_of("about_content"))
    assert not page.find(".tag-atelier-about-switch input").is_selected()


@pytest.mark.parametrize(("name", "said"), [("", False), ("SD.Next", True)])
def test_a_webui_that_we_are_not_made_for_is_named(tmp_path: Path, name: str, said: bool) -> None:
    atelier = Atelier(replace(fake_host(tmp_path), facts=lambda: {"unsupported": name}))
    with gr.Blocks() as blocks:
        about.build(atelier, Words("zh_CN"))
    shown = [str(part["props"].get("value")) for part in blocks.get_config_file()["components"]]
    assert any("不是为 SD.Next 制作的" in text for text in shown) is said
