"""Reading plans: every refusal is one sentence that names the field."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_atelier.bench.spec import BenchSpec, TagRule, list_presets
from tag_atelier.errors import SpecError
from tag_atelier.ports import HiresParameters, SamplingParameters
from tests.bench.bench_parts import small_spec

MINIMUM = {"name": "n", "template": "1girl, {tag}", "tags": ["smile"]}


def test_the_smallest_plan_gets_the_defaults() -> None:
    spec = BenchSpec.from_value(MINIMUM)
    assert spec == BenchSpec("n", "1girl, {tag}", ("smile",), None, "", "", (1,), (), SamplingParameters(), 4, "", 0.35)
    assert spec.baseline_prompt == "1girl"


def test_a_full_plan_is_read_from_yaml_and_from_json_alike() -> None:
    yaml_text = """
name: faces
template: "1girl, {tag}, white background"
baseline: 1girl, smile
rule: {slot: expression, posts_below: 3000, take: 4, safe: false}
seeds: 1-3
checkpoints: one
parameters: {steps: 35, eta: 0.68, hires: {scale: 1.5, upscaler: ESRGAN_4x}}
threshold: 0.5
"""
    json_text = (
        '{"name": "faces", "template": "1girl, {tag}, white background", "baseline": "1girl, smile", '
        '"rule": {"slot": "expression", "posts_below": 3000, "take": 4, "safe": false}, "seeds": [1, 2, 3], '
        '"checkpoints": ["one"], "parameters": {"steps": 35, "eta": 0.68, '
        '"hires": {"scale": 1.5, "upscaler": "ESRGAN_4x"}}, "threshold": 0.5}'
    )
    spec = BenchSpec.from_value(yaml_text)
    assert spec == BenchSpec.from_value(json_text)
    assert spec.rule == TagRule("expression", 3000, 4, safe=False)
    assert spec.seeds == (1, 2, 3)
    assert spec.parameters.hires == HiresParameters(1.5, 15, 0.6, "ESRGAN_4x")
    assert spec.baseline_prompt == "1girl, smile"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"template": "1girl"}, "holds no {tag}"),
        ({"template": None}, "has no 'template'"),
        ({"seed": 1}, "Unknown key 'seed' in the plan; expected: name, template"),
        ({"tags": [True]}, r"'tags\[0\]' is True; expected text \(put it in quotes\)"),
        ({"tags": {"a": 1}}, "expected a list of texts"),
        ({"tags": [" "]}, "0 characters"),
        ({"tags": []}, "neither tags nor rule"),
        ({"rule": {"slot": "action"}}, "both tags and rule"),
        ({"tags": None, "rule": {"slot": "nowhere"}}, "'rule.slot' is 'nowhere'; expected one of: trigger, subject"),
        ({"tags": None, "rule": {}}, "names no slot"),
        ({"seeds": [1, 1]}, "each one once"),
        ({"seeds": "1 to 4"}, "a range such as 1-4"),
        ({"seeds": -1}, "'seeds' is -1"),
        ({"checkpoints": ["a", "a"]}, "names a checkpoint twice"),
        ({"batch_size": 0}, "'batch_size' is 0; expected a whole number from 1 to 64"),
        ({"batch_size": 2.5}, "'batch_size' is 2.5"),
        ({"batch_size": True}, "'batch_size' is True"),
        ({"threshold": 1.5}, "'threshold' is 1.5; expected a number from 0.01 to 0.99"),
        ({"threshold": float("nan")}, "'threshold' is nan"),
        ({"escape": "no"}, "expected true or false"),
        ({"parameters": {"width": 1001}}, "'width' is 1001; expected a multiple of 8, for example 1000"),
        ({"parameters": {"step": 5}}, "Unknown key 'step' in 'parameters'"),
        ({"parameters": {"hires": 2}}, "'hires' is 2"),
        ({"parameters": 5}, "'parameters' is 5"),
        ({"titles": ["怒视"]}, "'titles' is .*expected a mapping such as {glaring: 怒视}"),
    ],
)
def test_what_cannot_be_run_is_refused_by_name(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        BenchSpec.from_value({**MINIMUM, **changes})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name: [", "The plan cannot be parsed near line"),
        ("", "The plan is empty"),
        ("- 1", "The plan is of type list"),
        ("gone.yaml", "'gone.yaml' is not there"),
    ],
)
def test_text_that_is_no_plan_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        BenchSpec.from_value(text)


def test_a_path_is_read_only_where_files_are_allowed(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(small_spec().to_yaml(), encoding="utf-8")
    assert BenchSpec.from_value(path) == BenchSpec.from_value(str(path)) == small_spec()
    with pytest.raises(SpecError, match="The plan is of type str"):
        BenchSpec.from_value(str(path), files=False)


@pytest.mark.parametrize(
    ("template", "baseline"),
    [
        ("1girl, {tag}, blue dress", "1girl, blue dress"),
        ("{tag}", ""),
        ("1girl,{tag}", "1girl"),
        ("a girl with {tag}, park", "a girl with, park"),
    ],
)
def test_the_baseline_is_the_template_without_its_tag(template: str, baseline: str) -> None:
    assert BenchSpec.from_value({**MINIMUM, "template": template}).baseline_prompt == baseline


def test_every_shipped_plan_can_be_read_and_written_back() -> None:
    presets = list_presets()
    assert {"rare-8", "page-actions", "page-actions-exact", "page-faces", "page-views", "page-outfits"} <= set(presets)
    for name, path in presets.items():
        spec = BenchSpec.from_value(name)
        assert spec == BenchSpec.from_value(path)
        assert len(spec.tags) == 8 or name in ("characters", "miniature", "many-tags", "many-tags-128", "rare-2025", "scenes")
        assert BenchSpec.from_value(spec.to_yaml()) == spec


@given(
    tags=st.lists(st.text(min_size=1, max_size=20).filter(lambda text: text.strip()), min_size=1, max_size=4),
    seeds=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=3, unique=True),
    steps=st.integers(1, 1000),
    threshold=st.floats(0.01, 0.99),
)
@settings(max_examples=40, deadline=None)
def test_a_spec_survives_its_own_mapping(tags: list[str], seeds: list[int], steps: int, threshold: float) -> None:
    spec = small_spec(tags=tags, seeds=seeds, threshold=threshold, parameters={"steps": steps})
    assert BenchSpec.from_value(spec.as_dict()) == spec
