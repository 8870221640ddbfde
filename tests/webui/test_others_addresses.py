"""The WebUI under other addresses than its own: below a path behind a proxy, open to other machines; and its dark theme."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from selenium.webdriver.common.by import By

from tests.ui.browser import CHROMIUM, DRIVER, chromium, until
from tests.webui.client import OURS, Client
from tests.webui.proxy import served_below
from tests.webui.server import Server
from tests.webui.test_page import Page, pictures
from tests.webui.test_panel import MESSY, by_hand

__all__ = ["pictures"]

PLAN = """name: below a path
template: '1girl, {tag}'
tags: [glaring]
checkpoints: [tiny-sd15-a]
parameters: {steps: 2, width: 64, height: 64, sampler: Euler}
"""
browser = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium and chromedriver are not installed")


@pytest.mark.browser
@browser
def test_below_a_path(boot: Callable[..., Server], tmp_path: Path, pictures: Path) -> None:
    server = boot("subpath", "link", "--subpath", "sd", install=True)
    try:
        with served_below(int(urlsplit(server.client.base).port or 0), "/sd") as address, chromium(tmp_path / "b") as driver:
            page = Page(driver, pictures)
            page.open(address)
            page.tab("Tag Atelier")
            page.write("#tag_atelier_prompt_text textarea", MESSY)
            until(lambda: len(page.all("#tag_atelier_prompt_lanes .tag-atelier-tag")) == len(MESSY.split(",")))
            page.click("#tag_atelier_prompt_lanes .tag-atelier-arrange")
            until(lambda: page.value("#tag_atelier_prompt_text textarea") == by_hand(server.client))
            page.tab("Merge", "#tag_atelier_tabs > .tab-nav")
            until(lambda: "as it came" in page.text("#tag_atelier_merge_live_state"))
            page.tab("Benchmark", "#tag_atelier_tabs > .tab-nav")
            page.write("#tag_atelier_bench_spec textarea", PLAN)
            page.click("#tag_atelier_bench_start")
            until(lambda: "done" in page.text("#tag_atelier_bench_job"), 120)
            before = set(driver.window_handles)
            page.click("#tag_atelier_bench_job button")
            (opened,) = until(lambda: set(driver.window_handles) - before)
            driver.switch_to.window(opened)
            until(lambda: "glaring" in driver.find_element(By.TAG_NAME, "body").text)
            assert urlsplit(driver.current_url).path.startswith(f"/sd{OURS}/runs/")
            broken = (
                "return Array.from(document.images).filter(it => it.src && it.complete && !it.naturalWidth).map(it => it.src)"
            )
            assert driver.execute_script(broken) == []
            assert page.problems() == []
    finally:
        server.stop()


def test_open_to_other_machines(boot: Callable[..., Server]) -> None:
    server = boot("listen", "link", "--listen")
    try:
        port = urlsplit(server.client.base).port
        neighbour = {"Host": f"gallery.lan:{port}"}
        named = Client(server.client.base, headers=neighbour)
        assert named.request("GET", f"{OURS}/status").status == 200
        body = {"text": "white hair, 1girl", "profile": "aidxl"}
        ours = {"Origin": f"http://gallery.lan:{port}"}
        answer = named.request("POST", f"{OURS}/prompt/arrange", body, ours)
        assert answer.status == 200 and answer.json()["text"] == "1girl, white hair"
        for elsewhere in ("http://elsewhere.example", f"http://127.0.0.1:{port}"):
            assert named.request("POST", f"{OURS}/prompt/arrange", body, {"Origin": elsewhere}).status == 403
        assert named.draw("white hair, 1girl", alwayson_scripts={"Tag Atelier": {"args": [{}]}}).infotext.startswith("1girl")
    finally:
        server.stop()


@pytest.mark.browser
@browser
def test_the_dark_theme_darkens_ours(client: Client, tmp_path: Path, pictures: Path) -> None:
    with chromium(tmp_path / "b") as driver:
        page = Page(driver, pictures)
        seen = {}
        for theme in ("light", "dark"):
            page.open(f"{client.base}/?__theme={theme}")
            page.tab("Tag Atelier")
            page.write("#tag_atelier_prompt_text textarea", MESSY)
            until(lambda: len(page.all("#tag_atelier_prompt_lanes .tag-atelier-tag")) == len(MESSY.split(",")))
            chip = page.one("#tag_atelier_prompt_lanes .tag-atelier-tag")
            seen[theme] = lightness(chip.value_of_css_property("color"))
            page.picture(f"tab-prompt-{theme}")
        assert seen["light"] < 0.5 < seen["dark"]
        assert page.problems() == []


def lightness(colour: str) -> float:
    """0 to 1 of an ``rgb(…)`` or ``rgba(…)``."""
    numbers = [float(part) for part in colour.partition("(")[2].rstrip(")").split(",")[:3]]
    return sum(numbers) / (3 * 255)
