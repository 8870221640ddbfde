"""The Merge tab in the real WebUI, in Chinese: a network chosen from the WebUI's own, written to a file and remembered."""

from __future__ import annotations

from tests.ui.browser import IN_BROWSER, until
from tests.webui.test_page import Page
from tests.webui.test_page import chinese_page as chinese_page
from tests.webui.test_page import pictures as pictures

pytestmark = IN_BROWSER

RECIPE = "#tag_atelier_merge_recipe textarea"


def test_a_network_is_baked_in_and_the_merge_is_remembered(chinese_page: Page) -> None:
    page = chinese_page
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
