"""A Chinese page says in Chinese what its requests and its jobs answer; the routes told it so because it asked so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("selenium", reason="selenium is not installed")

from tag_atelier import api
from tag_atelier.errors import RecipeError, say
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.ports import Progress
from tag_atelier.ui.standalone import build_page
from tests.ui.browser import IN_BROWSER, Page, served, until
from tests.ui.prompt_atelier import prompt_atelier

pytestmark = IN_BROWSER

ASK = "tagAtelier.askJson('GET', 'jobs/nope').catch((error) => arguments[0](error.message))"


@pytest.fixture
def atelier(tmp_path: Path) -> Atelier:
    return prompt_atelier(tmp_path, "zh_CN")


@pytest.fixture
def page(driver: object, atelier: Atelier) -> Iterator[Page]:
    with served(atelier, build_page(atelier, api.PAGE_TOKEN)) as address:
        yield Page(driver, address)  # type: ignore[arg-type]


def test_requests_and_jobs_are_answered_in_chinese(page: Page, atelier: Atelier) -> None:
    def fails(_progress: Progress) -> dict[str, object]:
        raise RecipeError("The block '{block}' is given twice; give it one weight.", block="IN04")

    assert page.driver.execute_async_script(ASK).startswith("没有任务“nope”；")
    assert atelier.runner.start("live", say("live merge {digest}", digest="0f3a"), fails).wait(5)
    page.open_room(2)
    until(lambda: "分块“IN04”写了两次；请只给一个权重。" in page.text_of("merge_job"))
    assert "合并到已加载的模型 0f3a" in page.text_of("merge_job")
    page.write("#tag_atelier_merge_recipe textarea", "{models: [nope, model-a], alpha: 0.5}")
    page.press("merge_check")
    until(lambda: "没有模型“nope”；可选：" in page.text_of("merge_result"))
