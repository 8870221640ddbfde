"""The form and the recipe say the same, in both directions."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_atelier.errors import RecipeError, UnknownName
from tag_atelier.merge.methods import METHODS
from tag_atelier.merge.recipe import Recipe, list_recipes
from tag_atelier.ui.block_editor import block_editor, curve
from tag_atelier.ui.merge_fields import read_form, write_form
from tag_atelier.ui.merge_form import ROWS, MergeForm, begin_from, from_recipe, to_recipe
from tag_atelier.ui.merge_part_fields import with_network
from tag_atelier.ui.merge_parts import Parts
from tag_atelier.ui.merge_weights import Mixed, read_blocks, resolved
from tag_atelier.ui.words import Words

LINE = ", ".join(["0.5"] * 20)
rows = st.builds(
    Mixed,
    model=st.sampled_from(["model-b", "model-c"]),
    weight=st.integers(0, 100).map(lambda percent: percent / 100),
    preset=st.sampled_from(["", "GRAD_V", "FLAT_25"]),
    blocks=st.sampled_from(["", "IN04: 0.3", "IN04: 0.3, OUT03-OUT05: 0.7", LINE]),
)
parts = st.builds(
    Parts,
    networks=st.sampled_from(
        ["", "detail: 0.6", "detail\nstyle: 0, IN04-OUT05: 0.8, BASE: 0.3", f"line: {LINE}", "p: 0.5, GRAD_V"]
    ),
    elements=st.sampled_from(["", "M00:attn:0.3", "OUT03-OUT06:NOT attn2:0.2\n{keys: '*.ff.net.*', weight: 0.5}"]),
    adjust=st.sampled_from(["", "IN: 1, CONT: -0.5", "1, 0, 2"]),
    clip_l=st.sampled_from(["", "b", "clip.safetensors"]),
    unet_dtype=st.sampled_from(["", "bf16"]),
    vae_dtype=st.sampled_from(["", "fp32"]),
    format=st.sampled_from(["safetensors", "diffusers", "lora"]),
    rank=st.integers(1, 64),
    prune=st.booleans(),
    ema=st.booleans(),
)
forms = st.builds(
    MergeForm,
    first=st.just("model-a"),
    method=st.sampled_from(["weighted_sum", "add_difference", "dare", "breadcrumbs"]),
    base=st.just("the base"),
    dtype=st.sampled_from(["keep", "fp16"]),
    vae=st.sampled_from(["", "a", "sdxl_vae.safetensors"]),
    layout=st.sampled_from(["", "sd-mecha"]),
    mixed=st.lists(rows, min_size=1, max_size=ROWS).map(tuple),
    parts=parts,
)


def form(*mixed: Mixed, **values: object) -> MergeForm:
    return MergeForm("a", mixed=mixed or (Mixed("b"),), **values)  # type: ignore[arg-type]


@given(forms)
@settings(max_examples=60, deadline=None)
def test_a_recipe_of_the_form_gives_the_form_back(made: MergeForm) -> None:
    recipe = to_recipe(made)
    again = to_recipe(from_recipe(Recipe.from_value(recipe.to_yaml())))
    assert again.digest == recipe.digest


@given(forms)
@settings(max_examples=30, deadline=None)
def test_the_controls_give_the_form_back(made: MergeForm) -> None:
    assert to_recipe(read_form(write_form(made))) == to_recipe(made)


def test_a_number_a_preset_and_blocks() -> None:
    mixed = Mixed("b", 0.4, blocks="IN04: 0.3\nout03-out05 = 1")
    assert to_recipe(form(mixed)).as_dict()["alpha"] == {"ALL": 0.4, "IN04": 0.3, "OUT03-OUT05": 1.0}
    assert to_recipe(form(Mixed("b", 0.4))).as_dict()["alpha"] == 0.4
    assert to_recipe(form(Mixed("b", 1.0, "GRAD_V"))).as_dict()["alpha"] == {"preset": "GRAD_V", "scale": 1.0}


def test_more_models_a_base_and_parameters() -> None:
    three = to_recipe(form(Mixed("b", 0.5), Mixed(), Mixed("d", 0.25, blocks="M00: 1"))).as_dict()
    assert (three["models"], three["alpha"]) == (["a", "b", "d"], [0.5, {"ALL": 0.25, "M00": 1.0}])
    dare = to_recipe(form(Mixed("b", 1.0), base="c", method="dare", parameters=(0.3, 0.0))).as_dict()
    assert (dare["base"], dare["parameters"]) == ("c", {"drop": 0.3})


def test_a_pasted_line_means_what_it_meant_where_it_comes_from() -> None:
    row = Mixed("b", blocks=", ".join(map(str, range(10))) + ", " + ", ".join(map(str, range(10))))
    classic, mecha = resolved(row, "sdxl", "supermerger"), resolved(row, "sdxl", "sd-mecha")
    assert (classic["TIME"], mecha["TIME"], classic["CLIP_L"]) == (1.0, 0.0, 0.0)
    assert to_recipe(form(row, layout="sd-mecha")).as_dict()["alpha"]["layout"] == "sd-mecha"  # type: ignore[index]


@pytest.mark.parametrize(
    ("made", "named"),
    [
        (MergeForm(), "Model A or B"),
        (form(Mixed("b"), method="add_difference"), "No base"),
        (form(Mixed("b", blocks="IN04: 0.3, what")), "what"),
        (form(Mixed("b", blocks="0.1, 0.2")), "2"),
        (form(Mixed("b", blocks="IN99: 0.3")), "IN99"),
        (form(Mixed("b"), Mixed("c"), method="slerp"), "3 models"),
        (form(parts=Parts(networks="style: 0.5, what, else")), "style"),
        (form(parts=Parts(networks="style: 0.5, IN99: 1")), "IN99"),
        (form(parts=Parts(elements="{keys: [")), "cannot be read"),
        (form(parts=Parts(elements="{keys: 2024-13-45}")), "'{keys: 2024-13-45}' cannot be read"),
        (form(parts=Parts(elements="{keys: &one [*one]}")), "cannot be read"),
        (form(parts=Parts(elements="M00:attn")), "three"),
        (form(parts=Parts(adjust="SHARP: 1")), "SHARP|sharp"),
        (form(parts=Parts(clip_l="f")), "'f'"),
    ],
)
def test_what_is_missing_or_wrong_is_named(made: MergeForm, named: str) -> None:
    with pytest.raises((RecipeError, UnknownName), match=named):
        to_recipe(made)


@pytest.mark.parametrize(
    "text",
    [
        "models: [a, b, c, d, e, f, g]\nalpha: [0.1, 0.2, 0.3, 0.1, 0.1, 0.1]",
        "models: [a, b]\nbase: c\nmethod: dare\nalpha: 0.5\nparameters: {drop: {M00: 0.4}}",
        "models: [a, b]\nalpha: [{layout: sd-mecha, values: [" + LINE + "], M00: 1}]",
        "steps: [{name: s, models: [a, b], alpha: 1}]\nmodels: [s, b]\nalpha: 0.5",
    ],
)
def test_a_recipe_that_the_form_cannot_show_is_left_alone(text: str) -> None:
    with pytest.raises(RecipeError, match="more than the form"):
        from_recipe(Recipe.from_value(text))


def test_a_full_recipe_fills_the_form() -> None:
    text = """
models: [a, b]
alpha: {IN04: 0.3, BASE: 0.3333333333}
loras: [detail, {lora: style, weight: {IN04-OUT05: 0.8}}]
elements: ["M00:NOT attn:0", {regex: "attn[12]", weight: 0.5, model: b}]
options: {dtype: {all: fp16, vae: fp32}, vae: my.vae, text_encoders: {CLIP_G: b}, adjust: {IN: 1}, ema: true,
  format: lora, rank: 8}
"""
    recipe = Recipe.from_value(text)
    form = from_recipe(recipe)
    assert form.parts == Parts(
        networks="detail: 1\nstyle: 0, IN04-OUT05: 0.8",
        elements="M00:NOT attn:0\n{model: b, regex: 'attn[12]', weight: 0.5}",
        adjust="IN: 1",
        clip_g="b",
        vae_dtype="fp32",
        format="lora",
        rank=8,
        ema=True,
    )
    assert to_recipe(read_form(write_form(form))) == recipe


def test_a_single_model_is_converted_or_given_networks() -> None:
    converted = to_recipe(MergeForm("a", dtype="fp16", parts=Parts(prune=True)))
    assert converted.as_dict()["options"] == {"dtype": "fp16", "prune": True}
    baked = to_recipe(MergeForm("a", parts=Parts(networks="<lora:detail:0.6> <lora:other>")))
    assert baked.as_dict()["loras"] == [{"lora": "detail", "weight": 0.6}, {"lora": "other", "weight": 1.0}]
    assert from_recipe(converted).mixed == ()
    assert not MergeForm("a").is_complete


def test_a_shipped_recipe_takes_the_chosen_models() -> None:
    text = "models: [A, B]\nbase: C\nmethod: add_difference\nalpha: 1"
    begun, missing = begin_from(text, form(Mixed("b"), Mixed("c")))
    assert (Recipe.from_value(begun).inputs, missing) == (("a", "b", "c"), ())
    begun, missing = begin_from(text, MergeForm("a", base="d"))
    assert (Recipe.from_value(begun).inputs, missing) == (("a", "B", "d"), ("B",))


@pytest.mark.parametrize("path", list_recipes().values(), ids=lambda path: path.stem)
def test_every_shipped_recipe_fills_the_form(path: Path) -> None:
    begun, missing = begin_from(path.read_text(encoding="utf-8"), form(Mixed("b"), Mixed("c")))
    assert missing == ()
    assert to_recipe(from_recipe(Recipe.from_value(begun))).digest == Recipe.from_value(begun).digest


def test_the_menu_adds_a_line_for_a_network() -> None:
    assert with_network("style", "detail: 0.5\n") == "detail: 0.5\nstyle: 1"


def test_blocks_are_read_whatever_separates_them() -> None:
    assert read_blocks(" in04:0.3 ;\n OUT03-OUT05 = 1e-1,, ") == {"IN04": "0.3", "OUT03-OUT05": "1e-1"}


def test_the_sliders_stand_where_the_weights_are() -> None:
    weights = resolved(Mixed("b", 0.4, blocks="IN04: 0.3"), "sdxl")
    assert (weights["IN03"], weights["IN04"], weights["VAE"]) == (0.4, 0.3, 0.0)


@pytest.mark.parametrize(("architecture", "count"), [("sdxl", 25), ("sd15", 29)])
def test_the_picture_has_every_block_once_and_its_curve(architecture: str, count: int) -> None:
    drawn = block_editor(Mixed("b", 0.4, blocks="OUT00: -1"), architecture, Words(), text_id="some_text")
    assert drawn.count("data-block=") == drawn.count("<rect ") == count
    assert 'data-tag-atelier-blocks="some_text"' in drawn and "NaN" not in drawn
    assert block_editor(Mixed("b", blocks=LINE), "sd15", Words()).startswith('<div class="tag-atelier-quiet">')


def test_a_curve_of_weights_beyond_one_stays_inside_the_drawing() -> None:
    drawn = curve({"A": -2.0, "B": 3.0}, Words())
    assert 'points="150.0,68.0 450.0,4.0"' in drawn


def test_every_method_fits_the_form() -> None:
    assert max(len(method.parameters) for method in METHODS.values()) == 2
