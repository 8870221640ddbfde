"""Draws docs/images: every sub-tab in both languages and themes, as `serve` shows it on the miniature world; a program.

    python tests/ui/pictures.py            (with .nox/gradio3's Python: the same on gradio 3.41.2, as gradio3-*)

Wants Chromium. Look at each picture before it is committed. Those of a WebUI: tests/webui/test_pictures.py.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.ui.browser import HEARD, Page, chromium, served, until  # noqa: E402

IMAGES = ROOT / "docs" / "images"
LOOKS_EVERY_S = 1.0
"""The page's script looks that often for menus to say in the reader's language and for what came into sight."""
LARGEST_BYTES = 150_000
WIDTH, HEIGHT = 1280, 1000
LANGUAGES = {"en": "en", "zh": "zh_CN"}
THEMES = ("light", "dark")
PROMPT = "1girl, (smile:1.2), blue eyes, long hair, school uniform, from above, forest, by ask, best quality"
HIDE = f"""
const style = document.createElement("style");
style.textContent = "::-webkit-scrollbar, #{HEARD} {{ display: none !important; }}";
document.head.appendChild(style);
document.activeElement.blur();
"""
"""What no user sees or looks at."""
PLAN = """\
name: {name}
template: "portrait, {{tag}}"
tags: [smile, glasses, blonde hair]
seeds: [1, 2]
checkpoints: [miniature-base, miniature-face]
parameters: {{steps: 8, width: 64, height: 64, sampler: Euler}}
"""


def save(png: bytes, name: str) -> None:
    """Keep a screenshot as WebP, as good as ``LARGEST_BYTES`` allow."""
    from PIL import Image

    picture = Image.open(io.BytesIO(png)).convert("RGB")
    IMAGES.mkdir(parents=True, exist_ok=True)
    for quality in (88, 80, 70, 60, 45, 30):
        packed = io.BytesIO()
        picture.save(packed, "WEBP", quality=quality, method=6)
        if packed.tell() <= LARGEST_BYTES:
            break
    (IMAGES / f"{name}.webp").write_bytes(packed.getvalue())
    sys.stdout.write(f"{name}.webp {packed.tell()} bytes, quality {quality}\n")


def shoot(page: Page, name: str) -> None:
    """The whole page, as high as it is."""
    page.driver.execute_script(HIDE + "window.scrollTo(0, 0);")
    time.sleep(2 * LOOKS_EVERY_S)
    height = int(page.driver.execute_script("return document.documentElement.scrollHeight"))
    page.driver.set_window_size(WIDTH, min(1800, max(HEIGHT, height + 140)))
    until(lambda: page.driver.execute_script("return document.readyState") == "complete")
    save(page.driver.get_screenshot_as_png(), name)
    page.driver.set_window_size(WIDTH, HEIGHT)


@contextmanager
def opened(folder: Path, language: str) -> Iterator[str]:
    """Address of the page on the miniature world, with one finished run; the folder is used again."""
    from tag_atelier import api
    from tag_atelier.cli.demo import make_world, tagger_folder
    from tag_atelier.cli.progress import embedded_host
    from tag_atelier.jobs.atelier import Atelier
    from tag_atelier.settings import DEFAULTS
    from tag_atelier.ui.standalone import build_page

    host = embedded_host(make_world(folder / "models"), tagger_folder(), folder / "data")
    atelier = Atelier(host, lambda: {**DEFAULTS, "language": language})
    job = atelier.start_benchmark(PLAN.format(name="Portraits"))
    until(lambda: job.over, 300)
    with served(atelier, build_page(atelier, api.PAGE_TOKEN)) as address:
        yield address
    atelier.runner.stop(10)


def prepare_prompt(page: Page) -> None:
    page.write("#tag_atelier_prompt_negative textarea", "lowres, bad hands")
    page.write("#tag_atelier_prompt_text textarea", PROMPT)
    until(lambda: len(page.driver.find_elements("css selector", ".tag-atelier-lane-chips > *")) > 5)


def prepare_benchmark(page: Page) -> None:
    page.open_room(1)
    page.write("#tag_atelier_bench_spec textarea", PLAN.format(name="Portraits"))
    page.press("bench_plan")
    until(lambda: "miniature-base" in page.text_of("bench_result"))
    until(lambda: "Portraits" in page.text_of("bench_runs"))


def prepare_merge(page: Page) -> None:
    page.open_room(2)
    page.choose("merge_first", "miniature-face")
    page.choose("merge_second", "miniature-outfit")
    page.press("merge_block_panel .label-wrap")
    until(lambda: "miniature-outfit" in page.value_of("#tag_atelier_merge_recipe textarea"))
    page.press("merge_check")
    until(lambda: "miniature-outfit" in page.text_of("merge_result"))


def prepare_search(page: Page) -> None:
    page.open_room(3)
    until(lambda: page.find("[data-tag-atelier-studies] > *").is_displayed())


ROOMS = {"prompt": prepare_prompt, "benchmark": prepare_benchmark, "merge": prepare_merge, "search": prepare_search}


def main() -> None:
    import gradio

    prefix = "gradio3-" if gradio.__version__.startswith("3.") else ""
    with tempfile.TemporaryDirectory() as folder, chromium(Path(folder) / "chromium") as driver:
        driver.set_window_size(WIDTH, HEIGHT)
        for short, language in LANGUAGES.items():
            with opened(Path(folder), language) as address:
                for theme in THEMES:
                    for room, prepare in ROOMS.items():
                        page = Page(driver, f"{address}?__theme={theme}")
                        prepare(page)
                        shoot(page, f"{prefix}{room}-{short}-{theme}")


if __name__ == "__main__":
    main()
