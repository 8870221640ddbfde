"""The Merge tab in the real WebUI, in Chinese: a network chosen from the WebUI's own, written to a file and remembered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ui.browser import IN_BROWSER, chromium, until
from tests.webui.data_folder import OPTIONS
from tests.webui.server import Server
from tests.webui.test_page import Page
from tests.webui.test_page import pictures as pictures

pytestmark = IN_BROWSER

RECIPE = "#tag_atelier_merge_recipe textarea"


@pytest.fixture
def page(boot: Callable[..., Server], tmp_path: Path, pictures: Path) -> Iterator[Page]:
    """The page with the WebUI's localization set to ours."""
    options = tmp_path / "options.json"
    chosen = {**OPTIONS, "localization": "zh_CN", "sd_model_checkpoint": "tiny-sd15-a.safetensors"}
    options.write_text(json.dumps(chosen), encoding="utf-8")
    server = boot("merge in Chinese", "link", "--ui-settings-file", str(options))
    try:
        with chromium(tmp_path / "browser") as driver:
            opened = Page(driver, pictures)
            opened.open(server.client.base)
            yield opened
            assert opened.problems() == []
    finally:
        server.stop()


def test_a_network_is_baked_in_and_the_merge_is_remembered(page: Page) -> None:
    page.tab("Tag Atelier")
    page.tab("合并", "#tag_atelier_tabs > .tab-nav")
    page.choose("#tag_atelier_merge_first", "tiny-sd15-a")
    page.choose("#tag_atelier_merge_second", "tiny-sd15-b")
    until(lambda: "tiny-sd15-b" in page.value(RECIPE))
    page.choose("#tag_atelier_merge_preset", "GRAD_V")
    until(lambda: "GRAD_V" in page.value(RECIPE))
    for panel in ("merge_parts", "merge_block_panel", "merge_shelf"):
        page.click(f"#tag_atelier_{panel} > .label-wrap")
    page.choose("#tag_atelier_merge_add_network", "tiny-lora-sd15")
    until(lambda: "lora: tiny-lora-sd15" in page.value(RECIPE))
    page.click("#tag_atelier_merge_check")
    until(lambda: "公式" in page.text("#tag_atelier_merge_result"))
    page.write("#tag_atelier_merge_name textarea", "from the page")
    page.click("#tag_atelier_merge_write")
    until(lambda: "from the page.safetensors" in page.text("#tag_atelier_merge_shelf_list"), 120)
    page.driver.set_window_size(1400, 2600)
    page.picture("tab-merge-zh")
    page.driver.set_window_size(420, 5000)
    page.picture("tab-merge-zh-narrow")
