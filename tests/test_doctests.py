"""Runs the examples in docstrings. Not pytest's --doctest-modules: it hides test files that fail to import."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "tag_atelier"
WITH_EXAMPLES = sorted(path for path in PACKAGE.rglob("*.py") if ">>> " in path.read_text(encoding="utf-8"))
HEAVY = ("torch", "numpy", "PIL", "onnxruntime", "diffusers", "gradio", "modules")


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_examples_in_docstrings_are_true(path: Path) -> None:
    name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name in HEAVY:
            pytest.skip(f"{error.name} is not installed here")
        raise
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
