"""What one sub-tab hands to another, in a browser: a prompt and a merge become benchmark plans that can be run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

pytest.importorskip("selenium", reason="selenium is not installed")

from tag_atelier import api
from tag_atelier.bench.spec import BenchSpec
from tag_atelier.merge.recipe import Recipe
from tag_atelier.ui.standalone import build_page
from tests.ui.browser import IN_BROWSER, Page, served, until
from tests.ui.fake_atelier import FakeAtelier

pytestmark = IN_BROWSER
PLAN = "#tag_atelier_bench_spec textarea"
MERGE = 2


@pytest.fixture
def atelier(tmp_path: Path) -> FakeAtelier:
    return FakeAtelier(tmp_path, step_s=0.001)


@pytest.fixture
def page(driver: object, atelier: FakeAtelier) -> Iterator[Page]:
    with served(atelier, build_page(atelier, api.PAGE_TOKEN)) as address:
        yield Page(driver, address)


def plan_of(page: Page) -> dict[str, object]:
    read: dict[str, object] = yaml.safe_load(page.value_of(PLAN))
    return read


def test_a_prompt_becomes_a_plan(page: Page) -> None:
    page.write("#tag_atelier_prompt_text textarea", 'portrait, (smile:1.2), by "x", ')
    page.write("#tag_atelier_prompt_negative textarea", "lowres")
    until(lambda: page.find(".tag-atelier-benchmark").is_displayed())
    page.driver.execute_script("document.querySelector('.tag-atelier-benchmark').click()")
    until(lambda: page.find("#tag_atelier_bench_start").is_displayed())
    until(lambda: "My prompt" in page.value_of(PLAN))
    spec = BenchSpec.from_value(plan_of(page))
    assert (spec.template, spec.negative) == ('portrait, (smile:1.2), by "x", {tag}', "lowres")
    assert spec.rule is not None and (spec.rule.slot, spec.rule.take) == ("action", 8)
    assert page.complaints() == []


def test_a_written_merge_is_put_into_the_plan_beside_its_models(page: Page, atelier: FakeAtelier) -> None:
    before = plan_of(page)
    page.open_room(MERGE)
    page.write("#tag_atelier_merge_recipe textarea", "models: [model-a, model-b]\nalpha: 0.5")
    page.write("#tag_atelier_merge_name textarea", "mixed")
    page.press("merge_write")
    until(lambda: page.find("#tag_atelier_merge_job .tag-atelier-benchmark")).click()
    until(lambda: page.find("#tag_atelier_bench_start").is_displayed())
    until(lambda: "mixed" in page.value_of(PLAN))
    assert plan_of(page) == {**before, "checkpoints": ["model-a", "model-b", "mixed"]}


def test_an_earlier_merge_takes_the_place_of_the_plans_checkpoints(page: Page, atelier: FakeAtelier) -> None:
    atelier.merges.shelf.remember(Recipe.from_value({"models": ["a", "b"], "alpha": 0.1}), "old.safetensors", "")
    lora = {"models": ["a", "b"], "alpha": 0.1, "options": {"format": "lora"}}
    atelier.merges.shelf.remember(Recipe.from_value(lora), "a-lora.safetensors", "")
    text = "name: n\ncheckpoints:\n- one\n- two\ntemplate: '{tag}'\ntags: [hat]\n"
    page.open_room(1)
    page.write(PLAN, text)
    page.open_room(MERGE)
    page.press("merge_shelf .label-wrap")
    until(lambda: "old.safetensors" in page.text_of("merge_shelf_list"))
    buttons = page.driver.find_elements("css selector", "#tag_atelier_merge_shelf_list .tag-atelier-benchmark")
    assert len(buttons) == 1, "only a checkpoint can be benchmarked"
    page.driver.execute_script("arguments[0].click()", buttons[0])
    until(lambda: "old" in page.value_of(PLAN))
    assert plan_of(page) == {"name": "n", "template": "{tag}", "tags": ["hat"], "checkpoints": ["old"]}
