"""What holds the parts together in the real WebUI: the text for an issue, and work handed from txt2img to the tab."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ui.browser import CHROMIUM, DRIVER, until
from tests.webui.client import OURS, Client
from tests.webui.test_page import Page, page, pictures  # noqa: F401  fixtures


def test_the_text_for_an_issue(client: Client) -> None:
    text = str(client.get(f"{OURS}/diagnostics")["text"])
    lines = dict(line.split(": ", 1) for line in text.splitlines())
    assert lines["Host"].split()[0] in ("webui", "forge", "reforge") and len(lines["Host"].split()) > 1
    assert "--api" in lines["Flags"].split()
    assert "torch" in lines["Packages"] and "gradio" in lines["Packages"]
    assert lines["Extensions"] != "none"
    assert str(Path.home()) not in text and "/" not in lines["Flags"] and "tiny-sd15-a" not in text


@pytest.mark.browser
@pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium and chromedriver are not installed")
def test_a_prompt_of_txt2img_is_benchmarked_in_the_tab(page: Page) -> None:  # noqa: F811
    page.click("#tag_atelier_txt2img_panel > .label-wrap")
    page.write("#txt2img_prompt textarea", "1girl, forest, smile")
    until(lambda: len(page.all("#tag_atelier_txt2img_lanes .tag-atelier-tag")) == 3)
    page.click("#tag_atelier_txt2img_lanes .tag-atelier-benchmark")
    until(lambda: "My prompt" in page.value("#tag_atelier_bench_spec textarea"))
    assert '"1girl, forest, smile, {tag}"' in page.value("#tag_atelier_bench_spec textarea")
    page.click("#tag_atelier_bench_plan")
    until(lambda: "1girl, forest, smile" in page.text("#tag_atelier_bench_result"))
    page.click("#tag_atelier_about > .label-wrap")
    page.click("#tag_atelier_about [data-about=ask]")
    until(lambda: page.value(".tag-atelier-about-text").startswith("Tag Atelier: "))
    page.picture("tab-about")
