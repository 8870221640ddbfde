"""Values of an axis as people type them."""

import pytest

from tag_atelier.bench.axis_values import axis_values
from tag_atelier.errors import SpecError


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("steps", "20, 28", [20, 28]),
        ("steps", "1-3", [1, 2, 3]),
        ("steps", "10-30 (+10)", [10, 20, 30]),
        ("steps", "5-1 (+2)", [5, 3, 1]),
        ("seed", "1-10 [4]", [1, 4, 7, 10]),
        ("cfg_scale", "4.5, 7", [4.5, 7.0]),
        ("cfg_scale", "0.1-0.3 (+0.1)", [0.1, 0.2, 0.3]),
        ("tag", 'holding eyewear, "a, b"\nglaring, glaring', ["holding eyewear", "a, b", "glaring"]),
        ("sampler", "", []),
        ("tag", "1-3", ["1-3"]),
    ],
)
def test_lists_quotes_and_ranges(name: str, text: str, expected: list[object]) -> None:
    assert axis_values(name, text) == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [("steps", "many"), ("steps", "1.5"), ("steps", "1-1000"), ("steps", "1-2 (+0)"), ("eta", "nan"), ("eta", "inf")],
)
def test_what_is_no_number_is_refused_with_an_example(name: str, text: str) -> None:
    with pytest.raises(SpecError, match=rf"is no value of the axis '{name}'; expected numbers, or a range such as 10-30"):
        axis_values(name, text)
