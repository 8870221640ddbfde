"""Two windows on one WebUI, a page that is loaded anew in the middle of a run, and "Reload UI" twice in one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ui.browser import IN_BROWSER, chromium, until
from tests.webui.background import slow
from tests.webui.client import OURS, PROBE, Client
from tests.webui.server import Server
from tests.webui.test_live_merge import recipe
from tests.webui.test_page import Page, pictures

__all__ = ["pictures"]

pytestmark = IN_BROWSER

CARD = "#tag_atelier_bench_job .tag-atelier-job"
LIVE = "#tag_atelier_merge_live_state"


def show(page: Page, base: str, tab: str) -> None:
    page.open(base)
    page.tab("Tag Atelier")
    page.tab(tab, "#tag_atelier_tabs > .tab-nav")


@pytest.fixture
def page(tmp_path: Path, pictures: Path) -> Iterator[Page]:
    with chromium(tmp_path / "browser") as driver:
        opened = Page(driver, pictures)
        yield opened
        assert opened.problems() == []


def plan(name: str) -> dict[str, object]:
    parameters = {"steps": 6, "width": 64, "height": 64, "sampler": "Euler"}
    tags = ["glaring", "head tilt", "yawning", "crossed arms"]
    spec: dict[str, object] = {"name": name, "template": "1girl, {tag}", "tags": tags, "seeds": [1, 2], "batch_size": 1}
    return {**spec, "checkpoints": ["tiny-sd15-a"], "parameters": parameters}


@contextmanager
def running(client: Client, name: str) -> Iterator[str]:
    """A benchmark that is under way in the body; its job's id."""
    with slow(client, 0.4):
        job = client.post(f"{OURS}/benchmarks", {"spec": plan(name)})["id"]
        until(lambda: client.get(f"{OURS}/jobs/{job}")["done"] >= 1)
        yield str(job)
        client.request("POST", f"{OURS}/jobs/{job}/cancel", {})
    client.wait(job)


def test_two_windows_show_one_run_and_either_stops_it(page: Page, client: Client) -> None:
    show(page, client.base, "Benchmark")
    first = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    second = page.driver.current_window_handle
    show(page, client.base, "Benchmark")
    with running(client, "two windows") as job:
        for window in (second, first):
            page.driver.switch_to.window(window)
            until(lambda: "two windows" in page.text(CARD) and page.all(f"{CARD} .tag-atelier-stop"))
        page.driver.switch_to.window(second)
        page.click(f"{CARD} .tag-atelier-stop")
        until(lambda: client.get(f"{OURS}/jobs/{job}")["state"] == "cancelled")
        page.driver.switch_to.window(first)
        until(lambda: page.all(f"{CARD}.tag-atelier-job-cancelled"))


def test_a_merge_of_one_window_is_seen_in_the_other(page: Page, client: Client) -> None:
    show(page, client.base, "Merge")
    until(lambda: "as it came" in page.text(LIVE))
    first = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    show(page, client.base, "Merge")
    client.apply(recipe())
    for window in (page.driver.current_window_handle, first):
        page.driver.switch_to.window(window)
        until(lambda: "carries a merge" in page.text(LIVE))
    page.click("#tag_atelier_merge_restore")
    until(lambda: client.get(f"{OURS}/status")["dirty"] is False)
    page.driver.switch_to.window(next(it for it in page.driver.window_handles if it != first))
    until(lambda: "as it came" in page.text(LIVE))


def test_a_page_loaded_anew_shows_the_run_again(page: Page, client: Client) -> None:
    with running(client, "loaded anew"):
        for _ in range(2):
            show(page, client.base, "Benchmark")
            until(lambda: "loaded anew" in page.text(CARD) and page.all(f"{CARD} .tag-atelier-stop"))


def counted(client: Client) -> dict[str, int]:
    """How often everything of ours is registered with the WebUI."""
    info = client.get("/sdapi/v1/script-info")
    plot = next(it for it in info if it["name"] == "x/y/z plot" and not it["is_img2img"])
    axes = next(argument["choices"] for argument in plot["args"] if argument["label"] == "X type")
    options = client.get("/sdapi/v1/options")
    return {
        "axes": sum(str(axis).startswith("Tag Atelier") for axis in axes),
        "scripts": sum(it["name"] in ("tag atelier", "rare-tag benchmark") for it in info),
        "settings": sum(name.startswith("tag_atelier") for name in options),
        "routes": sum(path.startswith(OURS) for path in client.get("/openapi.json")["paths"]),
    }


def reload_ui(server: Server) -> None:
    started = server.log_text().count("Startup time:")
    server.client.post(f"{PROBE}/reload")
    until(lambda: server.log_text().count("Startup time:") > started and server.client.answers(server.answers_when_ready), 180)


def test_reload_ui_twice_in_a_run(boot: Callable[..., Server], tmp_path: Path, pictures: Path) -> None:
    """The WebUI interrupts all drawing before it reloads (modules/shared_state.py, request_restart): the run is paused."""
    server = boot("reloaded", "link", install=True)
    try:
        client = server.client
        before = counted(client)
        assert min(before.values()) > 0
        with chromium(tmp_path / "browser") as driver, slow(client, 0.4):
            page = Page(driver, pictures)
            show(page, client.base, "Benchmark")
            job = client.post(f"{OURS}/benchmarks", {"spec": plan("over a reload")})["id"]
            for _ in range(2):
                until(lambda: client.get(f"{OURS}/jobs")["jobs"][0]["done"] >= 1)
                reload_ui(server)
                client.post(f"{PROBE}/plan", {"step_delay_s": 0.4})  # the probe was loaded anew, too
                show(page, client.base, "Benchmark")
                until(lambda: page.all(f"{CARD}.tag-atelier-job-cancelled"))
                until(lambda: next(it for it in page.all(f"{CARD} button") if it.text == "Resume")).click()
                until(lambda: client.get(f"{OURS}/jobs")["jobs"][0]["state"] == "running")
            client.post(f"{PROBE}/plan", {"step_delay_s": 0.0})
            last = client.wait(client.get(f"{OURS}/jobs")["jobs"][0]["id"])
            assert last["id"] != job and last["state"] == "done" and last["done"] == last["total"]
        assert counted(client) == before
        arranged = client.draw("white hair, 1girl", alwayson_scripts={"Tag Atelier": {"args": [{}]}}).infotext
        assert arranged.startswith("1girl, white hair") and arranged.count("Tag Atelier profile") == 1
        log = server.log_text()
        assert "Error executing callback" not in log and "Error loading script" not in log
    finally:
        server.stop()
