"""Draws docs/images/webui-* and forge-*: panel, script, sub-tabs and settings in the real page, with TAG_ATELIER_IMAGES=1.

Both languages and themes. Look at each picture before it is committed. Those of `serve`: tests/ui/pictures.py.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from PIL import Image
from selenium.webdriver.common.keys import Keys

from tag_atelier.world import miniature
from tests.ui.browser import IN_BROWSER, chromium, until
from tests.ui.pictures import HIDE, IMAGES, LANGUAGES, PLAN, THEMES, WIDTH
from tests.webui.checkout import Checkout
from tests.webui.client import OURS, Client
from tests.webui.data_folder import OPTIONS
from tests.webui.server import Server
from tests.webui.test_page import Page
from tests.webui.test_studies import STUDY

pytestmark = [
    *IN_BROWSER,
    pytest.mark.skipif(not os.environ.get("TAG_ATELIER_IMAGES"), reason="TAG_ATELIER_IMAGES is not set"),
]
HEIGHT, HIGHEST, LARGEST_BYTES = 900, 1850, 95_000
ENDS = {"settings": 860}
"""Where pages that are mostly the WebUI's own are cut."""
PROMPT = "1girl, (smile:1.2), blue eyes, long hair, very long hair, school uniform, from above, forest, by ask, best quality"
TAGS = (
    "smile, blue eyes, red eyes, green eyes, open mouth, blonde hair, black hair, blue hair, pink hair, twintails, "
    "ponytail, glasses, white shirt, red dress, hoodie, kimono, cat ears, witch hat, halo, crown, waving, holding sword, sunset"
)
"""What the miniature draws."""
ROOMS = ("prompt", "benchmark", "merge", "search")
LOOKS = {"en": ("light",), "zh": ("dark",)}
"""Of Forge and reForge; gradio 4 is shown in all four by tests/ui/pictures.py."""
CHINESE = "document.querySelector('#tag_atelier_txt2img_panel').textContent.match(/[\\u4e00-\\u9fff]/)"


def shoot(page: Page, name: str) -> None:
    """The page from its top down to its footer."""
    page.driver.execute_script(HIDE)
    page.driver.set_window_size(WIDTH, HIGHEST + 150)
    page.driver.execute_script("window.scrollTo(0, 0)")
    bottom = page.driver.execute_script("return document.querySelector('#footer').getBoundingClientRect().bottom")
    picture = Image.open(io.BytesIO(page.driver.get_screenshot_as_png())).convert("RGB")
    picture = picture.crop((0, 0, picture.width, min(ENDS.get(name.split("-")[1], HIGHEST), int(bottom) + 12)))
    for colours in (256, 128, 64):  # without loss but for shades: letters and thin lines stay sharp
        packed = io.BytesIO()
        few = picture.quantize(colours, dither=Image.Dither.NONE).convert("RGB")
        few.save(packed, "WEBP", lossless=True, quality=100, method=6)
        if packed.tell() <= LARGEST_BYTES:
            break
    (IMAGES / f"{name}.webp").write_bytes(packed.getvalue())
    sys.stdout.write(f"{name}.webp {packed.tell()} bytes, {colours} colours\n")


def enter(page: Page, selector: str, entry: str) -> None:
    """Choose from a menu by what it is called in the program: what it shows may be translated."""
    page.write(f"{selector} input", entry)
    until(lambda: page.all("ul.options li"))
    page.one(f"{selector} input").send_keys(Keys.ENTER)


def open_room(page: Page, room: str) -> None:
    """Show our tab, and one of its rooms."""
    page.tab("Tag Atelier")
    tabs = until(lambda: page.all("#tag_atelier_tabs > .tab-nav > button"))
    until(tabs[ROOMS.index(room)].is_displayed)
    tabs[ROOMS.index(room)].click()


def show_panel(page: Page, models: Sequence[str]) -> None:
    page.write("#txt2img_neg_prompt textarea", "lowres, bad hands")
    page.write("#txt2img_prompt textarea", PROMPT)
    until(lambda: not page.text("#txt2img_token_counter").startswith("0/"))
    page.click("#tag_atelier_txt2img_panel > .label-wrap")
    until(lambda: len(page.all("#tag_atelier_txt2img_lanes .tag-atelier-tag")) > 5)
    page.click("#tag_atelier_txt2img_check")
    until(lambda: page.text("#tag_atelier_txt2img_result"))


def show_script(page: Page, models: Sequence[str]) -> None:
    page.click("#tag_atelier_txt2img_panel > .label-wrap")
    enter(page, "#script_list", "Rare-tag benchmark")
    page.write("#tag_atelier_script_plan textarea", PLAN.format(name="Portraits"))


def show_prompt(page: Page, models: Sequence[str]) -> None:
    open_room(page, "prompt")
    page.write("#tag_atelier_prompt_text textarea", PROMPT)
    until(lambda: len(page.all("#tag_atelier_prompt_lanes .tag-atelier-tag")) > 5)


def show_benchmark(page: Page, models: Sequence[str]) -> None:
    open_room(page, "benchmark")
    page.write("#tag_atelier_bench_spec textarea", plan(models))
    page.click("#tag_atelier_bench_plan")
    until(lambda: models[0] in page.text("#tag_atelier_bench_result"))
    until(lambda: "Portraits" in page.text("#tag_atelier_bench_runs"))


def show_merge(page: Page, models: Sequence[str]) -> None:
    open_room(page, "merge")
    enter(page, "#tag_atelier_merge_first", models[0])
    enter(page, "#tag_atelier_merge_second", models[1])
    until(lambda: models[1] in page.value("#tag_atelier_merge_recipe textarea"))
    page.click("#tag_atelier_merge_check")
    until(lambda: models[1] in page.text("#tag_atelier_merge_result"))


def show_search(page: Page, models: Sequence[str]) -> None:
    open_room(page, "search")
    if searched(models):
        until(lambda: page.all(".tag-atelier-strip img")[0].get_property("naturalWidth") == 64)
    else:
        until(lambda: page.text("[data-tag-atelier-studies]"))


def show_settings(page: Page, models: Sequence[str]) -> None:
    page.all("#tabs > .tab-nav > button")[page.driver.execute_script(SETTINGS)].click()
    page.tab("Tag Atelier", "#settings > .tab-nav")
    page.one("#settings_tag_atelier, #setting_tag_atelier_language")


SETTINGS = """
const shown = [...document.querySelectorAll("#tabs > .tabitem")].map((item) => item.id);
return shown.indexOf("tab_settings");
"""
SHOW = {
    "panel": show_panel,
    "script": show_script,
    "prompt": show_prompt,
    "benchmark": show_benchmark,
    "merge": show_merge,
    "search": show_search,
    "settings": show_settings,
}


def plan(models: Sequence[str]) -> str:
    """The benchmark that is shown, of these two checkpoints."""
    return PLAN.format(name="Portraits").replace("miniature-base, miniature-face", ", ".join(models))


def models_of(folder: Path, checkout: Checkout) -> Sequence[str]:
    """The names of the two checkpoints that are shown: WebUI 1.10.1 takes the trained ones, with their tagger."""
    if checkout.name != "a1111":
        return list(STUDY["models"])
    miniature.make(folder / "Stable-diffusion", bpe_file=checkout.clip_merges())
    shutil.rmtree(folder / "tagger")
    shutil.copytree(miniature.TAGGER, folder / "tagger" / miniature.TAGGER.name)
    return ["miniature-face", "miniature-outfit"]


def searched(models: Sequence[str]) -> bool:
    """Whether a search is shown; else what stands there before the first one. It takes minutes with Forge's large files."""
    return models != STUDY["models"]


def finish_work(client: Client, models: Sequence[str]) -> None:
    """One benchmark of these two checkpoints, and of the trained ones a search."""
    assert client.job("POST", "/benchmarks", {"spec": plan(models)})["state"] == "done"
    if searched(models):
        if not client.get(f"{OURS}/studies")["ready"]:
            assert client.job("POST", "/studies/install")["state"] == "done"
        parameters = {"sampler": "Euler", "steps": 12, "cfg_scale": 4, "width": 64, "height": 64}
        asked = {**STUDY["plan"], "template": "1girl, solo, {tag}", "tags": TAGS.split(", "), "parameters": parameters}
        study = {**STUDY, "name": "Portraits", "models": list(models), "plan": asked}
        assert client.job("POST", "/studies", {"study": study})["state"] == "done"
    client.choose(f"{models[0]}.safetensors")


@pytest.mark.parametrize("language", LANGUAGES)
def test_pictures(boot: Callable[..., Server], checkout: Checkout, workplace: Path, tmp_path: Path, language: str) -> None:
    options = tmp_path / "options.json"
    chosen = {**OPTIONS, "sd_model_checkpoint": "tiny-sd15-a.safetensors", "localization": "None"}
    if language != "en":
        chosen["localization"] = LANGUAGES[language]
    options.write_text(json.dumps(chosen), encoding="utf-8")
    models = models_of(workplace / "models", checkout)
    server = boot(f"pictures-{language}", "link", "--ui-settings-file", str(options), install=True)
    host = "webui" if checkout.name == "a1111" else checkout.name
    try:
        finish_work(server.client, models)
        for theme in THEMES if checkout.name == "a1111" else LOOKS[language]:
            with chromium(tmp_path / theme) as driver:
                driver.set_window_size(WIDTH, HEIGHT)
                page = Page(driver, tmp_path)
                page.open(f"{server.client.base}/?__theme={theme}")
                until(lambda: bool(driver.execute_script(f"return {CHINESE}")) == (language != "en"))
                for name, show in SHOW.items():
                    show(page, models)
                    shoot(page, f"{host}-{name}-{language}-{theme}")
    finally:
        server.stop()
