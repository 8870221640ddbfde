"""A page served to a headless Chromium: the page is the real one, the atelier behind it a fake, the routes are the API's."""

from __future__ import annotations

import asyncio
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import gradio as gr
import pytest
import uvicorn
from fastapi import FastAPI
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tag_atelier import api
from tag_atelier.ui.compat import listen

Found = TypeVar("Found")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
IN_BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium or chromedriver is not installed"),
]
"""The ``pytestmark`` of a file whose tests all need Chromium."""
PATIENCE_S = 60
HEARD = "tag_atelier_test_heard"
"""A button of the served page, and what its press writes into the window: gradio hears presses from then on."""


@contextmanager
def served(atelier: Any, page: gr.Blocks) -> Iterator[str]:
    """The address of ``page`` with our routes, open to whoever carries the page's token."""
    asyncio.set_event_loop(asyncio.new_event_loop())  # gradio 4 wants one here; any asyncio.run before leaves none
    with page:
        probe_button = gr.Button("Heard?", elem_id=HEARD)
        listen(probe_button.click, None, [], [], javascript=f"() => {{ window.{HEARD} = true; return []; }}")
    app = FastAPI()
    api.mount(app, atelier, lambda _request: False)
    app = gr.mount_gradio_app(app, page, path="/")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    yield f"http://127.0.0.1:{port}/"
    server.should_exit = server.force_exit = True  # what a page keeps open would be waited for
    thread.join(10)


@contextmanager
def chromium(folder: Path) -> Iterator[webdriver.Chrome]:
    """A browser of its own, with nothing of its user's."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", f"--user-data-dir={folder}", "--window-size=1400,1100",
        "--disable-features=BackForwardCache",  # a page that is kept keeps its connection, and there are six to a server
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",  # gradio 4 asks for a script elsewhere, and waits
    ):  # fmt: skip
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    try:
        yield driver
    finally:
        driver.quit()


def until(found: Callable[[], Found], patience_s: float = PATIENCE_S) -> Found:
    """What ``found`` gives as soon as it gives anything true."""
    end = time.monotonic() + patience_s
    while True:
        try:
            value = found()
        except Exception as error:  # noqa: BLE001  the page may be half drawn
            value, failure = None, error
        else:
            failure = None
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"nothing came within {patience_s} s") from failure
        time.sleep(0.1)


class Page:
    """The page as a test uses it; names are ids without their prefix."""

    def __init__(self, driver: webdriver.Chrome, address: str) -> None:
        self.driver = driver
        driver.get("about:blank")
        driver.get_log("browser")
        driver.get(address)
        until(self._is_heard)

    def _is_heard(self) -> bool:
        """Whether gradio answers a press: on a busy machine that is seconds after its controls are drawn."""
        self.driver.execute_script(f"document.getElementById('{HEARD}').click()")
        return bool(self.driver.execute_script(f"return window.{HEARD} === true"))

    def find(self, selector: str) -> Any:
        return until(lambda: self.driver.find_element(By.CSS_SELECTOR, selector))

    def press(self, name: str) -> None:
        until(lambda: self.find(f"#tag_atelier_{name}").is_displayed())
        self.driver.execute_script("arguments[0].click()", self.find(f"#tag_atelier_{name}"))

    def text_of(self, name: str) -> str:
        return str(self.find(f"#tag_atelier_{name}").text)

    def value_of(self, selector: str) -> str:
        return str(self.find(selector).get_property("value"))

    def write(self, selector: str, text: str) -> None:
        box = self.find(selector)
        box.clear()
        box.send_keys(text)

    def open_room(self, position: int) -> None:
        tabs = until(lambda: self.driver.find_elements(By.CSS_SELECTOR, "#tag_atelier_tabs .tab-nav button"))
        tabs[position].click()

    def choose(self, name: str, option: str) -> None:
        """Choose from a menu the way a person does: type, then Enter."""
        box = self.find(f"#tag_atelier_{name} input")
        until(box.is_displayed)
        box.click()
        box.send_keys(Keys.CONTROL, "a")
        box.send_keys(option)
        until(lambda: self.driver.find_elements(By.CSS_SELECTOR, f"#tag_atelier_{name} ul.options li"))
        box.send_keys(Keys.ENTER)

    def complaints(self) -> list[str]:
        """What the console holds against our own script."""
        entries = [entry for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        return [entry["message"] for entry in entries if "ERR_NAME_NOT_RESOLVED" not in entry["message"]]
