"""Infotext: the WebUI's own form, and everything that looks a little like it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_atelier.prompt.infotext import Infotext, read_infotext

WHOLE = (
    "1girl, smile\nforest\n"
    "Negative prompt: lowres,\ntext\n"
    "Steps: 28, Sampler: Euler a, Schedule type: Karras, CFG scale: 6.5, Seed: 7, Size: 832x1216, Model hash: abc, Model: aidxl"
    ', Clip skip: 2, Denoising strength: 0.4, Lora hashes: "x: 12, y: \\"z\\"", Version: v1.10.1'
)


def test_a_whole_infotext() -> None:
    found = read_infotext(WHOLE)
    assert (found.prompt, found.negative) == ("1girl, smile\nforest", "lowres,\ntext")
    assert found.settings == {
        "steps": 28, "sampler": "Euler a", "scheduler": "Karras", "cfg_scale": 6.5, "seed": 7, "width": 832, "height": 1216,
        "model_hash": "abc", "model": "aidxl", "clip_skip": 2, "denoising_strength": 0.4,
    }  # fmt: skip
    assert found.others == {"Lora hashes": 'x: 12, y: "z"', "Version": "v1.10.1"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Infotext("")),
        ("1girl", Infotext("1girl")),
        ("1girl\r\nNegative prompt: hat", Infotext("1girl", "hat")),
        ("Negative prompt: hat", Infotext("", "hat")),
        ("1girl\nSteps: 3, Seed: 5", Infotext("1girl\nSteps: 3, Seed: 5")),
        ("a\nSteps: x, Seed: 5, Size: big", Infotext("a", "", {"seed": 5}, {"Steps": "x", "Size": "big"})),
    ],
)
def test_less_than_a_whole_one(text: str, expected: Infotext) -> None:
    assert read_infotext(text) == expected


@settings(max_examples=100, deadline=None)
@given(st.text('aS:,\n "\\5xteps', max_size=60))
def test_no_text_is_too_odd(text: str) -> None:
    read_infotext(text)
