"""The tools beside the lanes and the lanes in the panel, in headless Chromium under whichever gradio is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest

pytest.importorskip("selenium", reason="selenium is not installed")

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from selenium.webdriver.common.keys import Keys

from tag_atelier import api
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.ui import lanes as holders
from tag_atelier.ui.compat import standalone_blocks
from tests.ui.browser import IN_BROWSER, Page, served, until
from tests.ui.prompt_browser import NEGATIVE, Lanes

pytestmark = IN_BROWSER

INFOTEXT = "1girl, smile\nNegative prompt: lowres\nSteps: 24, Sampler: Euler a, CFG scale: 6, Seed: 7, Size: 832x1216"


def test_the_families_words_go_where_they_belong(lanes: Lanes) -> None:
    lanes.write("1girl, smile")
    lanes.open("family")
    until(lambda: [it for it in lanes.all(".tag-atelier-tool button") if it.text == "amazing"])[0].click()
    lanes.becomes("1girl, smile, amazing quality")
    until(lambda: [it for it in lanes.all(".tag-atelier-tool button") if it.text == "author"])[0].click()
    until(lambda: "(worst quality:1.3), low quality" in lanes.page.value_of(NEGATIVE))
    assert lanes.text() == "1girl, smile, amazing quality"


def test_artists_are_mixed_in_the_users_order(lanes: Lanes) -> None:
    lanes.write("(by ask:0.8), 1girl, best quality", chips=3)
    lanes.open("artists")
    until(lambda: [it.text for it in lanes.all(".tag-atelier-artist-name")] == ["ask"])
    lanes.one(".tag-atelier-tool .tag-atelier-search input").send_keys("modare", Keys.ENTER)
    until(lambda: len(lanes.all(".tag-atelier-artist")) == 2)
    lanes.all(".tag-atelier-artist")[1].find_elements("css selector", "button")[0].click()
    until(lambda: [it.text for it in lanes.all(".tag-atelier-artist-name")] == ["modare", "ask"])
    lanes.press(".tag-atelier-write")
    lanes.becomes("1girl, best quality, by modare, (by ask:0.8)")


def test_a_character_is_found_by_its_chinese_name(lanes: Lanes) -> None:
    lanes.write("1girl, smile")
    lanes.open("character")
    lanes.one(".tag-atelier-tool .tag-atelier-search input").send_keys("绫波丽", Keys.ENTER)
    until(lambda: "neon genesis evangelion" in lanes.one(".tag-atelier-card").text)
    lanes.press(".tag-atelier-card button.tag-atelier-slot-main_char")
    lanes.press(".tag-atelier-card .tag-atelier-write")
    until(lambda: "ayanami rei" in lanes.text() and "red eyes" in lanes.text())
    assert "blue hair" not in lanes.text(), "what was not chosen is not added"
    lanes.keys("1girl", Keys.CONTROL, "z")
    lanes.becomes("1girl, smile")


def test_a_negative_prompt_is_built(lanes: Lanes) -> None:
    lanes.write("1girl, smile")
    lanes.open("negative")
    until(lambda: "worst quality" in lanes.one(".tag-atelier-preview").text)
    lanes.press(".tag-atelier-write")
    until(lambda: "worst quality" in lanes.page.value_of(NEGATIVE))


def test_a_picture_gives_its_prompt_back_once_it_is_confirmed(lanes: Lanes, tmp_path: Path) -> None:
    facts = PngInfo()
    facts.add_text("parameters", INFOTEXT)
    Image.new("RGB", (32, 32)).save(tmp_path / "picture.png", pnginfo=facts)
    lanes.open("picture")
    lanes.all(".tag-atelier-drop input")[0].send_keys(str(tmp_path / "picture.png"))
    until(lambda: "1girl, smile" in lanes.one(".tag-atelier-card").text)
    assert lanes.text() == "", "nothing is written before it is confirmed"
    lanes.press(".tag-atelier-card .tag-atelier-write")
    lanes.becomes("1girl, smile")
    assert lanes.page.value_of(NEGATIVE) == "lowres"


def test_favourites_are_kept_and_offered(lanes: Lanes, atelier: Atelier) -> None:
    lanes.write("1girl, white hair")
    lanes.keys("white hair", Keys.HOME, Keys.END)
    star = until(lambda: [it for it in lanes.all(".tag-atelier-chip-bar button") if it.text in ("☆", "★")])[0]
    if star.text == "☆":  # when the test is run once more, the tag is kept already
        star.click()
    until(lambda: any(it.text == "★" for it in lanes.all(".tag-atelier-chip-bar button")))
    lanes.one(".tag-atelier-adder input").click()
    until(lambda: "white hair" in lanes.one(".tag-atelier-search-list").text)
    lanes.open("saved")
    until(lambda: [it for it in lanes.all(".tag-atelier-tool button") if "Keep this prompt" in it.text])[0].click()
    until(lambda: any("1girl, white hair" in it.text for it in lanes.all(".tag-atelier-saved-row")))


@pytest.fixture
def panel(driver: object, atelier: Atelier) -> Iterator[Lanes]:
    """Controls as the WebUI has them, and the panel's lanes."""
    with standalone_blocks("panel") as blocks:
        gr.Textbox("", lines=3, elem_id="txt2img_prompt", label="Prompt")
        gr.Textbox("", lines=3, elem_id="txt2img_neg_prompt", label="Negative prompt")
        gr.Dropdown(
            ["Euler", "Euler a", "DDIM"], value="DDIM", elem_id="txt2img_sampling", label="Sampling method", interactive=True
        )
        for name, value in (("steps", 5), ("cfg_scale", 7), ("width", 512), ("height", 512)):
            gr.Slider(1, 2048, value=value, step=1, elem_id=f"txt2img_{name}", label=name, interactive=True)
        gr.Dropdown(["automatic", "aidxl", "pony"], value="aidxl", elem_id="tag_atelier_txt2img_profile", label="Model family")
        gr.HTML(holders.panel_lanes("txt2img"), elem_id="tag_atelier_txt2img_lanes")
    with served(atelier, blocks) as where:
        page = Page(driver, where + "?view=panel")
        page.driver.execute_script("document.body.insertAdjacentHTML('beforeend', arguments[0])", page_data())
        yield Lanes(page, "#tag_atelier_txt2img_lanes", "#txt2img_prompt textarea")
        assert page.complaints() == []


def page_data() -> str:
    """The token that the tab hands out on a WebUI's page."""
    from tag_atelier.ui.tab import page_data as data
    from tag_atelier.ui.words import Words

    return data(Words("en"), api.PAGE_TOKEN)


def test_the_panels_lanes_read_and_set_the_webuis_own_controls(panel: Lanes) -> None:
    panel.write("1girl, smile")
    until(lambda: "5 steps are few or many" in panel.one(".tag-atelier-tool").text)
    until(lambda: [it for it in panel.all(".tag-atelier-fix") if "steps" in it.text])[0].click()
    until(lambda: panel.page.value_of("#txt2img_steps input[type=number]") == "28")
    until(lambda: "steps are few" not in panel.one(".tag-atelier-tool").text)
    panel.open("family")
    panel.press(".tag-atelier-apply")
    until(lambda: panel.page.value_of("#txt2img_width input[type=number]") == "832")
    until(lambda: panel.page.value_of("#txt2img_sampling input") == "Euler a")
    panel.says("Schedule type Automatic")
    panel.keys("smile", Keys.ALT, Keys.ARROW_LEFT)
    panel.becomes("smile, 1girl")
