"""The browser that the tests of one file share, and the prompt page that it looks at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Chromium of this file's own."""
    from tests.ui.browser import chromium

    with chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="module")
def atelier(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An atelier whose prompt rooms are the real ones; files that try other rooms make their own."""
    from tests.ui.prompt_atelier import prompt_atelier

    return prompt_atelier(tmp_path_factory.mktemp("atelier"))


@pytest.fixture(scope="module")
def address(atelier: Any) -> Iterator[str]:
    """Where the whole page of ``atelier`` is served."""
    from tag_atelier import api
    from tag_atelier.ui.standalone import build_page
    from tests.ui.browser import served

    with served(atelier, build_page(atelier, api.PAGE_TOKEN)) as where:
        yield where


@pytest.fixture
def lanes(driver: Any, address: str) -> Iterator[Any]:
    """The lanes on a page just opened, which must end without a complaint of the browser's."""
    from tests.ui.browser import Page
    from tests.ui.prompt_browser import Lanes

    page = Page(driver, address)
    yield Lanes(page)
    assert page.complaints() == []
