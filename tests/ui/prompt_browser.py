"""The prompt page as its tests use it: chips by their names, the text box, the tools."""

from __future__ import annotations

from typing import Any

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.ui.browser import Page, until

TAB = "#tag_atelier_prompt_lanes"
PROMPT = "#tag_atelier_prompt_text textarea"
NEGATIVE = "#tag_atelier_prompt_negative textarea"


class Lanes:
    """One bench on the page; ``holder`` is the selector around it, ``box`` that of its prompt's text box."""

    def __init__(self, page: Page, holder: str = TAB, box: str = PROMPT) -> None:
        self.page, self.holder, self.box = page, holder, box

    def write(self, text: str, chips: int | None = None) -> None:
        """Put ``text`` into the box and wait until its chips are there, one for each comma and one more."""
        box = self.page.find(self.box)
        until(box.is_displayed)
        until(lambda: self.all(".tag-atelier-lanes-head"))
        box.send_keys(Keys.CONTROL, "a")
        box.send_keys(text)
        self.page.driver.execute_script("document.querySelector(arguments[0]).scrollIntoView({block: 'center'})", self.holder)
        expected = text.count(",") + 1 if chips is None else chips
        until(lambda: len(self.chips()) == expected)

    def text(self) -> str:
        """What the box holds."""
        return self.page.value_of(self.box)

    def becomes(self, text: str) -> None:
        """Wait until the box and the lanes hold just ``text``."""
        until(lambda: self.text() == text)
        until(lambda: len(self.chips()) >= text.count(",") + bool(text))

    def all(self, selector: str) -> list[Any]:
        """Every element of the bench that fits."""
        return self.page.driver.find_elements("css selector", f"{self.holder} {selector}")

    def one(self, selector: str) -> Any:
        """The first that fits and is shown."""
        return until(lambda: next((it for it in self.all(selector) if it.is_displayed()), None))

    def press(self, selector: str) -> None:
        """Click the first that fits, wherever it is scrolled to."""
        self.page.driver.execute_script("arguments[0].click()", self.one(selector))

    def chips(self) -> list[str]:
        """Names of all chips, lane by lane."""
        names = "Array.from(document.querySelectorAll(arguments[0])).map((it) => it.textContent)"
        found: list[str] = self.page.driver.execute_script(
            f"return {names}", f"{self.holder} .tag-atelier-tag .tag-atelier-tag-name"
        )
        return found

    def chip(self, name: str) -> Any:
        """The chip of this name."""
        return until(lambda: self.all(".tag-atelier-tag")[self.chips().index(name)])

    def lane(self, name: str) -> str:
        """Id of the lane that the chip stands in."""
        script = "return arguments[0].closest('.tag-atelier-lane').dataset.slot"
        return str(until(lambda: self.page.driver.execute_script(script, self.chip(name))))

    def keys(self, name: str, *keys: str) -> None:
        """Press keys on the chip; again where it was just drawn anew."""

        def press() -> bool:
            chip = self.chip(name)
            self.page.driver.execute_script("arguments[0].focus()", chip)
            chip.send_keys(*keys)
            return True

        until(press)

    def focused(self) -> str:
        """What the keyboard is on: a chip's name, or the element's id or class."""
        script = "const it = document.activeElement; const name = it.querySelector('.tag-atelier-tag-name');"
        return str(self.page.driver.execute_script(script + "return name ? name.textContent : it.tagName.toLowerCase()"))

    def drag(self, name: str, onto: str, behind: bool = False) -> None:
        """Drag one chip before or behind another."""
        target = self.chip(onto)
        half = target.size["width"] // 2 - 3
        self._drag(name, target, half if behind else -half)

    def drag_to(self, name: str, selector: str) -> None:
        """Drag a chip onto what fits ``selector``."""
        self._drag(name, self.one(selector), 0)

    def _drag(self, name: str, target: Any, across: int) -> None:
        chip = self.chip(name)
        self.page.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", chip)
        actions = ActionChains(self.page.driver, duration=60).click_and_hold(chip).move_by_offset(12, 2)
        actions.move_to_element_with_offset(target, across, 0).release().perform()

    def says(self, sentence: str) -> None:
        """Wait until the line below the lanes says this."""
        until(lambda: sentence in self.one(".tag-atelier-lanes-status").text)

    def open(self, tool: str) -> None:
        """Open one of the tools."""
        self.press(f".tag-atelier-tool-{tool}")
        until(lambda: self.all(f".tag-atelier-tool-is-{tool} > *"))
