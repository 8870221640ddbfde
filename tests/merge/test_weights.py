from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_atelier.errors import RecipeError, UnknownName
from tag_atelier.merge.layout import LINE_LAYOUTS, architectures
from tag_atelier.merge.weights import named_weights, read_weights

SD15, SDXL = architectures()["sd15"], architectures()["sdxl"]


def unet(value: object, architecture: str = "sdxl") -> list[float]:
    weights = read_weights(value).resolve(architectures()[architecture])
    return [round(weights[block], 4) for block in architectures()[architecture].unet]


def test_a_number_is_for_everything_but_the_vae() -> None:
    weights = read_weights(0.3).resolve(SDXL)
    assert weights.pop("VAE") == 0.0
    assert set(weights.values()) == {0.3}
    assert read_weights(" 0.3 ") == read_weights(0.3)


def test_the_narrower_name_wins_whatever_the_order() -> None:
    value = {"OUT03": 0.9, "OUT02-OUT04": 0.5, "UNET": 0.2, "ALL": 0.1}
    weights = read_weights(value).resolve(SDXL)
    assert [weights[name] for name in ("CLIP_G", "TIME", "OUT01", "OUT02", "OUT03", "OUT04", "VAE")] == [
        0.1,
        0.2,
        0.2,
        0.5,
        0.9,
        0.5,
        0,
    ]
    assert read_weights(dict(reversed(value.items()))) == read_weights(value)


def test_unmentioned_blocks_are_zero_and_names_may_be_lower_case() -> None:
    weights = read_weights({"in00": 1, "vae": 0.5}).resolve(SD15)
    assert {block: weight for block, weight in weights.items() if weight} == {"IN00": 1.0, "VAE": 0.5}


# Hand-computed over the 19 UNet blocks of SDXL (t = i/18) and the 25 of SD1.5 (t = i/24).
@pytest.mark.parametrize(
    ("preset", "architecture", "first", "quarter", "middle", "last"),
    [
        ("GRAD_V", "sd15", 1.0, 0.5, 0.0, 1.0),
        ("GRAD_A", "sd15", 0.0, 0.5, 1.0, 0.0),
        ("GRAD_V", "sdxl", 1.0, 0.5556, 0.0, 1.0),
        ("FLAT_25", "sd15", 0.25, 0.25, 0.25, 0.25),
        ("FLAT_75", "sdxl", 0.75, 0.75, 0.75, 0.75),
        ("ALL_A", "sd15", 0.0, 0.0, 0.0, 0.0),
        ("ALL_B", "sd15", 1.0, 1.0, 1.0, 1.0),
        ("COSINE", "sd15", 1.0, 0.8536, 0.5, 0.0),
        ("REVERSE_COSINE", "sd15", 0.0, 0.1464, 0.5, 1.0),
        ("SMOOTHSTEP", "sd15", 0.0, 0.1562, 0.5, 1.0),
        ("REVERSE_SMOOTHSTEP", "sd15", 1.0, 0.8438, 0.5, 0.0),
        ("SMOOTHSTEP*2", "sd15", 0.0, 0.3125, 1.0, 0.0),
        ("SMOOTHSTEP*3", "sd15", 0.0, 0.4688, 0.5, 1.0),
        ("R_SMOOTHSTEP*4", "sd15", 1.0, 0.375, 1.0, 1.0),
        ("SMOOTHSTEP/2", "sd15", 0.0, 0.5, 1.0, 0.0),
        ("SMOOTHSTEP/4", "sd15", 0.0, 1.0, 0.0, 0.0),
        ("R_SMOOTHSTEP/3", "sd15", 1.0, 0.1562, 0.5, 0.0),
        ("KEEP_STYLE", "sdxl", 0.5, 0.5, 0.5, 0.0),
    ],
)
def test_presets(preset: str, architecture: str, first: float, quarter: float, middle: float, last: float) -> None:
    values = unet(preset, architecture)
    n = len(values)
    at_quarter = values[6] if n == 25 else values[4]
    assert [values[0], at_quarter, values[n // 2], values[-1]] == pytest.approx([first, quarter, middle, last], abs=1e-4)


@pytest.mark.parametrize(
    ("preset", "row"),
    [
        ("WRAP08", "1111000000000000000001111"),
        ("WRAP12", "1111110000000000000111111"),
        ("WRAP14", "1111111000000000001111111"),
        ("WRAP16", "1111111100000000011111111"),
        ("MID12_50", "000005555555555555500000" + "0"),
        ("OUT07", "0000000000000000001111111"),
        ("OUT12", "0000000000000111111111111"),
        ("OUT12_5", "0000000000005111111111111"),
        ("RING08_SOFT", "0000051115000005111500000"),
        ("RING08_5", "0000001111000001111000000"),
        ("RING10_5", "0000011111000001111100000"),
        ("RING10_3", "0000001111100011111000000"),
    ],
)
def test_presets_of_whole_blocks(preset: str, row: str) -> None:
    digits = {"0": 0.0, "5": 0.5, "1": 1.0}
    assert unet(preset, "sd15") == pytest.approx([digits[digit] for digit in row])


@pytest.mark.parametrize(
    ("preset", "values"),
    [("TRUE_CUBIC_HERMITE", (0, 0.1990, 0.5820, 0.5208, 1)), ("FAKE_CUBIC_HERMITE", (0, 0.1576, 0.5469, 0.5, 1))],
)
def test_hermite_presets(preset: str, values: tuple[float, ...]) -> None:
    row = unet(preset, "sd15")
    assert [row[0], row[1], row[6], row[12], row[24]] == pytest.approx(values, abs=1e-4)
    assert [1 - x for x in row] == pytest.approx(unet(preset.replace("CUBIC", "REVERSE_CUBIC"), "sd15"), abs=1e-4)


def test_presets_outside_the_unet() -> None:
    all_b = read_weights("all_b").resolve(SDXL)
    assert (all_b["CLIP_L"], all_b["CLIP_G"], all_b["OUT"], all_b["VAE"]) == (1, 1, 1, 0)
    grad = read_weights("GRAD_V").resolve(SDXL)
    assert (grad["CLIP_L"], grad["TIME"], grad["LABEL"], grad["OUT"]) == (0, 1, 1, 1)
    keep = read_weights("KEEP_STYLE").resolve(SD15)
    assert (keep["CLIP_L"], keep["M00"], keep["OUT00"], keep["OUT"]) == (0, 0.5, 0, 0)


def test_every_preset_works_for_every_architecture() -> None:
    for preset in named_weights().values():
        for architecture in architectures().values():
            weights = preset.resolve(architecture)
            assert tuple(weights) == architecture.blocks, preset.name
            assert all(0 <= weight <= 1 for weight in weights.values()), preset.name
        assert preset.note


def test_a_preset_may_be_scaled_and_overlaid() -> None:
    weights = read_weights({"preset": "ALL_B", "scale": 0.5, "OUT03": 0.2, "VAE": 0.1}).resolve(SDXL)
    assert [weights[name] for name in ("CLIP_L", "IN00", "OUT03", "VAE")] == [0.5, 0.5, 0.2, 0.1]


def test_a_pasted_line() -> None:
    line = "0.1, 0.2," + ",".join(["0.5"] * 18)
    assert read_weights(line).layout == "supermerger"
    assert read_weights(line, "sd-mecha").resolve(SDXL)["TIME"] == 0.1
    assert read_weights({"layout": "sd-mecha", "values": line}) == read_weights(line, "sd-mecha")
    assert read_weights([0.1, 0.2, *[0.5] * 18], "sd-mecha") == read_weights(line, "sd-mecha")


@pytest.mark.parametrize(
    "value",
    [
        "0.1,0.2",
        [0.5] * 3,
        {"values": 3},
        float("nan"),
        11,
        -11,
        True,
        None,
        {"IN00": "a"},
        {"OUT00-IN00": 1},
        {"in00": 1, "IN00": 1},
    ],
)
def test_bad_values(value: object) -> None:
    with pytest.raises(RecipeError):
        read_weights(value)


@pytest.mark.parametrize("value", ["GRAD_X", {"IN12": 1}, {"FOO": 1}, {"preset": "NO"}, {"IN00-IN99": 1}])
def test_unknown_names(value: object) -> None:
    with pytest.raises(UnknownName):
        read_weights(value)


@pytest.mark.parametrize(
    ("value", "nearest"),
    [("GRADV", "GRAD_V"), ("KEEPSTYLE", "KEEP_STYLE"), ({"INN04": 1}, "IN04"), ({"M0": 1}, "M00"), ({"VEA": 1}, "VAE")],
)
def test_the_nearest_name_comes_first(value: object, nearest: str) -> None:
    with pytest.raises(UnknownName, match=f"expected one of: {nearest},"):
        read_weights(value)


def test_the_same_weights_have_the_same_plain_form() -> None:
    assert read_weights({"ALL": 0.5}).as_value() == 0.5
    assert read_weights({"ALL": 0, "M00": 1}).as_value() == read_weights({"M00": 1}).as_value() == {"M00": 1.0}


def test_a_line_of_the_wrong_length_says_what_is_expected() -> None:
    with pytest.raises(RecipeError, match=r"A line of 12 block weights was given; expected 26 for .* or 20 for") as told:
        read_weights(",".join(["0"] * 12))
    assert all(layout in str(told.value) for layout in LINE_LAYOUTS)
    with pytest.raises(UnknownName, match="line layout 'mine'"):
        read_weights(",".join(["0"] * 20), "mine")


numbers = st.floats(-10, 10, allow_nan=False)
values = st.one_of(
    numbers,
    st.sampled_from(sorted(named_weights())),
    st.dictionaries(st.sampled_from(["ALL", "UNET", "BASE", *SD15.blocks, "IN01-OUT02"]), numbers, max_size=6),
    st.builds(
        lambda line, layout: {"values": line, "layout": layout},
        st.lists(numbers, min_size=26, max_size=26),
        st.sampled_from(sorted(LINE_LAYOUTS)),
    ),
)


@settings(max_examples=80, deadline=None)
@given(value=values)
def test_the_plain_form_reads_back_to_the_same_weights(value: object) -> None:
    weights = read_weights(value)
    again = read_weights(weights.as_value())
    assert again.resolve(SD15) == weights.resolve(SD15)
    assert again.as_value() == weights.as_value()
