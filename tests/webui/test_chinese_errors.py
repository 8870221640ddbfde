"""What goes wrong in a WebUI whose localization is ours: Chinese on the page, English for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ui.browser import IN_BROWSER, chromium, until
from tests.webui.client import OURS
from tests.webui.data_folder import OPTIONS
from tests.webui.server import Server
from tests.webui.test_page import Page
from tests.webui.test_page import pictures as pictures

pytestmark = IN_BROWSER

UNKNOWN = "{models: [nope, tiny-sd15-a], alpha: 0.5}"
SENTENCE = "没有模型“nope”；可选："


@pytest.fixture
def server(boot: Callable[..., Server], tmp_path: Path) -> Iterator[Server]:
    """A WebUI with the localization set to ours."""
    options = tmp_path / "options.json"
    chosen = {**OPTIONS, "localization": "zh_CN", "sd_model_checkpoint": "tiny-sd15-a.safetensors"}
    options.write_text(json.dumps(chosen), encoding="utf-8")
    server = boot("errors in Chinese", "link", "--ui-settings-file", str(options))
    yield server
    server.stop()


@pytest.fixture
def page(server: Server, tmp_path: Path, pictures: Path) -> Iterator[Page]:
    """Its page."""
    with chromium(tmp_path / "browser") as driver:
        opened = Page(driver, pictures)
        opened.open(server.client.base)
        yield opened
        assert opened.problems() == []


def test_panel_tab_and_jobs_speak_chinese_and_the_api_english(page: Page, server: Server) -> None:
    page.click("#tag_atelier_txt2img_panel > .label-wrap")
    page.click("#tag_atelier_txt2img_enabled input")
    page.click("#tag_atelier_txt2img_merge_panel > .label-wrap")
    page.write("#tag_atelier_txt2img_merge textarea", UNKNOWN)
    page.click("#txt2img_generate")
    until(lambda: SENTENCE in page.text("#html_log_txt2img"), 90)
    page.picture("panel-error-zh")

    page.tab("Tag Atelier")
    page.tab("合并", "#tag_atelier_tabs > .tab-nav")
    page.write("#tag_atelier_merge_recipe textarea", UNKNOWN)
    page.click("#tag_atelier_merge_check")
    until(lambda: SENTENCE in page.text("#tag_atelier_merge_result"))
    page.write("#tag_atelier_merge_recipe textarea", "{models: [tiny-sd15-a, tiny-sd15-b], alpha: 0.5}")
    page.click("#tag_atelier_merge_live")
    until(lambda: server.client.get(f"{OURS}/status")["dirty"] is True, 90)
    until(lambda: "合并到已加载的模型" in page.text("#tag_atelier_merge_job"))
    page.picture("merge-live-zh")
    page.click("#tag_atelier_merge_restore")
    until(lambda: server.client.get(f"{OURS}/status")["dirty"] is False, 90)
    until(lambda: "还原已加载的模型" in page.text("#tag_atelier_merge_job"))

    assert server.client.get(f"{OURS}/jobs")["jobs"][0]["title"] == "restore the loaded model"
