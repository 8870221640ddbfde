"""The WebUI's page with tagcomplete and prompt-all-in-one in it: several write the same text box, and all come to rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.ui.browser import IN_BROWSER, chromium, until
from tests.webui.others import PROMPTS, TAGCOMPLETE, beside, installed, needs
from tests.webui.server import Server
from tests.webui.test_page import Page, pictures
from tests.webui.test_panel import MESSY, by_hand

__all__ = ["pictures"]

pytestmark = [
    *IN_BROWSER,
    pytest.mark.skipif(not installed(), reason="no folder of other extensions in TAG_ATELIER_OTHERS"),
]

BOX = "#txt2img_prompt textarea"
LANES = "#tag_atelier_txt2img_lanes"
POPUP = ".autocompleteParent"
REST_S = 3.0
"""So long nothing may happen before the page counts as at rest; prompt-all-in-one looks every half second."""

COUNT = """
window.tagAtelierInputs = 0;
document.querySelector(arguments[0]).addEventListener('input', () => { window.tagAtelierInputs += 1; });
"""


@pytest.fixture(scope="class")
def server(boot: Callable[..., Server], request: pytest.FixtureRequest) -> Server:
    """A WebUI with the one extension that the class is about."""
    other = request.cls.OTHER
    return boot(f"page beside {other}", "link", prepare=beside([other]))


@pytest.fixture
def page(server: Server, tmp_path: Path, pictures: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    with chromium(tmp_path / "browser") as driver:
        opened = Page(driver, pictures)
        opened.open(server.client.base)
        opened.click("#tag_atelier_txt2img_panel > .label-wrap")
        until(lambda: opened.all(f"{LANES} .tag-atelier-arrange"))
        driver.execute_script(COUNT, BOX)
        yield opened
        opened.picture("".join(letter if letter.isalnum() else "-" for letter in request.node.name))
        assert opened.problems() == []


def at_rest(page: Page) -> tuple[str, int]:
    """Text and number of input events, as soon as neither changed for ``REST_S``."""
    deadline, since, seen = time.monotonic() + 60, time.monotonic(), ("", -1)
    while time.monotonic() < deadline:
        now = (page.value(BOX), int(page.driver.execute_script("return window.tagAtelierInputs")))
        if now != seen:
            seen, since = now, time.monotonic()
        elif time.monotonic() - since > REST_S:
            return seen
        time.sleep(0.1)
    raise AssertionError(f"the text box never comes to rest; last {seen}")


def tags(page: Page) -> list[str]:
    """The tags in the box. prompt-all-in-one takes out the spaces after the commas and ends the text with one."""
    return [it.strip() for it in page.value(BOX).split(",") if it.strip()]


def chips(page: Page) -> list[str]:
    """What the lanes show. They ask nothing while they are out of sight, and prompt-all-in-one pushes them far down."""
    page.driver.execute_script("document.querySelector(arguments[0]).scrollIntoView()", LANES)
    return [str(it.get_attribute("textContent")) for it in page.all(f"{LANES} .tag-atelier-tag")]


def popup(page: Page) -> list[Any]:
    """tagcomplete's list, where it is shown."""
    return [it for it in page.all(POPUP) if it.is_displayed()]


@needs(TAGCOMPLETE)
class TestTagcomplete:
    OTHER = TAGCOMPLETE

    def typed(self, page: Page, text: str) -> Any:
        until(lambda: page.all(f"{BOX}.autocomplete"))  # it has read its settings and its tags
        box = page.one(BOX)
        box.send_keys(text)
        until(lambda: popup(page))
        return box

    @pytest.mark.parametrize("key", [Keys.TAB, Keys.ENTER], ids=["Tab", "Enter"])
    def test_what_it_completes_stands_in_the_lanes(self, page: Page, key: str) -> None:
        box = self.typed(page, "white hair, 1gir")
        if key == Keys.ENTER:
            box.send_keys(Keys.ARROW_DOWN)
        box.send_keys(key)
        until(lambda: not popup(page) and "1girl" in page.value(BOX))
        until(lambda: len(chips(page)) == 2)
        text, events = at_rest(page)
        assert text.startswith("white hair, 1girl") and events < 40
        assert page.driver.switch_to.active_element == box
        page.click(f"{LANES} .tag-atelier-arrange")
        until(lambda: page.value(BOX).startswith("1girl, white hair"))
        at_rest(page)
        assert page.value(BOX).startswith("1girl, white hair")

    def test_escape_closes_its_list_and_nothing_of_ours(self, page: Page) -> None:
        box = self.typed(page, "white hair, 1gir")
        box.send_keys(Keys.ESCAPE)
        until(lambda: not popup(page))
        assert at_rest(page)[0] == "white hair, 1gir"
        until(lambda: len(chips(page)) == 2)

    def test_arranging_while_its_list_is_open(self, page: Page) -> None:
        self.typed(page, "best quality, white hair, 1girl, smil")
        until(lambda: len(chips(page)) == 4)
        page.click(f"{LANES} .tag-atelier-arrange")
        until(lambda: page.value(BOX).startswith("1girl"))
        text, _ = at_rest(page)
        assert sorted(text.split(", ")) == ["1girl", "best quality", "smil", "white hair"]
        box = page.one(BOX)
        box.send_keys(Keys.CONTROL, "z")
        until(lambda: page.value(BOX) == "best quality, white hair, 1girl, smil")

    def test_our_own_box_is_ours(self, page: Page) -> None:
        page.tab("Tag Atelier")
        page.one("#tag_atelier_prompt_text textarea").send_keys("white hair, 1gir")
        until(lambda: len(page.all("#tag_atelier_prompt_lanes .tag-atelier-tag")) == 2)
        shown = "#tag_atelier_prompt_text .autocompleteResults, #tag_atelier_prompt_text .autocompleteParent"
        assert not any(it.is_displayed() for it in page.all(shown))


@needs(PROMPTS)
class TestPromptAllInOne:
    OTHER = PROMPTS
    THEIRS = "#phystonPrompt_txt2img_prompt .prompt-tag"

    def test_both_show_what_either_wrote_and_come_to_rest(self, page: Page, server: Server) -> None:
        page.write(BOX, MESSY)
        until(lambda: len(chips(page)) == len(MESSY.split(",")))
        page.click(f"{LANES} .tag-atelier-arrange")
        arranged = by_hand(server.client).split(", ")
        until(lambda: tags(page) == arranged)
        settled = at_rest(page)
        assert tags(page) == arranged
        until(lambda: len(page.all(self.THEIRS)) == len(arranged))
        assert at_rest(page) == settled

    def test_what_it_removes_is_gone_from_the_lanes(self, page: Page) -> None:
        page.write(BOX, "1girl, white hair, smile")
        page.driver.execute_script("arguments[0].blur()", page.one(BOX))
        until(lambda: len(page.all(self.THEIRS)) == 3 and len(chips(page)) == 3)
        close = page.all(f"{self.THEIRS} .btn-tag-delete")[1]
        page.driver.execute_script("arguments[0].click()", close)
        until(lambda: tags(page) == ["1girl", "smile"])
        until(lambda: len(chips(page)) == 2)
        at_rest(page)
        assert tags(page) == ["1girl", "smile"]
