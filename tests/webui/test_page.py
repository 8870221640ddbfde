"""The page of the real WebUI in a browser: panel, script and tab are there and work, under every login."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.ui.browser import IN_BROWSER, chromium, until
from tests.webui.client import OURS, Client
from tests.webui.data_folder import OPTIONS
from tests.webui.server import Server
from tests.webui.test_logins import API_AUTH, API_USER, GRADIO_AUTH, PAGE, booted
from tests.webui.test_panel import MESSY, by_hand

pytestmark = IN_BROWSER


class Page:
    """The WebUI's page as a person uses it."""

    def __init__(self, driver: webdriver.Chrome, pictures: Path) -> None:
        self.driver, self._pictures = driver, pictures

    def open(self, address: str) -> None:
        """Load the page and wait until the WebUI's own scripts have seen it."""
        self.driver.get(address)
        until(lambda: self.all("#txt2img_generate"), 90)
        until(lambda: self.all("[data-tag-atelier-page]"), 30)

    def all(self, selector: str) -> list[Any]:
        """Every element that fits."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> Any:
        """The visible element that fits, as soon as there is one."""
        return until(lambda: next((it for it in self.all(selector) if it.is_displayed()), None))

    def click(self, selector: str) -> None:
        """Press it, wherever on the page it is."""
        element = self.one(selector)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def write(self, selector: str, text: str) -> None:
        """Put ``text`` in place of what the box holds."""
        box = self.one(selector)
        box.send_keys(Keys.CONTROL, "a")
        box.send_keys(Keys.DELETE)
        box.send_keys(text)

    def value(self, selector: str) -> str:
        """What the box holds."""
        return str(self.one(selector).get_attribute("value"))

    def text(self, selector: str) -> str:
        """What the element says."""
        return str(self.one(selector).text)

    def tab(self, title: str, bar: str = "#tabs > .tab-nav") -> None:
        """Press the button of this title in a row of tabs."""
        until(lambda: next(it for it in self.all(f"{bar} > button") if it.text.strip().lower() == title.lower())).click()

    def choose(self, selector: str, entry: str) -> None:
        """Choose an entry of a menu."""
        self.write(f"{selector} input", entry)
        until(
            lambda: next(it for it in self.all("ul.options li") if it.text.strip().removeprefix("✓").strip() == entry)
        ).click()

    def picture(self, name: str) -> None:
        """Keep a screenshot for people to look at."""
        self.driver.save_screenshot(str(self._pictures / f"{name}.png"))

    def problems(self) -> list[str]:
        """What the browser reported of our own scripts."""
        entries = self.driver.get_log("browser")
        return [entry["message"] for entry in entries if "tag_atelier" in entry["message"] or "tag-atelier" in entry["message"]]


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: TAG_ATELIER_PICTURES, else a folder of the session."""
    folder = Path(os.environ.get("TAG_ATELIER_PICTURES") or tmp_path_factory.mktemp("pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def page(client: Client, tmp_path: Path, pictures: Path) -> Iterator[Page]:
    """The shared server's page, freshly loaded; our scripts have raised nothing afterwards."""
    with chromium(tmp_path / "browser") as driver:
        opened = Page(driver, pictures)
        opened.open(client.base)
        yield opened
        assert opened.problems() == []


@pytest.fixture
def chinese_page(boot: Callable[..., Server], tmp_path: Path, pictures: Path) -> Iterator[Page]:
    """The page of a server of its own, with the WebUI's localization set to ours."""
    options = tmp_path / "options.json"
    chosen = {**OPTIONS, "localization": "zh_CN", "sd_model_checkpoint": "tiny-sd15-a.safetensors"}
    options.write_text(json.dumps(chosen), encoding="utf-8")
    server = boot(tmp_path.name, "link", "--ui-settings-file", str(options))
    try:
        with chromium(tmp_path / "browser") as driver:
            opened = Page(driver, pictures)
            opened.open(server.client.base)
            yield opened
            assert opened.problems() == []
    finally:
        server.stop()


@pytest.mark.parametrize("tab", ["txt2img", "img2img"])
def test_the_panel_arranges_what_is_in_the_prompt_box(page: Page, client: Client, tab: str) -> None:
    page.tab(tab)
    page.click(f"#tag_atelier_{tab}_panel > .label-wrap")
    page.write(f"#{tab}_prompt textarea", MESSY)
    page.click(f"#tag_atelier_{tab}_arrange_now")
    until(lambda: page.value(f"#{tab}_prompt textarea") == by_hand(client))
    until(lambda: page.text(f"#tag_atelier_{tab}_result"))
    page.picture(f"{tab}-panel")
    page.click(f"#tag_atelier_{tab}_undo")
    until(lambda: page.value(f"#{tab}_prompt textarea") == MESSY)


def test_drawing_with_the_panel_on(page: Page, client: Client) -> None:
    page.click("#tag_atelier_txt2img_panel > .label-wrap")
    page.click("#tag_atelier_txt2img_enabled input")
    page.write("#txt2img_prompt textarea", MESSY)
    for field, value in (("steps", 2), ("width", 64), ("height", 64)):
        page.write(f"#txt2img_{field} input[type=number]", str(value))
    page.click("#txt2img_generate")
    shown = until(lambda: "Steps" in page.text("#html_info_txt2img") and page.text("#html_info_txt2img"), 60)
    assert by_hand(client) in shown and "Tag Atelier profile: aidxl" in shown


def test_the_script_is_offered_and_runs(page: Page) -> None:
    page.choose("#script_list", "Rare-tag benchmark")
    plan = "{tags: [glaring], template: '{tag}, 1girl', parameters: {steps: 2, width: 64, height: 64, sampler: Euler}}"
    page.write("#tag_atelier_script_plan textarea", plan)
    page.picture("txt2img-script")
    page.click("#txt2img_generate")
    until(lambda: "report" in page.text("#html_info_txt2img"), 60)
    page.picture("txt2img-script-done")


def test_the_tab_prompt(page: Page, client: Client) -> None:
    page.tab("Tag Atelier")
    page.write("#tag_atelier_prompt_text textarea", MESSY)
    until(lambda: len(page.all("#tag_atelier_prompt_lanes .tag-atelier-tag")) == len(MESSY.split(",")))
    page.click("#tag_atelier_prompt_lanes .tag-atelier-arrange")
    until(lambda: page.value("#tag_atelier_prompt_text textarea") == by_hand(client))
    page.picture("tab-prompt")
    page.click("#tag_atelier_prompt_lanes .tag-atelier-send")
    until(lambda: page.value("#txt2img_prompt textarea") == by_hand(client))


def test_the_tab_benchmark(page: Page, client: Client, pictures: Path) -> None:
    page.tab("Tag Atelier")
    page.tab("Benchmark", "#tag_atelier_tabs > .tab-nav")
    size = "{steps: 2, width: 64, height: 64, sampler: Euler}"
    plan = "name: from the page\ntemplate: '1girl, solo, {tag}'\ntags: [glaring, head tilt]\nseeds: [1, 2]\n"
    plan += f"checkpoints: [tiny-sd15-a, tiny-sd15-b]\nparameters: {size}\n"
    page.write("#tag_atelier_bench_spec textarea", plan)
    page.click("#tag_atelier_bench_plan")
    until(lambda: "glaring" in page.text("#tag_atelier_bench_result"))
    page.picture("tab-benchmark-plan")
    page.click("#tag_atelier_bench_start")
    until(lambda: "done" in page.text("#tag_atelier_bench_job"), 90)
    page.picture("tab-benchmark")
    before = set(page.driver.window_handles)
    page.click("#tag_atelier_bench_job button")
    (opened,) = until(lambda: set(page.driver.window_handles) - before)
    page.driver.switch_to.window(opened)
    until(lambda: "glaring" in page.driver.find_element(By.TAG_NAME, "body").text)
    page.picture("report")


def test_the_tab_merge(page: Page, client: Client) -> None:
    page.tab("Tag Atelier")
    page.tab("Merge", "#tag_atelier_tabs > .tab-nav")
    page.choose("#tag_atelier_merge_first", "tiny-sd15-a")
    page.choose("#tag_atelier_merge_second", "tiny-sd15-b")
    until(lambda: all(name in page.value("#tag_atelier_merge_recipe textarea") for name in ("tiny-sd15-a", "tiny-sd15-b")))
    page.click("#tag_atelier_merge_check")
    until(lambda: "tiny-sd15-b" in page.text("#tag_atelier_merge_result"))
    page.picture("tab-merge")
    page.click("#tag_atelier_merge_live")
    until(lambda: client.get(f"{OURS}/status")["dirty"] is True)
    until(lambda: "carries a merge" in page.text("#tag_atelier_merge_live_state"))
    page.picture("tab-merge-live")
    page.click("#tag_atelier_merge_restore")
    until(lambda: client.get(f"{OURS}/status")["dirty"] is False)
    until(lambda: "as it came" in page.text("#tag_atelier_merge_live_state"))


LOGINS = {"page": GRADIO_AUTH, "API": API_AUTH, "both": (*GRADIO_AUTH, *API_AUTH)}


@pytest.mark.parametrize("login", LOGINS)
def test_the_page_works_under_every_login(boot: Callable[..., Server], tmp_path: Path, pictures: Path, login: str) -> None:
    flags = LOGINS[login]
    credentials = API_USER if "--api-auth" in flags else None
    with booted(boot, f"page-{login}", *flags, credentials=credentials) as server, chromium(tmp_path / "browser") as driver:
        page = Page(driver, pictures)
        driver.get(server.client.base)
        if "--gradio-auth" in flags:
            fields = until(lambda: len(page.all("input")) >= 2 and page.all("input"))
            for field, given in zip(fields, PAGE, strict=False):
                field.send_keys(given)
            page.click("button")
        until(lambda: page.all("#txt2img_generate"), 90)
        page.tab("Tag Atelier")
        page.tab("Merge", "#tag_atelier_tabs > .tab-nav")
        until(lambda: page.text("#tag_atelier_merge_live_state"))
        page.tab("Benchmark", "#tag_atelier_tabs > .tab-nav")
        size = "{steps: 2, width: 64, height: 64, sampler: Euler}"
        page.write(
            "#tag_atelier_bench_spec textarea",
            f"name: login\ntemplate: '1girl, {{tag}}'\ntags: [glaring]\ncheckpoints: [tiny-sd15-a]\nparameters: {size}\n",
        )
        page.click("#tag_atelier_bench_start")
        until(lambda: "done" in page.text("#tag_atelier_bench_job"), 90)
        before = set(driver.window_handles)
        page.click("#tag_atelier_bench_job button")
        (opened,) = until(lambda: set(driver.window_handles) - before)
        driver.switch_to.window(opened)
        until(lambda: "glaring" in driver.find_element(By.TAG_NAME, "body").text)
