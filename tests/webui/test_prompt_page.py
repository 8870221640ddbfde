"""The lanes in the real WebUI: in the panel beside its own prompt boxes and controls, in the tab, and in Chinese."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.keys import Keys

from tests.ui.browser import IN_BROWSER, until
from tests.ui.browser import Page as PlainPage
from tests.ui.prompt_browser import Lanes
from tests.webui.test_page import Page
from tests.webui.test_page import chinese_page as chinese_page
from tests.webui.test_page import page as page
from tests.webui.test_page import pictures as pictures

pytestmark = IN_BROWSER

MESSY = "best quality, white hair, smile, 1girl, red ribbon, sitting"
ORDERED = "1girl, sitting, smile, white hair, red ribbon, best quality"
REMARK = "steps are few or many"


def lanes_of(page: Page, tab: str) -> Lanes:
    """The panel's lanes of ``txt2img`` or ``img2img``, opened."""
    page.tab(tab)
    page.click(f"#tag_atelier_{tab}_panel > .label-wrap")
    plain = PlainPage.__new__(PlainPage)
    plain.driver = page.driver
    return Lanes(plain, f"#tag_atelier_{tab}_lanes", f"#{tab}_prompt textarea")


@pytest.mark.parametrize("tab", ["txt2img", "img2img"])
def test_the_panels_lanes_write_the_webuis_own_boxes(page: Page, tab: str) -> None:
    lanes = lanes_of(page, tab)
    lanes.write(MESSY)
    assert lanes.chips() == ORDERED.split(", ")
    lanes.keys("smile", "+")
    lanes.becomes(MESSY.replace("smile", "(smile:1.05)"))
    lanes.press(".tag-atelier-arrange")
    lanes.becomes(ORDERED.replace("smile", "(smile:1.05)"))
    page.picture(f"{tab}-lanes")
    lanes.keys("smile", Keys.CONTROL, "z")
    lanes.keys("smile", Keys.CONTROL, "z")
    lanes.becomes(MESSY)
    page.one(f"#{tab}_neg_prompt textarea").send_keys("lowres, text")
    page.driver.execute_script(f"document.querySelector('#tag_atelier_{tab}_lanes').scrollIntoView()")
    until(lambda: sorted(lanes.chips()) == ["lowres", "text"])


def test_the_webuis_settings_are_checked_and_set(page: Page) -> None:
    lanes = lanes_of(page, "txt2img")
    page.write("#txt2img_steps input[type=number]", "3")
    lanes.write("1girl, smile")
    until(lambda: REMARK in lanes.one(".tag-atelier-tool").text)
    next(it for it in lanes.all(".tag-atelier-fix") if "steps" in it.text).click()
    until(lambda: page.value("#txt2img_steps input[type=number]") == "28")
    lanes.open("family")
    lanes.press(".tag-atelier-apply")
    until(lambda: page.value("#txt2img_width input[type=number]") == "832")
    until(lambda: page.value("#txt2img_sampling input") == "Euler a")
    until(lambda: page.value("#txt2img_scheduler input") == "Automatic")


def test_the_tab_sends_both_prompts(page: Page) -> None:
    page.tab("Tag Atelier")
    page.write("#tag_atelier_prompt_text textarea", MESSY)
    page.write("#tag_atelier_prompt_negative textarea", "lowres")
    page.click("#tag_atelier_prompt_lanes .tag-atelier-send")
    until(lambda: page.value("#txt2img_prompt textarea") == MESSY)
    assert page.value("#txt2img_neg_prompt textarea") == "lowres"


def test_the_page_in_chinese(chinese_page: Page) -> None:
    lanes = lanes_of(chinese_page, "txt2img")
    lanes.write("white hair, 1girl, :3")
    chinese_page.picture("txt2img-lanes-zh")
    assert lanes.chip("white hair").text.startswith("白发")
    assert "发色" in lanes.one(".tag-atelier-lanes").text
    assert "排序" in lanes.one(".tag-atelier-lanes-head").text
    until(lambda: "括号" in lanes.one(".tag-atelier-findings").text)
