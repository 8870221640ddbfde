from __future__ import annotations

import pytest

from tag_atelier.errors import RecipeError, UnknownName
from tag_atelier.merge.elements import read_element, read_elements
from tag_atelier.merge.layout import architectures

SDXL = architectures()["sdxl"]
KEY = "model.diffusion_model.output_blocks.3.1.transformer_blocks.0.attn2.to_k.weight"


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("OUT03:attn2.to_k:0.2", True),
        ("OUT02-OUT04:attn2:0.2", True),
        ("OUT02 OUT03:attn1 attn2:0.2", True),
        (":attn2:0.2", True),
        ("OUT03::0.2", True),
        ("OUT04:attn2:0.2", False),
        ("OUT03:attn1:0.2", False),
        ("NOT OUT03:attn2:0.2", False),
        ("NOT OUT04:attn2:0.2", True),
        ("OUT03:NOT attn2:0.2", False),
        ("OUT03:NOT attn1:0.2", True),
        ({"keys": "*output_blocks.3.*.to_?.weight", "weight": 0.2}, True),
        ({"keys": "output_blocks.3", "weight": 0.2}, False),
        ({"regex": r"output_blocks\.3\..*attn[12]\.to_[kq]", "weight": 0.2}, True),
        ({"regex": r"^output_blocks", "weight": 0.2}, False),
        ({"regex": r"(in|out)put_blocks\.\d+\.1\.", "weight": 0.2}, True),
        ({"blocks": "OUT03", "elements": ["attn2"], "weight": "0.2"}, True),
    ],
)
def test_fits(value: object, fits: bool) -> None:
    element = read_element(value)
    assert element.weight == 0.2
    assert element.fits(KEY, "OUT03", SDXL) is fits
    assert read_element(element.as_value()) == element


def test_supermergers_text_and_lists_are_the_same() -> None:
    text = "OUT06:attn:0.5,OUT06:attn2.to_k:0.2\n:norm:1"
    assert read_elements(text) == read_elements(["OUT06:attn:0.5", "OUT06:attn2.to_k:0.2", ":norm:1"])
    assert len(read_elements(text)) == 3


def test_empty_blocks_leave_the_vae_and_keys_of_no_block_alone() -> None:
    element = read_element(":weight:1")
    assert not element.fits("first_stage_model.x.weight", "VAE", SDXL)
    assert not element.fits("v_pred.weight", None, SDXL)
    assert not read_element("NOT OUT03:weight:1").fits("v_pred.weight", None, SDXL)
    assert read_element("VAE:weight:1").fits("first_stage_model.x.weight", "VAE", SDXL)


@pytest.mark.parametrize(
    "value",
    [
        "OUT06:0.5",
        "a:b:c:d",
        "OUT06:attn:x",
        {"blocks": "OUT06"},
        3,
        {"weight": 1, "regex": "("},
        {"weight": 1, "regex": "x", "keys": "*"},
        {"weight": 1, "regex": "(a+)+$"},
        {"weight": 1, "regex": ".*.*.*.*b"},
        {"weight": 1, "regex": "a" * 201},
        {"weight": 1, "keys": "*", "blocks": "M00"},
    ],
)
def test_bad_elements(value: object) -> None:
    with pytest.raises(RecipeError):
        read_element(value)


def test_a_block_of_another_architecture_is_refused() -> None:
    with pytest.raises(UnknownName, match="IN09"):
        read_element("IN09:attn:1").fits(KEY, "OUT03", SDXL)
