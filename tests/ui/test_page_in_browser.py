"""The page as a person meets it, in headless Chromium, under whichever gradio is installed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest

pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tag_atelier import api
from tag_atelier.merge.recipe import Recipe
from tag_atelier.ui import panel
from tag_atelier.ui.compat import standalone_blocks
from tag_atelier.ui.standalone import build_page
from tests.ui.browser import IN_BROWSER, Page, served, until
from tests.ui.fake_atelier import FakeAtelier

pytestmark = IN_BROWSER

BENCHMARK, MERGE = 1, 2


@pytest.fixture
def atelier(tmp_path: Path) -> FakeAtelier:
    return FakeAtelier(tmp_path)


@pytest.fixture
def page(driver: object, atelier: FakeAtelier) -> Iterator[Page]:
    with served(atelier, build_page(atelier, api.PAGE_TOKEN)) as address:
        yield Page(driver, address)


def job_states(atelier: FakeAtelier) -> list[str]:
    return [job.state for job in atelier.runner.list()]


def test_a_benchmark_shows_its_progress_and_can_be_paused(page: Page, atelier: FakeAtelier) -> None:
    page.open_room(BENCHMARK)
    page.press("bench_start")
    until(lambda: "running" in page.text_of("bench_job") and " of 40" in page.text_of("bench_job"))
    until(lambda: "s left" in page.text_of("bench_job"))
    until(lambda: page.find("#tag_atelier_bench_job .tag-atelier-stop").click() is None)
    until(lambda: "paused" in page.text_of("bench_job"))
    assert job_states(atelier) == ["cancelled"]
    assert "Stopped; what is done stays done." in page.text_of("bench_job")
    assert page.complaints() == []


def test_a_running_job_is_found_again_after_a_reload(page: Page, atelier: FakeAtelier) -> None:
    atelier.start_benchmark({})
    page.open_room(BENCHMARK)
    until(lambda: "running" in page.text_of("bench_job"))
    atelier.runner.cancel(atelier.runner.list()[0].id)
    until(lambda: "paused" in page.text_of("bench_job"))


def test_a_finished_run_opens_its_report_in_a_tab(page: Page, atelier: FakeAtelier, driver: object) -> None:
    atelier.step_s = 0.001
    page.open_room(BENCHMARK)
    page.press("bench_start")
    until(lambda: "done" in page.text_of("bench_job"))
    here = driver.current_window_handle
    until(lambda: page.find("#tag_atelier_bench_job .tag-atelier-button").click() is None)
    until(lambda: len(driver.window_handles) == 2)
    driver.switch_to.window(next(handle for handle in driver.window_handles if handle != here))
    until(lambda: "A report" in driver.page_source)
    driver.close()
    driver.switch_to.window(here)


def test_an_earlier_run_is_taken_up_with_its_own_plan(page: Page, atelier: FakeAtelier) -> None:
    page.open_room(BENCHMARK)
    until(lambda: "My benchmark · 4 of 9" in page.text_of("bench_runs"))
    assert page.text_of("bench_runs").count("Resume") == 1, "only a run that is not finished is taken up"
    page.find("#tag_atelier_bench_runs .tag-atelier-run:last-child button").click()
    until(lambda: ("benchmark", {"name": "Stopped before"}) in atelier.asked)


def test_a_bad_plan_is_answered_with_a_sentence(page: Page, atelier: FakeAtelier) -> None:
    page.open_room(BENCHMARK)
    page.write("#tag_atelier_bench_spec textarea", "name: x")
    page.press("bench_plan")
    until(lambda: "has no 'template'" in page.text_of("bench_result"))
    assert job_states(atelier) == []


def test_the_merge_form_writes_the_recipe_and_its_sliders_follow(page: Page, atelier: FakeAtelier) -> None:
    recipe = "#tag_atelier_merge_recipe textarea"
    page.open_room(MERGE)
    page.choose("merge_first", "model-a")
    page.choose("merge_second", "model-b")
    until(lambda: "- model-b" in page.value_of(recipe) and "alpha: 0.5" in page.value_of(recipe))
    page.press("merge_block_panel .label-wrap")
    slider = page.find("#tag_atelier_merge_blocks input[data-block=IN04]")
    script = "arguments[0].value = 0.3; arguments[0].dispatchEvent(new Event('change', {bubbles: true}))"
    page.driver.execute_script(script, slider)
    until(lambda: "IN04: 0.3" in page.value_of(recipe))
    until(lambda: page.value_of("#tag_atelier_merge_blocks input[data-block=IN04]") == "0.3")
    page.write("#tag_atelier_merge_blocks_text textarea", "IN04: 0.3, OUT02: 0.125")
    time.sleep(0.5)  # gradio 3 drops a box's second blur within a moment
    page.find("#tag_atelier_merge_blocks_text textarea").send_keys(Keys.TAB)
    until(lambda: "OUT02: 0.125" in page.value_of(recipe))
    page.press("merge_check")
    until(lambda: "1680 of 2515 change" in page.text_of("merge_result"))
    assert "IN04: 0.3" in str(atelier.asked[-1])
    page.write("#tag_atelier_merge_second_weight input[type=number]", "0.75" + Keys.TAB)
    until(lambda: "ALL: 0.75" in page.value_of(recipe))
    assert page.complaints() == []


def test_the_text_fills_the_form(page: Page) -> None:
    page.open_room(MERGE)
    page.write("#tag_atelier_merge_recipe textarea", "models: [model-c, model-a]\nalpha: {ALL: 0.2, IN04: 0.9}")
    page.press("merge_read")
    until(lambda: page.value_of("#tag_atelier_merge_first input") == "model-c")
    assert page.value_of("#tag_atelier_merge_blocks_text textarea") == "IN04: 0.9"


def test_more_models_a_base_and_the_numbers_of_the_method(page: Page) -> None:
    recipe = "#tag_atelier_merge_recipe textarea"
    page.open_room(MERGE)
    page.choose("merge_first", "model-a")
    page.choose("merge_second", "model-b")
    page.press("merge_more")
    page.choose("merge_third", "model-c")
    until(lambda: "- model-c" in page.value_of(recipe) and "- 0.5\n- 0.5" in page.value_of(recipe))
    page.choose("merge_method", "dare")
    page.choose("merge_base", "model-c")
    until(lambda: "base: model-c" in page.value_of(recipe) and "drop: 0.5" in page.value_of(recipe))
    page.write("#tag_atelier_merge_parameter_1 input[type=number]", "0.25" + Keys.TAB)
    until(lambda: "drop: 0.25" in page.value_of(recipe))
    until(lambda: "1680 of 2515 tensors change; 11 GB are read" in page.text_of("merge_result"))
    page.press("merge_fewer")
    until(lambda: "- model-c" not in page.value_of(recipe))
    assert page.complaints() == []


def test_a_model_alone_gets_networks_and_becomes_a_lora(page: Page) -> None:
    recipe = "#tag_atelier_merge_recipe textarea"
    page.open_room(MERGE)
    page.choose("merge_first", "model-a")
    page.press("merge_parts .label-wrap")
    page.write("#tag_atelier_merge_networks textarea", "<lora:detail:0.6>" + Keys.TAB)
    until(lambda: "- lora: detail\n  weight: 0.6" in page.value_of(recipe))
    assert not page.find("#tag_atelier_merge_rank").is_displayed()
    page.choose("merge_format", "lora")
    until(lambda: "rank: 32" in page.value_of(recipe))
    until(lambda: page.find("#tag_atelier_merge_rank").is_displayed())
    page.write(
        recipe,
        "models: [model-c]\nloras: [{lora: other, weight: {M00: 1}}]\noptions: {dtype: {all: fp16, vae: fp32}, prune: true}",
    )
    page.press("merge_read")
    until(lambda: page.value_of("#tag_atelier_merge_networks textarea") == "other: 0, M00: 1")
    until(lambda: page.value_of("#tag_atelier_merge_vae_dtype input") == "fp32")
    until(lambda: not page.find("#tag_atelier_merge_rank").is_displayed())
    assert page.find("#tag_atelier_merge_prune input").is_selected()
    assert page.complaints() == []


def test_own_presets_saved_recipes_and_the_history(page: Page, atelier: FakeAtelier) -> None:
    atelier.merges.shelf.remember(Recipe.from_value({"models": ["model-b", "model-c"], "alpha": 0.1}), "old.safetensors", "")
    recipe = "#tag_atelier_merge_recipe textarea"
    page.open_room(MERGE)
    page.press("merge_block_panel .label-wrap")
    page.choose("merge_first", "model-a")
    page.choose("merge_second", "model-b")
    page.write("#tag_atelier_merge_blocks_text textarea", "ALL: 0, M00: 0.75" + Keys.TAB)
    until(lambda: "M00: 0.75" in page.value_of(recipe))
    page.write("#tag_atelier_merge_preset_name textarea", "only the middle")
    page.press("merge_keep_preset")
    until(lambda: atelier.merges.shelf.block_presets() == {"only the middle": {"M00": 0.75}})
    page.write("#tag_atelier_merge_name textarea", "my recipe")
    page.press("merge_save")
    until(lambda: list(atelier.merges.shelf.recipes()) == ["my recipe"])
    page.press("merge_shelf .label-wrap")
    until(lambda: "my recipe" in page.text_of("merge_shelf_list") and "old.safetensors" in page.text_of("merge_shelf_list"))
    page.choose("merge_preset", "own: only the middle")
    until(lambda: page.value_of("#tag_atelier_merge_blocks_text textarea") == "M00: 0.75")
    page.driver.execute_script("document.querySelectorAll('#tag_atelier_merge_shelf_list button')[2].click()")
    until(lambda: page.value_of("#tag_atelier_merge_first input") == "model-b")
    assert page.complaints() == []


def test_a_badge_says_on_every_tab_that_the_loaded_model_is_merged(page: Page, atelier: FakeAtelier) -> None:
    atelier.step_s, atelier.dirty = 0.001, True
    until(lambda: "model-a is merged" in page.find(".tag-atelier-live-badge").text)
    page.find(".tag-atelier-live-badge button").click()
    until(lambda: not page.driver.find_elements(By.CSS_SELECTOR, ".tag-atelier-live-badge"))
    assert [kind for kind, _ in atelier.asked] == ["restore"]


def test_the_loaded_model_is_changed_and_restored(page: Page, atelier: FakeAtelier) -> None:
    atelier.step_s = 0.001
    page.open_room(MERGE)
    until(lambda: "as it came from its file" in page.text_of("merge_live_state"))
    page.press("merge_live")
    until(lambda: "carries a merge" in page.text_of("merge_live_state"))
    page.press("merge_restore")
    until(lambda: "as it came from its file" in page.text_of("merge_live_state"))
    assert [kind for kind, _ in atelier.asked] == ["live", "restore"]


@pytest.fixture
def panel_page(driver: object, atelier: FakeAtelier) -> Iterator[Page]:
    """A prompt box as the WebUI has it, and the panel below."""
    with standalone_blocks("panel") as blocks:
        gr.Textbox("", lines=3, elem_id="txt2img_prompt", label="Prompt")
        panel.build(atelier, False)
    with served(atelier, blocks) as address:
        drawn = Page(driver, address)
        drawn.press("txt2img_panel .label-wrap")
        until(drawn.find("#tag_atelier_txt2img_arrange_now").is_displayed)
        yield drawn


def test_arrange_now_writes_the_prompt_box_so_that_it_can_be_undone(panel_page: Page) -> None:
    box = "#txt2img_prompt textarea"
    panel_page.write(box, "white hair, smile, 1girl")
    panel_page.press("txt2img_arrange_now")
    until(lambda: panel_page.value_of(box) == "smile, 1girl, white hair")
    panel_page.find(box).send_keys(Keys.CONTROL, "z")
    until(lambda: panel_page.value_of(box) == "white hair, smile, 1girl")
    panel_page.press("txt2img_arrange_now")
    until(lambda: panel_page.value_of(box) == "smile, 1girl, white hair")
    panel_page.press("txt2img_undo")
    until(lambda: panel_page.value_of(box) == "white hair, smile, 1girl")
    assert panel_page.complaints() == []


def test_the_panel_says_why_nothing_could_be_moved(panel_page: Page) -> None:
    panel_page.write("#txt2img_prompt textarea", "white hair, [smile")
    panel_page.press("txt2img_arrange_now")
    until(lambda: "a bracket is never closed" in panel_page.text_of("txt2img_result"))
    assert panel_page.value_of("#txt2img_prompt textarea") == "white hair, [smile"


def test_another_family_offers_its_own_presets(panel_page: Page) -> None:
    panel_page.choose("txt2img_quality", "best")
    panel_page.choose("txt2img_profile", "sd15-anime")
    until(lambda: panel_page.value_of("#tag_atelier_txt2img_quality input") == "none")
