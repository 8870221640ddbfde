from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_atelier.errors import RecipeError, TagAtelierError, UnknownName
from tag_atelier.merge.methods import METHODS
from tag_atelier.merge.recipe import Recipe, list_recipes

TWO = {"models": ["A", "B"], "alpha": 0.5}


def test_the_smallest_recipe_and_its_canonical_form() -> None:
    recipe = Recipe.from_value("models: [A, B]\nalpha: 0.5")
    assert recipe.as_dict() == {
        "models": ["A", "B"],
        "method": "weighted_sum",
        "alpha": 0.5,
        "parameters": {},
        "elements": [],
        "options": {"dtype": "keep"},
    }
    # sha256 of {"alpha":0.5,"elements":[],"method":"weighted_sum",…}: sorted keys, no spaces
    assert recipe.digest == "d593189d1c075e9c4c7851b5038a88548282ce243ef075f4f6eeacf12f249493"


def test_json_yaml_and_mapping_are_the_same() -> None:
    value = {
        "models": ["A", "B"],
        "method": "weighted_sum",
        "alpha": {"preset": "GRAD_V", "OUT03": 0.2},
        "options": {"dtype": "fp16"},
    }
    recipe = Recipe.from_value(value)
    assert Recipe.from_value(json.dumps(value)) == recipe
    assert Recipe.from_value(yaml.safe_dump(value)) == recipe
    assert Recipe.from_value(recipe.to_yaml()) == recipe


def test_name_and_notes_do_not_change_the_digest_but_a_weight_does() -> None:
    plain = Recipe.from_value(TWO)
    named = Recipe.from_value({**TWO, "name": "mine", "notes": "for later"})
    assert named.digest == plain.digest
    assert Recipe.from_value(named.to_yaml()) == named
    assert Recipe.from_value({**TWO, "alpha": 0.51}).digest != plain.digest
    assert Recipe.from_value({**TWO, "alpha": "0.5"}).digest == plain.digest


def test_several_models() -> None:
    listed = Recipe.from_value({"models": ["A", "B", "C"], "alpha": [0.2, {"IN00": 0.3}]})
    beside = Recipe.from_value({"models": ["A", {"model": "B", "weight": 0.2}, {"model": "C", "weight": {"IN00": 0.3}}]})
    assert listed == beside
    assert [weights.as_value() for weights in listed.weights] == [0.2, {"IN00": 0.3}]


def test_the_third_model_of_add_difference_is_the_base() -> None:
    third = Recipe.from_value({"models": ["A", "B", "C"], "method": "add_difference", "alpha": 1})
    named = Recipe.from_value({"models": ["A", "B"], "base": "C", "method": "add_difference", "alpha": 1})
    assert third == named
    assert (third.models, third.base) == (("A", "B"), "C")
    assert (
        Recipe.from_value({"models": ["A", "B", "D"], "base": "C", "method": "add_difference", "alpha": [1, 0.5]}).base == "C"
    )


def test_a_list_as_long_as_a_line_is_a_line() -> None:
    recipe = Recipe.from_value({"models": ["A", "B"], "alpha": [0.5] * 20, "layout": "model-mixer"})
    assert recipe.weights[0].layout == "model-mixer"


def test_vae_by_letter_or_name() -> None:
    assert Recipe.from_value({**TWO, "options": {"vae": "B"}}).vae == "b"
    assert Recipe.from_value({"models": ["first", "second"], "alpha": 0, "options": {"vae": "second"}}).vae == "b"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"alhpa": 1}, "unknown field 'alhpa'"),
        ({"models": "A"}, "expected a list of checkpoint names"),
        ({"models": None}, "expected a list"),
        ({"models": []}, "given 0 models; expected at least 1"),
        ({"models": ["A"]}, "1 weights were given for 0 models"),
        ({"models": ["A"], "alpha": 1, "method": "slerp"}, "given 1 models; expected 2"),
        ({"models": ["A", ""]}, "expected a checkpoint's name"),
        ({"models": [True, "B"]}, "A model is True"),
        ({"method": "tensor_swap", "beta": 0.1, "parameters": {"beta": 0.2}}, "give it once"),
        ({"models": ["A", {"model": "B", "wieght": 1}]}, "unknown field 'wieght'"),
        ({"models": ["A", {"model": "B", "weight": 1}]}, "one place"),
        ({"models": [{"model": "A", "weight": 1}, "B"]}, "The first model, 'A', has a weight"),
        ({"models": ["A", "B", "C"]}, "1 weights were given for 2 models"),
        ({"alpha": None}, "0 weights were given for 1 models"),
        ({"alpha": [0.1, 0.2]}, "A line of 2"),
        ({"base": "C"}, "has no base but 'C'"),
        ({"method": "add_difference"}, "needs a base"),
        ({"parameters": {"gamma": 1}}, "unknown field 'gamma'"),
        ({"parameters": 3}, "expected a mapping"),
        ({"options": {"dtype": "fp12"}}, "'fp12' cannot be written; expected one of: keep, fp16, bf16, fp32"),
        ({"options": {"prunes": True}}, "unknown field 'prunes'"),
        ({"options": 1}, "expected a mapping"),
        ({"options": {"vae": "b"}, "alpha": {"VAE": 0.5}}, "only one of them"),
        ({"elements": 3}, "expected a list"),
        ({"elements": [{"weight": 1, "model": "a"}]}, "first model"),
        ({"models": [f"m{i}" for i in range(27)], "alpha": [0] * 26}, "27 models"),
    ],
)
def test_bad_recipes(change: dict[str, object], found: str) -> None:
    with pytest.raises(RecipeError, match=found):
        Recipe.from_value({**TWO, **change})


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"method": "magic"}, "Unknown merge method 'magic'; expected one of: weighted_sum, add_difference"),
        ({"alpha": "GRAD_Q"}, "GRAD_Q"),
        ({"alpha": {"IN12": 0}}, "IN12"),
        ({"options": {"vae": "z"}}, "Unknown model 'z'; expected one of: a, b"),
        ({"elements": [{"weight": 1, "model": "c"}]}, "Unknown model 'c'"),
        ({"alpha": [0.5] * 20, "layout": "x"}, "line layout 'x'"),
    ],
)
def test_unknown_names(change: dict[str, object], found: str) -> None:
    with pytest.raises(UnknownName, match=found):
        Recipe.from_value({**TWO, **change})


@pytest.mark.parametrize("value", [None, 3, ["a"]])
def test_what_is_no_mapping(value: object) -> None:
    with pytest.raises(RecipeError, match="no mapping"):
        Recipe.from_value(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "no mapping"),
        ("- a", "no mapping"),
        ("models: [A, B", "neither YAML nor JSON at line"),
        ("alpha: 1\nalpha: 2", "gives 'alpha' twice"),
        ("models: [A, B]\nalpha: {IN00: 1, IN00: 0}", "gives 'IN00' twice"),
        ("[" * 5000, "neither YAML nor JSON"),
        ("x" * 70000, "70000 characters"),
        ("!!python/object/apply:os.system ['true']", "neither YAML nor JSON"),
    ],
)
def test_bad_texts(text: str, found: str) -> None:
    with pytest.raises(RecipeError, match=found):
        Recipe.from_value(text)


plain = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["models", "alpha", "model", "weight", "IN00", "dtype", "preset"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None)
@given(
    value=st.dictionaries(
        st.sampled_from(["models", "base", "method", "alpha", "layout", "elements", "options", "parameters"]), plain, max_size=5
    )
)
def test_nonsense_only_ever_raises_our_errors(value: dict[str, object]) -> None:
    with contextlib.suppress(TagAtelierError):
        assert Recipe.from_value(value).digest


def test_from_file(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("models: [Ä, B]\nalpha: 0.5\n", encoding="utf-8")
    assert Recipe.from_file(path).models == ("Ä", "B")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(RecipeError, match=r"'r\.yaml' cannot be read"):
        Recipe.from_file(path)


def test_shipped_recipes_can_be_read() -> None:
    assert list_recipes()
    for path in list_recipes().values():
        assert Recipe.from_file(path).notes


def test_every_method_has_what_the_page_shows() -> None:
    for name, method in METHODS.items():
        assert name == method.name
        assert method.title
        assert method.formula
        assert method.source


def test_recipes_load_without_torch() -> None:
    code = (
        "import sys, tag_atelier.merge.recipe, tag_atelier.merge.plan, tag_atelier.merge.metadata\n"
        "print([name for name in ('torch', 'numpy', 'PIL', 'safetensors') if name in sys.modules])"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "[]"
