"""Draws docs/images/feature-*: one picture of each feature in both languages, on `serve`'s miniature world; a program.

    python tests/ui/feature_pictures.py FOLDER [NAME …]

FOLDER keeps the world with its runs and its search (some minutes the first time). Wants Chromium. Look at each picture
before it is committed.
"""

from __future__ import annotations

import base64
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.ui.browser import Page, chromium, served, until  # noqa: E402
from tests.ui.pictures import HIDE, LANGUAGES, WIDTH, save  # noqa: E402

MARGIN = 10
PATIENCE_S = 1800.0
CHECKED = "best quality, masterpiece, 1girl, white hair, red ribbon, smile, smile, long hair, very long hair, from above"
STYLES = "1girl, by ask, (by wlop:0.8), (by rella:0.6), school uniform, rain, night"
FEW = """\
preset: miniature
name: {name}
seeds: [{seeds}]
checkpoints: [{checkpoints}]
"""
RUNS = {
    "Base and face": FEW.format(name="Base and face", seeds="1, 2", checkpoints="miniature-base, miniature-face"),
    "Outfit and the merge": FEW.format(
        name="Outfit and the merge", seeds="1, 2", checkpoints="miniature-outfit, miniature-merged"
    ),
}
MAIN = "The merge beside its parents"
"""The run whose report is shown."""
RUNS[MAIN] = FEW.format(name=MAIN, seeds="1, 2", checkpoints="miniature-face, miniature-outfit, miniature-merged")
RUNNING = FEW.format(name="While it draws", seeds="{seed}", checkpoints="miniature-face, miniature-outfit")
STUDY = {"preset": "miniature", "name": "Face and outfit", "trials": 16, "prompts": 12}


def atelier_in(folder: Path, language: str, tagger: Path | None = None) -> Any:
    """An atelier on the miniature world in ``folder``, its merge among the checkpoints."""
    from tag_atelier.cli.demo import MERGED, _merge, make_world, tagger_folder
    from tag_atelier.cli.progress import embedded_host
    from tag_atelier.jobs.atelier import Atelier
    from tag_atelier.settings import DEFAULTS

    world = make_world(folder / "models")
    if not (world / f"{MERGED}.safetensors").exists():
        _merge(world)
    host = embedded_host(world, tagger or tagger_folder(), folder / "data")
    return Atelier(host, lambda: {**DEFAULTS, "language": language})


def finish(atelier: Any) -> None:
    """Draw the runs and make the search, where they are not there yet."""
    from tag_atelier.bench.fields import read_mapping
    from tag_atelier.tune.study_spec import list_studies

    for plan in RUNS.values():
        job = atelier.start_benchmark(plan)
        until(lambda: job.over, PATIENCE_S)  # noqa: B023
        assert job.state == "done", job.error
    if not atelier.studies.listed()["studies"]:
        spec = read_mapping(list_studies()["miniature"].read_text(encoding="utf-8"), "the study")
        spec = {**spec, **{key: value for key, value in STUDY.items() if key != "preset"}}
        spec["validation"] = {**spec["validation"], "prompts": 40}
        job = atelier.studies.start(spec)
        until(lambda: job.over, PATIENCE_S)
        assert job.state == "done", job.error


@contextmanager
def opened(driver: Any, folder: Path, language: str, tagger: Path | None = None) -> Iterator[Page]:
    from tag_atelier import api
    from tag_atelier.ui.standalone import build_page

    atelier = atelier_in(folder, language, tagger)
    with served(atelier, build_page(atelier, api.PAGE_TOKEN)) as address:
        driver.set_window_size(WIDTH, 1400)
        yield Page(driver, f"{address}?__theme=light")
    atelier.runner.stop(20)


def shoot(page: Page, selectors: Sequence[str], name: str, height: int = 900) -> None:
    """The box around what fits ``selectors``, at most ``height`` pixels of it."""
    page.driver.execute_script(HIDE)
    box = page.driver.execute_script(
        "return arguments[0].map((s) => document.querySelector(s).getBoundingClientRect())"
        ".map((r) => [r.left + scrollX, r.top + scrollY, r.right + scrollX, r.bottom + scrollY])",
        list(selectors),
    )
    left, top = (max(0, min(one[i] for one in box) - MARGIN) for i in (0, 1))
    right, bottom = (max(one[i] for one in box) + MARGIN for i in (2, 3))
    clip = {"x": left, "y": top, "width": right - left, "height": min(bottom - top, height), "scale": 1}
    told = page.driver.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
    save(base64.b64decode(told["data"]), name)


LANES = "#tag_atelier_prompt_lanes"


def write_prompt(page: Page, text: str) -> None:
    page.write("#tag_atelier_prompt_text textarea", text)
    until(lambda: len(page.driver.find_elements("css selector", f"{LANES} .tag-atelier-tag")) > 4)


def open_tool(page: Page, name: str) -> None:
    page.find(f"{LANES} .tag-atelier-tool-{name}").click()
    until(lambda: page.find(f"{LANES} .tag-atelier-tool-is-{name}").text)


def checks(page: Page, name: str) -> None:
    write_prompt(page, CHECKED)
    until(lambda: len(page.driver.find_elements("css selector", f"{LANES} .tag-atelier-finding")) > 2)
    shoot(page, [LANES], name)


def search(page: Page, name: str) -> None:
    write_prompt(page, "1girl, smile, blue eyes, school uniform, rain, night")
    page.find(f"{LANES} .tag-atelier-search input").send_keys("mao")
    until(lambda: page.driver.find_elements("css selector", ".tag-atelier-search-entry"))
    page.driver.execute_script("HTMLElement.prototype.blur = () => undefined;")  # which would close the list
    shoot(page, [LANES, ".tag-atelier-search-list:not([hidden])"], name)


def artists(page: Page, name: str) -> None:
    write_prompt(page, STYLES)
    open_tool(page, "artists")
    until(lambda: page.driver.find_elements("css selector", ".tag-atelier-artist"))
    shoot(page, [LANES], name)


def character(page: Page, name: str) -> None:
    write_prompt(page, "1girl, school uniform, rain, night, smile")
    open_tool(page, "character")
    box = page.find(f"{LANES} .tag-atelier-tool-is-character .tag-atelier-search input")
    box.send_keys("初音未来")
    until(lambda: page.driver.find_elements("css selector", ".tag-atelier-search-list:not([hidden]) .tag-atelier-search-entry"))
    box.send_keys("\ue007")
    until(lambda: page.driver.find_elements("css selector", ".tag-atelier-card code"))
    shoot(page, [LANES], name)


def picture(page: Page, name: str) -> None:
    write_prompt(page, "1girl, school uniform, rain, night, smile")
    open_tool(page, "picture")
    images = sorted((FOLDER / "data").rglob("images/*.png"))
    page.find(f"{LANES} .tag-atelier-drop input").send_keys(str(images[len(images) // 2].resolve()))
    until(lambda: page.driver.find_elements("css selector", ".tag-atelier-card .tag-atelier-preview"))
    again = page.driver.find_elements("css selector", ".tag-atelier-card .tag-atelier-bar-row button")
    again[-1].click()
    until(lambda: page.driver.find_elements("css selector", ".tag-atelier-card .tag-atelier-tag"))
    shoot(page, [LANES], name)


def running(page: Page, name: str) -> None:
    page.open_room(1)
    seed = random.randrange(1000, 10_000)  # a run of its own each time
    page.write("#tag_atelier_bench_spec textarea", RUNNING.format(seed=seed))
    page.press("bench_start")
    until(lambda: len(page.driver.find_elements("css selector", ".tag-atelier-filling img")) > 30, 300)
    shoot(page, ["#tag_atelier_bench_job"], name)
    page.find("#tag_atelier_bench_job .tag-atelier-stop").click()
    until(lambda: not page.driver.find_elements("css selector", ".tag-atelier-filling"), 300)


def compare(page: Page, name: str) -> None:
    page.open_room(1)
    for run in list(RUNS)[:2]:
        until(lambda: tick(page, run))  # noqa: B023
    page.press("bench_compare")
    until(lambda: page.driver.find_elements("css selector", "#tag_atelier_bench_compared table"))
    shoot(page, ["#tag_atelier_bench_compared"], name)


def tick(page: Page, run: str) -> bool:
    rows = page.driver.find_elements("css selector", "[data-tag-atelier-runs] .tag-atelier-run")
    box = next(row for row in rows if run in row.text).find_element("css selector", "input")
    if not box.is_selected():
        box.click()
    return bool(box.is_selected())


def row_button(page: Page, run: str, at: int) -> Any:
    rows = page.driver.find_elements("css selector", "[data-tag-atelier-runs] .tag-atelier-run")
    return next(row for row in rows if run in row.text).find_elements("css selector", "button")[at]


def judge(page: Page, name: str) -> None:
    page.open_room(1)
    until(lambda: row_button(page, "Outfit and", 1)).click()
    until(lambda: page.find("dialog.tag-atelier-verdicts img").get_property("naturalWidth"))
    body = page.find("body")
    for key in "1" * 40:
        body.send_keys(key)
    until(lambda: page.find("dialog.tag-atelier-verdicts .count").text)
    shoot(page, ["dialog.tag-atelier-verdicts"], name)


def blocks(page: Page, name: str) -> None:
    page.open_room(2)
    page.choose("merge_first", "miniature-face")
    page.choose("merge_second", "miniature-outfit")
    until(lambda: "miniature-outfit" in page.value_of("#tag_atelier_merge_recipe textarea"))
    page.write("#tag_atelier_merge_blocks_text textarea", "IN04: 0.3, IN07: 0.8, M00: 0.6, OUT03-OUT08: 0.2")
    page.press("merge_block_panel .label-wrap")
    page.driver.execute_script("document.activeElement.blur()")
    until(lambda: "OUT03" in page.value_of("#tag_atelier_merge_recipe textarea"))
    shoot(page, ["#tag_atelier_merge_block_panel"], name)


def parts(page: Page, name: str) -> None:
    page.open_room(2)
    page.press("merge_parts .label-wrap")
    until(lambda: page.find("#tag_atelier_merge_parts").rect["height"] > 200)
    shoot(page, ["#tag_atelier_merge_parts"], name)


def outcome(page: Page, name: str) -> None:
    page.open_room(3)
    until(lambda: page.driver.find_elements("css selector", "[data-tag-atelier-studies] button"))
    page.find("[data-tag-atelier-studies] button").click()
    until(lambda: page.find("[data-tag-atelier-study] svg"))
    shoot(page, ["#tag_atelier_search_study"], name, 985)


@contextmanager
def opened_report(page: Page) -> Iterator[None]:
    """In the tab of the second run's report."""
    page.open_room(1)
    until(lambda: row_button(page, MAIN, 0)).click()
    until(lambda: len(page.driver.window_handles) == 2)
    first, second = page.driver.window_handles
    page.driver.switch_to.window(second)
    until(lambda: page.driver.find_elements("css selector", ".card img"))
    page.driver.set_window_size(1100, 1400)
    yield
    page.driver.close()
    page.driver.switch_to.window(first)


def report(page: Page, name: str) -> None:
    with opened_report(page):
        shoot(page, ["header", ".board"], name)


def gallery(page: Page, name: str) -> None:
    with opened_report(page):
        page.driver.execute_script("document.querySelector('.cards').scrollIntoView()")
        page.driver.find_elements("css selector", ".filters button")[2].click()  # those on which checkpoints differ
        until(lambda: page.find(".card:not([hidden]) img").get_property("naturalWidth"))
        shoot(page, [".cards"], name, 800)


def offer(page: Page, name: str) -> None:
    page.open_room(1)
    until(lambda: page.find("#tag_atelier_bench_job [data-tag-atelier-offer] strong"))
    shoot(page, ["#tag_atelier_bench_job"], name)


FEATURES: dict[str, Callable[[Page, str], None]] = {
    "checks": checks, "search": search, "artists": artists, "character": character, "picture": picture, "running": running,
    "compare": compare, "judge": judge, "report": report, "gallery": gallery, "offer": offer, "blocks": blocks, "parts": parts,
    "outcome": outcome,
}  # fmt: skip
FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()


def main(names: Sequence[str]) -> None:
    finish(atelier_in(FOLDER, "en"))
    with tempfile.TemporaryDirectory() as profile, chromium(Path(profile)) as driver:
        for short, language in LANGUAGES.items():
            for feature in names or FEATURES:
                nowhere = Path("models", "tagger") if feature == "offer" else None
                with opened(driver, FOLDER, language, nowhere) as page:
                    FEATURES[feature](page, f"feature-{feature}-{short}")


if __name__ == "__main__":
    main(sys.argv[2:])
