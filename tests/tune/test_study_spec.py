"""What a study's text may say: defaults, round trip, and one sentence for what makes no sense."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tag_atelier.errors import SpecError
from tag_atelier.tune.study_spec import SAMPLERS, SpaceSpec, StudySpec, ValidationSpec, list_studies

SMALL = {"name": "x", "models": ["a", "b"], "plan": {"template": "1girl, {tag}", "tags": ["smile", "hat"]}}


def test_a_short_study_has_the_defaults_of_the_field() -> None:
    spec = StudySpec.from_value(SMALL)
    assert (spec.sampler, spec.trials, spec.tags_per_prompt, spec.halving) == ("cma", 60, 32, (0.5, 1.0))
    assert (spec.space.groups, spec.space.text_encoders, spec.space.vae) == ("eight", "first", "first")


def test_a_study_is_read_back_from_its_own_text() -> None:
    full = SMALL | {
        "models": ["a", "b", "c"],
        "method": "add_difference",
        "base": "d",
        "space": {"groups": {"deep": ["IN04-M00"]}, "bounds": {"deep": [-0.05, 0.25]}, "keep_style": True, "rest": [-1, 1]},
        "sampler": "tpe",
        "halving": [0.25, 0.5, 1],
        "validation": {"tags": ["crown"], "seeds": "7-9"},
        "preview": ["1girl"],
        "start": 0.3,
    }
    spec = StudySpec.from_value(full)
    assert spec.validation.seeds == (7, 8, 9)
    assert spec.space.bounds == {"deep": (-0.05, 0.25)}
    assert StudySpec.from_value(spec.to_yaml()) == spec


def test_every_shipped_study_can_be_read() -> None:
    assert {"miniature", "confusionxl"} <= set(list_studies())
    for name in list_studies():
        assert StudySpec.from_value(name) == StudySpec.from_value(StudySpec.from_value(name).to_yaml())


def test_every_field_is_described() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "search.md").read_text(encoding="utf-8")
    nested = {"space": SpaceSpec, "validation": ValidationSpec}
    names = [field.name for field in dataclasses.fields(StudySpec) if field.name not in (*nested, "note")]
    names += [f"space.{field.name}" for field in dataclasses.fields(SpaceSpec)]
    assert [name for name in names if f"`{name}`" not in page] == []
    assert [name for name in SAMPLERS if f"`{name}`" not in page] == []
    assert [field.name for field in dataclasses.fields(ValidationSpec) if f".{field.name}`" not in page] == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"nope": 1}, "Unknown key 'nope' in the study"),
        ({"models": ["a"]}, "'models' names 1 models; expected 2 to 26"),
        ({"models": ["a", "a"]}, "each one once"),
        ({"sampler": "luck"}, "'sampler' is 'luck'; expected one of: cma, tpe, gp, nsga2, theatre"),
        ({"method": "slerp"}, "expected one of: weighted_sum, add_difference"),
        ({"base": "c"}, "'weighted_sum' has none"),
        ({"trials": 3}, "expected a whole number from 4 to 5000"),
        ({"models": list("abcde"), "trials": 5}, "'trials' is 5, and each of 5 models alone is one; expected more"),
        ({"halving": [0.5]}, "growing shares of the prompts that end with 1"),
        ({"halving": [0.5, 0.5, 1]}, "growing shares of the prompts that end with 1"),
        ({"space": {"low": 1, "high": 0.5}}, "expected low below high"),
        ({"space": {"groups": "nine"}}, "expected one of: eight, eleven, blocks, model"),
        ({"space": {"rest": [1, 0]}}, "expected the lower number first"),
        ({"space": {"vae": "c"}}, "'space.vae' is 'c'; expected first, searched or one of the models"),
        ({"validation": {"seeds": [1, 5]}}, "The seed 1 is both searched on and validated on"),
        ({"preview": ["a", "b", "c", "d", "e"]}, "expected at most four"),
        ({"plan": {"template": "1girl", "tags": ["a"]}}, "holds no {tag}"),
        ({"plan": None}, "The study has no 'plan'"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_sentence(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence.replace("{", r"\{")):
        StudySpec.from_value(SMALL | change)
