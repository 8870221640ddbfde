"""Draws docs/images/webui-*: panel and sub-tabs in the real WebUI, in both languages and themes, with TAG_ATELIER_IMAGES=1."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ui.browser import CHROMIUM, DRIVER, chromium, until
from tests.ui.pictures import HEIGHT, LANGUAGES, PROMPT, THEMES, WIDTH, save
from tests.webui.data_folder import OPTIONS
from tests.webui.server import Server
from tests.webui.test_page import Page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium and chromedriver are not installed"),
    pytest.mark.skipif(not os.environ.get("TAG_ATELIER_IMAGES"), reason="TAG_ATELIER_IMAGES is not set"),
]
ROOMS = ("prompt", "benchmark", "merge", "search")


def open_room(page: Page, position: int) -> None:
    """Show our tab, and one of its rooms."""
    page.tab("Tag Atelier")
    until(lambda: page.all("#tag_atelier_tabs > .tab-nav > button")[position].is_displayed())
    page.all("#tag_atelier_tabs > .tab-nav > button")[position].click()


def shoot(page: Page, name: str) -> None:
    page.driver.execute_script("window.scrollTo(0, 0); document.activeElement.blur();")
    save(page.driver.get_screenshot_as_png(), name)


def prepare(page: Page, room: str) -> None:
    """Bring a room into a state that shows something."""
    open_room(page, ROOMS.index(room))
    if room == "prompt":
        page.write("#tag_atelier_prompt_text textarea", PROMPT)
        until(lambda: len(page.all("#tag_atelier_prompt_lanes .tag-atelier-tag")) > 5)
    elif room == "benchmark":
        page.click("#tag_atelier_bench_plan")
        until(lambda: page.text("#tag_atelier_bench_result"))
    elif room == "merge":
        page.choose("#tag_atelier_merge_first", "tiny-sd15-a")
        page.choose("#tag_atelier_merge_second", "tiny-sd15-b")
        until(lambda: "tiny-sd15-b" in page.value("#tag_atelier_merge_recipe textarea"))
    else:
        until(lambda: page.one("[data-tag-atelier-studies] > *"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_pictures(boot: Callable[..., Server], tmp_path: Path, language: str) -> None:
    options = tmp_path / "options.json"
    chosen = {**OPTIONS, "sd_model_checkpoint": "tiny-sd15-a.safetensors"}
    if language != "en":
        chosen["localization"] = LANGUAGES[language]
    options.write_text(json.dumps(chosen), encoding="utf-8")
    server = boot(f"pictures-{language}", "link", "--ui-settings-file", str(options))
    try:
        for theme in THEMES:
            with chromium(tmp_path / theme) as driver:
                driver.set_window_size(WIDTH, HEIGHT + 140)
                page = Page(driver, tmp_path)
                page.open(f"{server.client.base}/?__theme={theme}")
                page.click("#tag_atelier_txt2img_panel > .label-wrap")
                page.write("#txt2img_prompt textarea", PROMPT)
                until(lambda: len(page.all("#tag_atelier_txt2img_lanes .tag-atelier-tag")) > 5)  # noqa: B023
                shoot(page, f"webui-txt2img-{language}-{theme}")
                for room in ROOMS:
                    prepare(page, room)
                    shoot(page, f"webui-{room}-{language}-{theme}")
    finally:
        server.stop()
