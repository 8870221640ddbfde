"""The panel's argument: an object or a JSON string, nothing silently ignored."""

from __future__ import annotations

import json

import pytest

from tag_atelier.errors import RequestError
from tag_atelier.jobs.panel import PanelRequest


def test_an_object_and_its_json_read_the_same() -> None:
    value = {"profile": "pony", "arrange": False, "quality": "high", "negative_preset": "", "merge": {"method": "x"}}
    expected = PanelRequest(True, "pony", False, "high", None, {"method": "x"})
    assert PanelRequest.from_value(value) == expected
    assert PanelRequest.from_value(json.dumps(value)) == expected


def test_given_means_enabled_unless_it_says_otherwise() -> None:
    assert PanelRequest.from_value({}).enabled
    assert not PanelRequest.from_value({"enabled": False}).enabled


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("{", "The argument of 'Tag Atelier' is not valid JSON"),
        ("[1]", "is a list; expected an object"),
        (None, "is null; expected an object"),
        (7, "is a number; expected an object"),
        ({"arange": True}, "unknown key.s. arange; expected some of: enabled, profile, arrange"),
        ({"arrange": "yes"}, "'arrange' is a string; expected true or false"),
        ({"profile": 3}, "'profile' is a number; expected a string"),
        ({"quality": 3}, "'quality' is not a string"),
        ({"merge": []}, "'merge' is a list; expected an object"),
        ('{"merge": "{"}', "'merge' is not valid JSON"),
    ],
)
def test_bad_input_is_one_sentence_that_says_what_was_found(value: object, sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        PanelRequest.from_value(value)
