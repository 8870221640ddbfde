"""How long a report of many pictures takes to write, to show, and to scroll. One JSON line.

    python benchmarks/report_page.py [--cells 10000 --checkpoints 10]

A made-up run of that many pictures (probabilities and pictures are noise) is reported, and its page opened in headless
Chromium: ``first_paint_ms`` is the browser's own first contentful paint, ``scroll_ms`` the longest time from a jump to
the frame that shows it, over 60 jumps through the whole page. Without Chromium both are null.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy
from PIL import Image

from tag_atelier.bench import report
from tag_atelier.bench.plan import PlannedCheckpoint, plan
from tag_atelier.bench.spec import BenchSpec
from tag_atelier.bench.store import Outcome, Store, image_name
from tag_atelier.ports import Checkpoint
from tag_atelier.prompt.catalogue import Catalogue

JUMPS = 60
SCROLL = """
const done = arguments[arguments.length - 1], jumps = arguments[0], times = [];
const frame = () => new Promise((shown) => requestAnimationFrame(() => setTimeout(shown, 0)));
(async () => {
  for (let jump = 0; jump < jumps; jump += 1) {
    const started = performance.now();
    window.scrollTo(0, document.documentElement.scrollHeight * jump / jumps);
    await frame();
    times.push(performance.now() - started);
  }
  done(times);
})();
"""


def fill(folder: Path, cells: int, checkpoints: int) -> None:
    """A stored run of about ``cells`` pictures, thumbnails included."""
    catalogue = Catalogue.load()
    known = sorted(catalogue.entries.values(), key=lambda entry: -entry.posts)
    tags = [entry.name for entry in known if "," not in entry.name][: cells // checkpoints - 1]
    spec = BenchSpec.from_value(
        {"name": "Many pictures", "template": "1girl, {tag}, white background", "negative": "worst quality", "tags": tags}
        | {"parameters": {"width": 832, "height": 1216}}
    )
    planned = plan(
        spec,
        [PlannedCheckpoint(Checkpoint(f"model-{n}", f"model-{n}"), f"{n:064x}") for n in range(checkpoints)],
        catalogue,
        "noise 0+0",
    )
    noise = numpy.random.default_rng(0)
    picture = Image.fromarray(noise.integers(0, 256, (40, 27, 3), dtype=numpy.uint8), "RGB").resize((110, report.MANY_SIDE))
    (folder / "thumbs").mkdir(parents=True)
    picture.save(folder / "thumbs" / "one.webp", quality=82)
    with Store(folder) as store:
        store.begin(planned, {"host": "noise", "threshold": 0.35, "seeds": [1], "parameters": {"width": 832, "height": 1216}})
        store.put_scorer("noise 0+0", tags)
        for cell in planned.cells:
            name = image_name(cell)
            picture.resize((27, 40)).save(store.images_folder / name)
            infotext = (
                f"{cell.prompt}\nNegative prompt: {cell.negative}\nSteps: 28, Sampler: Euler a, CFG scale: 7, Seed: 1, " * 2
            )
            values = noise.random(len(tags), dtype=numpy.float32) ** 6
            store.put(Outcome(cell.key, "done", "", name, "0" * 64, infotext, {}))
            store.put_score(cell.key, "noise 0+0", values)
        for cell in planned.cells:  # after the pictures, so that none looks older than its picture
            shutil.copyfile(folder / "thumbs" / "one.webp", folder / "thumbs" / f"{Path(image_name(cell)).stem}.webp")


def looked_at(page: Path) -> dict[str, Any]:
    """First paint and longest jump in milliseconds, in headless Chromium; nulls where there is none."""
    binary = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if not (binary and driver):
        return {"first_paint_ms": None, "scroll_ms": None}
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1400,1000"):
        options.add_argument(flag)
    browser = webdriver.Chrome(options=options, service=Service(driver))
    try:
        browser.set_script_timeout(120)
        browser.get(page.as_uri())
        paints = browser.execute_script("return performance.getEntriesByType('paint').map((e) => [e.name, e.startTime])")
        times = sorted(browser.execute_async_script(SCROLL, JUMPS))
        nodes = browser.execute_script("return document.querySelectorAll('*').length")
    finally:
        browser.quit()
    first = dict(paints).get("first-contentful-paint")
    return {
        "first_paint_ms": first and round(first),
        "scroll_ms": round(times[-1]),
        "scroll_median_ms": round(times[len(times) // 2]),
        "nodes": nodes,
    }


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--cells", type=int, default=10_000)
    arguments.add_argument("--checkpoints", type=int, default=10)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        fill(folder, given.cells, given.checkpoints)
        started = time.perf_counter()
        with Store(folder) as store:
            page = report.write(store, folder)
        seconds = time.perf_counter() - started
        found = {"cells": given.cells, "checkpoints": given.checkpoints, "write_s": round(seconds, 1)}
        print(json.dumps({**found, "page_mb": round(page.stat().st_size / 1e6, 1), **looked_at(page)}))


if __name__ == "__main__":
    main()
