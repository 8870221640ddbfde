"""The browser that the tests of one file share."""

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
