"""The form's answers as a plan."""

from typing import Any

import pytest
import yaml

from tag_atelier.errors import SpecError
from tag_atelier.ui.bench_form import plan_text

FILLED: dict[str, Any] = {
    "name": "mine", "template": "1girl, {tag}", "negative": "bad", "tags": "glaring, >:(", "slot": "none", "posts_below": 5000,
    "take": 8, "x": "tag", "x_values": "", "y": "checkpoint", "y_values": "", "z": "none", "z_values": "", "sampler": "Euler a",
    "steps": 28, "cfg_scale": 7.0, "width": 832, "height": 1216, "batch_size": 4,
}  # fmt: skip


def plan(**changes: Any) -> Any:
    return yaml.safe_load(plan_text({**FILLED, **changes}))


def test_the_form_as_it_starts_is_a_plan_of_the_given_tags() -> None:
    assert plan() == {
        "name": "mine",
        "template": "1girl, {tag}",
        "negative": "bad",
        "tags": ["glaring", ">:("],
        "parameters": {"steps": 28, "width": 832, "height": 1216},
    }


def test_a_batch_size_of_nothing_is_found_by_trying() -> None:
    assert [plan(batch_size=size).get("batch_size") for size in (0, 0.0, 8, 4)] == ["auto", "auto", 8, None]


def test_axes_are_laid_into_the_plan_as_they_are_picked() -> None:
    found = plan(x="steps", x_values="20-28 (+8)", y="tag", y_values="", z="seed", z_values="1-3")
    assert found["axes"] == {"steps": [20, 28]}
    assert found["seeds"] == [1, 2, 3]
    assert found["grid"] == {"x": "steps", "y": "tag", "z": "seed"}


def test_rare_tags_of_a_slot_take_the_place_of_a_list() -> None:
    found = plan(slot="action", tags="", posts_below=1000.0, take=4)
    assert found["rule"] == {"slot": "action", "posts_below": 1000, "take": 4}
    assert "tags" not in found


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"y": "tag"}, "'tag' is on two axes"),
        ({"z": "steps"}, "The Z axis varies 'steps' but has no values"),
        ({"tags": ""}, "neither tags nor rule"),
        ({"template": "1girl"}, "{tag}"),
    ],
)
def test_what_cannot_be_a_plan_is_said(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        plan(**changes)
