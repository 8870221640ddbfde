from __future__ import annotations

import pytest

from tag_atelier.errors import RecipeError
from tag_atelier.merge.formula import evaluate


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("1 - t", 0.75),
        ("-t + 1", 0.75),
        ("t*t/2", 0.03125),
        ("(t < 0.5) + (t >= 0.25)", 2.0),
        ("cos(pi)", -1.0),
        ("max(t, 0.5)", 0.5),
    ],
)
def test_value(formula: str, value: float) -> None:
    assert evaluate(formula, t=0.25) == value


@pytest.mark.parametrize(
    "formula",
    [
        "",
        "x",
        "t +",
        "__import__('os')",
        "t.real",
        "'a'",
        "True",
        "1/0",
        "9**9",
        "1e308*10",
        "(lambda: 1)()",
        "abs(t, key=1)",
        "abs()",
    ],
)
def test_everything_else_is_refused(formula: str) -> None:
    with pytest.raises(RecipeError, match="block-weight formula"):
        evaluate(formula, t=0.5)
