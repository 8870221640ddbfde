"""The lanes in headless Chromium, under whichever gradio is installed, with the real prompt rooms behind them."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver.common.keys import Keys

from tag_atelier import api
from tag_atelier.ui.standalone import build_page
from tests.ui.browser import IN_BROWSER, Page, served, until
from tests.ui.prompt_atelier import prompt_atelier
from tests.ui.prompt_browser import NEGATIVE, PROMPT, Lanes

pytestmark = IN_BROWSER

MESSY = "best quality, white hair, smile, 1girl, red ribbon, sitting"
ORDERED = "1girl, sitting, smile, white hair, red ribbon, best quality"


def test_tags_stand_in_the_familys_lanes_and_arrange_is_undone_and_done_again(lanes: Lanes) -> None:
    lanes.write(MESSY)
    assert lanes.chips() == ORDERED.split(", ")
    assert (lanes.lane("white hair"), lanes.lane("best quality")) == ("main_char", "quality")
    assert lanes.one(".tag-atelier-lanes-head .tag-atelier-tokens").text.endswith("/ 75")
    assert "not in order" in lanes.one(".tag-atelier-lanes-head").text
    assert "hair colour · 7" in lanes.chip("white hair").get_attribute("title").replace("白发 · ", "")
    lanes.press(".tag-atelier-arrange")
    lanes.becomes(ORDERED)
    until(lambda: "✓ in order" in lanes.one(".tag-atelier-lanes-head").text)
    lanes.keys("smile", Keys.CONTROL, "z")
    lanes.becomes(MESSY)
    assert lanes.focused() in ORDERED
    lanes.keys("smile", Keys.CONTROL, "y")
    lanes.becomes(ORDERED)
    lanes.page.find(PROMPT).send_keys(Keys.CONTROL, "z")
    lanes.becomes(MESSY)


def test_the_keyboard_walks_moves_weighs_edits_and_removes(lanes: Lanes) -> None:
    lanes.write("1girl, solo, smile, white hair")
    lanes.keys("1girl", Keys.ARROW_RIGHT)
    assert lanes.focused() == "solo"
    lanes.keys("solo", Keys.ARROW_DOWN)
    assert lanes.focused() == "smile"
    lanes.keys("solo", Keys.ALT, Keys.ARROW_LEFT)
    lanes.becomes("solo, 1girl, smile, white hair")
    until(lambda: lanes.focused() == "solo")
    lanes.keys("smile", "+")
    lanes.becomes("solo, 1girl, (smile:1.05), white hair")
    lanes.keys("smile", "--")
    lanes.becomes("solo, 1girl, (smile:0.95), white hair")
    lanes.keys("1girl", Keys.DELETE)
    lanes.becomes("solo, (smile:0.95), white hair")
    lanes.keys("white hair", Keys.ENTER)
    until(lambda: lanes.focused() == "input")
    lanes.page.driver.switch_to.active_element.send_keys("grey hair", Keys.ENTER)
    lanes.becomes("solo, (smile:0.95), grey hair")
    lanes.keys("grey hair", Keys.ESCAPE)
    script = "const it = document.activeElement; return it.value.slice(it.selectionStart, it.selectionEnd)"
    assert lanes.page.driver.execute_script(script) == "grey hair"


def test_a_chip_is_switched_off_and_on_and_pinned(lanes: Lanes) -> None:
    lanes.write("1girl, smile, white hair")
    lanes.keys("smile", Keys.SPACE)
    lanes.becomes("1girl, white hair")
    until(lambda: "tag-atelier-off" in lanes.chip("smile").get_attribute("class"))
    lanes.keys("smile", Keys.SPACE)
    lanes.becomes("1girl, smile, white hair")
    lanes.keys("white hair", "p")
    until(lambda: "tag-atelier-pinned" in lanes.chip("white hair").get_attribute("class"))
    lanes.press(".tag-atelier-arrange")
    lanes.becomes("white hair, 1girl, smile")
    lanes.keys("white hair", "p")
    until(lambda: "tag-atelier-pinned" not in lanes.chip("white hair").get_attribute("class"))


def test_a_chip_is_dragged_within_its_lane_and_into_another(lanes: Lanes) -> None:
    lanes.write("1girl, solo, smile, forest, white hair")
    lanes.drag("solo", "1girl")
    lanes.becomes("solo, 1girl, smile, forest, white hair")
    lanes.drag("forest", "smile", behind=True)
    until(lambda: lanes.lane("forest") == "expression")
    lanes.says("“forest” belongs to “face and feeling” from now on.")
    lanes.press(".tag-atelier-lanes-status button")
    until(lambda: lanes.lane("forest") == "main_env")
    lanes.becomes("solo, 1girl, smile, forest, white hair")


def test_an_empty_lane_takes_a_tag_of_its_own_and_one_that_is_dropped(lanes: Lanes) -> None:
    lanes.write("1girl, sparkling thing, best quality")
    lanes.press(".tag-atelier-empty-lane[data-slot=items]")
    assert "things and animals" in lanes.one(".tag-atelier-adder input").get_attribute("placeholder")
    lanes.one(".tag-atelier-adder input").send_keys("cat", Keys.ENTER)
    lanes.becomes("1girl, sparkling thing, cat, best quality")
    lanes.drag_to("sparkling thing", ".tag-atelier-empty-lane[data-slot=theme]")
    until(lambda: lanes.lane("sparkling thing") == "theme")
    lanes.press(".tag-atelier-lanes-status button")
    until(lambda: lanes.lane("sparkling thing") != "theme")


def test_the_border_of_75_tokens_is_drawn_between_chips(lanes: Lanes) -> None:
    lanes.write(", ".join(["1girl", *(f"very long {thing} hair ornament" for thing in "abcdefghijklmnopqr"), "best quality"]))
    until(lambda: len(lanes.all(".tag-atelier-chunk-mark")) == 1)
    assert lanes.one(".tag-atelier-tokens").text.endswith("/ 150")


def test_what_may_not_move_says_why(lanes: Lanes) -> None:
    lanes.write("1girl, (smile, hat", chips=2)
    hat = lanes.all(".tag-atelier-locked")[0]
    assert "a bracket is never closed" in hat.get_attribute("title")
    lanes.keys(lanes.chips()[-1], Keys.ALT, Keys.ARROW_LEFT)
    lanes.says("a bracket is never closed")
    assert lanes.text() == "1girl, (smile, hat"


def test_findings_are_mended_with_one_press(lanes: Lanes) -> None:
    lanes.write("1girl, very long hair, long hair, {smile}")
    fix = lanes.one(".tag-atelier-fix[data-code]")
    assert "smile" in fix.text
    lanes.press(".tag-atelier-fix[data-code]")
    until(lambda: "{" not in lanes.text())
    until(lambda: "says “long hair” too" in lanes.one(".tag-atelier-tool").text)
    until(lambda: [it for it in lanes.all(".tag-atelier-fix") if "long hair" in it.text])[0].click()
    until(lambda: ", long hair" not in lanes.text())
    assert "very long hair" in lanes.text()


def test_the_search_adds_a_tag_in_its_place_by_its_chinese_name(lanes: Lanes) -> None:
    lanes.write("1girl, smile, best quality")
    box = lanes.one(".tag-atelier-adder input")
    box.send_keys("白发")
    until(lambda: "white hair" in lanes.one(".tag-atelier-search-entry").text)
    box.send_keys(Keys.ARROW_DOWN, Keys.ENTER)
    lanes.becomes("1girl, smile, white hair, best quality")
    box.send_keys("my own words", Keys.ENTER)
    until(lambda: "my own words" in lanes.text())
    assert lanes.focused() == "input", "the next tag can be typed at once"


def test_each_box_has_its_own_lanes(lanes: Lanes) -> None:
    lanes.write("1girl, smile")
    lanes.page.find(NEGATIVE).send_keys("lowres, bad anatomy")
    until(lambda: lanes.chips() == ["lowres", "bad anatomy"] or set(lanes.chips()) == {"lowres", "bad anatomy"})
    lanes.keys("lowres", Keys.DELETE)
    until(lambda: lanes.page.value_of(NEGATIVE) == "bad anatomy")
    assert lanes.text() == "1girl, smile"


def requests(lanes: Lanes) -> int:
    """How often the lanes were asked for since the page was loaded."""
    script = "return performance.getEntriesByType('resource').filter((it) => it.name.endsWith('/prompt/lanes')).length"
    return int(lanes.page.driver.execute_script(script))


def test_typing_and_what_cannot_be_seen_ask_for_next_to_nothing(lanes: Lanes) -> None:
    lanes.write("1girl, smile")
    before = requests(lanes)
    box = lanes.page.find(PROMPT)
    compose = "arguments[0].dispatchEvent(new CompositionEvent(arguments[1], {bubbles: true}))"
    lanes.page.driver.execute_script(compose, box, "compositionstart")
    type_fast = (
        "for (const sign of ', white hair, sitting in a forest') { arguments[0].value += sign;"
        " arguments[0].dispatchEvent(new InputEvent('input', {bubbles: true, isComposing: arguments[1]})); }"
    )
    lanes.page.driver.execute_script(type_fast, box, True)
    until(lambda: lanes.page.driver.execute_script("return new Promise((done) => setTimeout(() => done(true), 1300))"))
    assert requests(lanes) == before, "nothing is asked while an input method composes"
    lanes.page.driver.execute_script(compose, box, "compositionend")
    until(lambda: "white hair" in lanes.chips())
    assert requests(lanes) == before + 1
    lanes.page.open_room(1)
    until(lambda: not box.is_displayed())
    lanes.page.driver.execute_script(type_fast, box, False)
    until(lambda: lanes.page.driver.execute_script("return new Promise((done) => setTimeout(() => done(true), 1300))"))
    assert requests(lanes) == before + 1, "nothing is asked while the lanes are hidden"


def test_an_empty_page_says_what_to_do_and_fills_in_an_example(lanes: Lanes) -> None:
    until(lambda: "Write in the box above" in lanes.one(".tag-atelier-lanes").text)
    lanes.press(".tag-atelier-lanes .tag-atelier-act")
    until(lambda: "school uniform" in lanes.chips())


def test_another_family_has_another_order(lanes: Lanes) -> None:
    lanes.write("1girl, smile, score_9")
    assert lanes.chips()[-1] == "score 9"
    lanes.page.choose("prompt_profile", "pony")
    lanes.page.find(PROMPT).click()
    until(lambda: lanes.chips()[0] == "score 9")


def test_the_chinese_page_shows_chinese_names_first(driver: object, tmp_path: Path) -> None:
    chinese = prompt_atelier(tmp_path, "zh_CN")
    with served(chinese, build_page(chinese, api.PAGE_TOKEN)) as address:
        lanes = Lanes(Page(driver, address))
        lanes.write("white hair, 1girl, very long hair, long hair, :3")
        assert lanes.chip("white hair").text.startswith("白发")
        assert "排序" in lanes.one(".tag-atelier-lanes-head").text
        assert "发色" in lanes.one(".tag-atelier-lanes").text
        assert "请" in lanes.one(".tag-atelier-findings").text
