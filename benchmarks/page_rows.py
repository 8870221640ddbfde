"""The ConfusionXL page's four rows as reports: the shipped plans on small checkpoints, in English and Chinese.

    python benchmarks/page_rows.py OUT [--world miniature|tiny] [--scale 10] [--pictures]

Sizes are divided by ``--scale``, and the embedded host draws with DPM++ 2M what the page drew with its SDE form; all else is
as shipped, the page's verdicts and names included. ``OUT/index.html`` links the reports; with ``--pictures`` Chromium takes a
picture of each at 1400 and 420 pixels, light and dark, into ``OUT/pictures``. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from html import escape
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tag_atelier.bench.report import write
from tag_atelier.bench.spec import BenchSpec
from tag_atelier.bench.store import Store
from tag_atelier.cli.demo import PARENTS, make_world
from tag_atelier.host.embedded import build
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.jobs.runner import Job
from tag_atelier.language import Language
from tag_atelier.world import tiny_checkpoints, tiny_tagger

ROWS = ("actions", "faces", "views", "outfits")
LANGUAGES: tuple[Language, ...] = ("en", "zh_CN")
WIDTHS = (1400, 420)
TINY = ("tiny-sdxl-a", "tiny-sdxl-b")


def plan_of(row: str, checkpoints: tuple[str, ...], scale: int) -> dict[str, object]:
    """The shipped plan with small pictures."""
    parameters: Any = BenchSpec.from_value(f"page-{row}").as_dict()["parameters"]
    small = {side: max(64, parameters[side] // scale // 8 * 8) for side in ("width", "height")}
    changed = {key: value for key, value in parameters.items() if key != "eta"} | small | {"sampler": "DPM++ 2M"}
    return {"preset": f"page-{row}", "checkpoints": list(checkpoints), "parameters": changed}


def draw(out: Path, world: str, scale: int) -> dict[str, object]:
    """Run the four plans into ``out``; what each drew, by row."""
    checkpoints = PARENTS if world == "miniature" else TINY
    if world == "miniature":
        make_world(out / "world")
    else:
        tiny_checkpoints.make(out / "world", TINY)
    labels = [tag.replace(" ", "_") for row in ROWS for tag in BenchSpec.from_value(f"page-{row}").tags]
    tiny_tagger.make(out / "taggers", [*labels, "1girl", "blonde_hair", "twintails", "blue_dress", "white_background"])
    atelier = Atelier(build(out / "world", out / "data", [out / "taggers"]))
    found: dict[str, object] = {}
    for row in ROWS:
        summary = atelier.benchmarks.run_now(plan_of(row, checkpoints, scale), out / row, Job("row", row, lambda _: {}))
        with Store(out / row) as store:
            for language in LANGUAGES:
                write(store, out / f"{row}-{language}", language)
        found[row] = {key: summary[key] for key in ("drawn", "failed", "rejected", "errors")}
    links = "".join(
        f'<li><a href="{row}-{lang}/report.html">{escape(row)}, {lang}</a></li>' for row in ROWS for lang in LANGUAGES
    )
    (out / "index.html").write_text(f"<!doctype html><meta charset=utf-8><title>Four rows</title><ul>{links}</ul>", "utf-8")
    return found


def picture(out: Path) -> list[str]:
    """Whole pages as PNG; empty where there is no Chromium."""
    binary, driver = shutil.which("chromium") or shutil.which("chromium-browser"), shutil.which("chromedriver")
    if binary is None or driver is None:
        return []
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(flag)
    browser = webdriver.Chrome(options, Service(driver))
    (out / "pictures").mkdir(exist_ok=True)
    taken = []
    try:
        for page in sorted(out.glob("*/report.html")):
            for width in WIDTHS:
                for scheme in ("light", "dark"):
                    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
                    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
                    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
                    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
                    browser.get(page.as_uri())
                    height = browser.execute_script("return document.documentElement.scrollHeight")
                    wide = browser.execute_script("return document.documentElement.scrollWidth")
                    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**size, "height": height})
                    name = f"{page.parent.name}-{width}-{scheme}.png"
                    browser.save_screenshot(str(out / "pictures" / name))
                    taken.append(f"{name}{' (wider than the window)' if wide > width else ''}")
    finally:
        browser.quit()
    return taken


def main() -> None:
    """Draw, report and print."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--world", choices=("miniature", "tiny"), default="miniature")
    arguments.add_argument("--scale", type=int, default=10)
    arguments.add_argument("--pictures", action="store_true")
    given = arguments.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    found = draw(given.out, given.world, given.scale)
    seconds = round(time.perf_counter() - started, 1)
    print(
        json.dumps(
            {"world": given.world, "rows": found, "seconds": seconds}
            | {"pictures": picture(given.out) if given.pictures else []}
        )
    )


if __name__ == "__main__":
    main()
