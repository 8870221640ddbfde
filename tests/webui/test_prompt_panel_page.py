"""The panel in the real page: its switch stays as it was left, a pasted picture sets it, its button sets the WebUI's own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from tests.ui.browser import IN_BROWSER, chromium, until
from tests.webui.client import Client
from tests.webui.server import Server
from tests.webui.test_page import Page
from tests.webui.test_panel import MESSY, by_hand, panel

pytestmark = IN_BROWSER
SWITCH = "#tag_atelier_txt2img_enabled input"


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Where screenshots go: TAG_ATELIER_PICTURES, else nowhere that lasts."""
    folder = Path(os.environ.get("TAG_ATELIER_PICTURES") or tmp_path / "pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def page(client: Client, tmp_path: Path, shots: Path) -> Iterator[Page]:
    """The shared server's page with the panel open; our scripts have raised nothing afterwards."""
    with chromium(tmp_path / "browser") as driver:
        opened = Page(driver, shots)
        show(opened, client.base)
        yield opened
        assert opened.problems() == []
        turn(opened, on=False)


def show(page: Page, address: str) -> None:
    page.open(address)
    time.sleep(1)  # gradio's own events at the load of the page
    page.click("#tag_atelier_txt2img_panel > .label-wrap")


def is_on(page: Page) -> bool:
    return bool(page.one(SWITCH).is_selected())


def turn(page: Page, on: bool) -> None:
    if is_on(page) != on:
        page.click(SWITCH)
        time.sleep(0.7)


def small(page: Page) -> None:
    for field, value in (("steps", 2), ("width", 64), ("height", 64)):
        page.write(f"#txt2img_{field} input[type=number]", str(value))


def test_the_switch_is_remembered_by_the_page_and_means_nothing_to_the_api(page: Page, client: Client) -> None:
    turn(page, on=False)  # an earlier test's pasted picture may have left it on
    turn(page, on=True)
    show(page, client.base)
    until(lambda: is_on(page))
    assert client.draw(MESSY).infotext.splitlines()[0] == MESSY
    turn(page, on=False)
    show(page, client.base)
    assert not is_on(page)


def test_after_a_drawing_the_panel_says_what_was_done(page: Page, client: Client) -> None:
    turn(page, on=True)
    small(page)
    page.write("#txt2img_prompt textarea", MESSY)
    page.click("#txt2img_generate")
    said = until(lambda: page.text("#tag_atelier_txt2img_report"), 60)
    assert "Last drawing by aidxl" in said and "tags moved" in said
    until(lambda: by_hand(client) in page.text("#html_info_txt2img"))
    page.picture("panel-report")
    page.write("#txt2img_prompt textarea", "white hair, (best quality, 1girl")
    page.click("#txt2img_generate")
    until(lambda: "a bracket is never closed" in page.text("#tag_atelier_txt2img_report"), 60)
    until(lambda: "a bracket is never closed" in page.text("#html_log_txt2img"))
    page.picture("panel-report-left")


def test_a_picture_sent_from_png_info_sets_the_panel(page: Page, client: Client, tmp_path: Path) -> None:
    drawn = client.draw(MESSY, **panel({"profile": "animagine-xl-4", "quality": "default", "negative_preset": "default"}))
    plain = client.draw(MESSY)
    send(page, tmp_path / "ours.png", drawn.png)
    until(lambda: is_on(page))
    assert page.value("#tag_atelier_txt2img_profile input") == "animagine-xl-4"
    chosen = [page.value(f"#tag_atelier_txt2img_{name} input") for name in ("quality", "negative")]
    assert all(name in drawn.infotext and name != "none" for name in chosen)
    assert page.value("#txt2img_prompt textarea") == drawn.infotext.splitlines()[0]
    page.picture("panel-pasted")
    page.click("#txt2img_generate")
    until(lambda: "Tag Atelier profile: animagine-xl-4" in page.text("#html_info_txt2img"), 60)
    until(lambda: drawn.infotext.splitlines()[0] in page.text("#html_info_txt2img"))
    send(page, tmp_path / "plain.png", plain.png)
    until(lambda: not is_on(page))


def send(page: Page, file: Path, png: bytes) -> None:
    file.write_bytes(png)
    page.tab("PNG Info")
    selector = "#pnginfo_image button[aria-label='Clear'], #pnginfo_image button[aria-label='Remove Image']"
    clear = [it for it in page.all(selector) if it.is_displayed()]
    if clear:
        clear[0].click()
        until(lambda: MESSY.split(", ")[0] not in page.text("#tab_pnginfo"))
    until(lambda: page.driver.find_elements(By.CSS_SELECTOR, "#pnginfo_image input[type=file]"))[0].send_keys(str(file))
    until(lambda: MESSY.split(", ")[0] in page.text("#tab_pnginfo"))
    time.sleep(0.5)
    page.click("#tab_pnginfo #txt2img_tab")
    until(lambda: page.one("#txt2img_prompt textarea"))


def test_the_family_s_sampler_and_size_are_set(page: Page) -> None:
    page.choose("#tag_atelier_txt2img_profile", "confusionxl")
    page.click("#tag_atelier_txt2img_apply_clip_skip input")
    page.click("#tag_atelier_txt2img_apply")
    until(lambda: page.value("#txt2img_sampling input") == "DPM++ 2M SDE")
    assert page.value("#txt2img_scheduler input") == "Karras"
    assert [page.value(f"#txt2img_{name} input[type=number]") for name in ("steps", "cfg_scale")] == ["35", "7"]
    sizes = [int(page.value(f"#txt2img_{name} input[type=number]")) for name in ("width", "height")]
    assert sizes[0] * sizes[1] > 800_000
    assert "Clip skip: 2" in until(lambda: page.text("#txt2img_override_settings"))
    assert "Set as" in page.text("#tag_atelier_txt2img_result")
    page.picture("panel-applied")


def test_the_switch_is_remembered_over_reload_ui_and_a_restart(
    boot: Callable[..., Server], tmp_path: Path, shots: Path
) -> None:
    server = boot("remembered", "link")
    try:
        with chromium(tmp_path / "browser") as driver:
            page = Page(driver, shots)
            show(page, server.client.base)
            turn(page, on=True)
            page.tab("img2img")
            page.click("#tag_atelier_img2img_panel > .label-wrap")
            assert not page.one("#tag_atelier_img2img_enabled input").is_selected()
            page.tab("Settings")
            page.click("#settings_restart_gradio")
            time.sleep(3)
            until(lambda: server.client.answers(server.answers_when_ready), 60)
            show(page, server.client.base)
            until(lambda: is_on(page))
        server.stop()
        server.start(("--skip-install",))
        with chromium(tmp_path / "browser-2") as driver:
            page = Page(driver, shots)
            show(page, server.client.base)
            until(lambda: is_on(page))
    finally:
        server.stop()
