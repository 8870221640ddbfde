"""The search's form and its YAML, each written into the other."""

from __future__ import annotations

import dataclasses

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tag_atelier.errors import SpecError
from tag_atelier.tune.study_spec import GROUPINGS, SAMPLERS, StudySpec, list_studies
from tag_atelier.ui.search_form import OWN, SearchForm, fill, lay, start_text, with_models
from tag_atelier.ui.search_tab import effective

FORMS = st.builds(
    SearchForm,
    models=st.lists(st.sampled_from(["a", "b", "c c", "名"]), min_size=2, unique=True).map(tuple),
    plan=st.sampled_from(["many-tags", "rare-8"]),
    groups=st.sampled_from(GROUPINGS),
    refine=st.sampled_from(["none", *GROUPINGS]),
    low=st.sampled_from([-0.3, -0.2, 0.0]),
    high=st.sampled_from([0.55, 1.0, 2.0]),
    keep_style=st.booleans(),
    text_encoders=st.sampled_from(["first", "searched"]),
    vae=st.sampled_from(["first", "searched"]),
    sampler=st.sampled_from(list(SAMPLERS)),
    trials=st.integers(5, 5000),
    tags_per_prompt=st.integers(1, 512),
    prompts=st.integers(1, 1000),
)


@given(FORMS)
def test_what_the_form_writes_is_a_study_and_fills_the_form_again(form: SearchForm) -> None:
    text = lay("name: mine\nnote: kept\nvalidation: {share: 0.3}\n", form)
    assert fill(text) == form
    spec = StudySpec.from_value(text)
    assert (spec.name, spec.note, spec.validation.share, spec.models) == ("mine", "kept", 0.3, form.models)
    assert (spec.space.groups, spec.space.low, spec.space.high, spec.trials) == (form.groups, form.low, form.high, form.trials)


@pytest.mark.parametrize("name", sorted(list_studies()))
def test_a_study_that_comes_along_keeps_what_the_form_does_not_show(name: str) -> None:
    text = start_text(name)
    form = fill(text)
    assert StudySpec.from_value(lay(text, form)) == StudySpec.from_value(text)
    assert form.plan == OWN or form.plan == yaml.safe_load(text)["plan"]


def test_other_groups_drop_the_bounds_of_those_that_are_gone() -> None:
    text = "models: [a, b]\nspace: {groups: eleven, bounds: {M00: [0, 1]}}\n"
    assert "bounds" in yaml.safe_load(lay(text, fill(text)))["space"]
    other = dataclasses.replace(fill(text), groups="eight")
    assert "bounds" not in yaml.safe_load(lay(text, other))["space"]


def test_another_models_part_is_left_to_the_text() -> None:
    text = "models: [a, b]\nspace: {vae: b, text_encoders: searched}\n"
    assert (fill(text).vae, fill(text).text_encoders) == (OWN, "searched")
    assert yaml.safe_load(lay(text, fill(text)))["space"] == {"vae": "b", "text_encoders": "searched", "groups": "eight"}


def test_a_press_counts_what_the_form_says_unless_the_text_was_changed_by_hand() -> None:
    written = start_text()
    values = tuple(dataclasses.asdict(dataclasses.replace(SearchForm(), models=("a", "b"), trials=7.0)).values())  # type: ignore[arg-type]
    assert yaml.safe_load(effective(written, written, values))["trials"] == 7
    changed = written.replace("trials: 60", "trials: 99")
    assert effective(changed, written, values) == changed


def test_models_are_replaced_and_nothing_else() -> None:
    assert yaml.safe_load(with_models("name: x\nmodels: [a]\n", ("b", "c"))) == {"name": "x", "models": ["b", "c"]}


@pytest.mark.parametrize(("text", "said"), [("", "empty or no mapping"), ("[1]", "no mapping"), ("a: [", "no YAML in line")])
def test_what_is_no_study_is_told(text: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        fill(text)
