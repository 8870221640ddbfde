"""The search form's answers and the study's YAML, each written into the other. Used by ``search_tab``; knows no gradio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import yaml

from tag_atelier.language import say
from tag_atelier.tune.study_spec import FIRST, GROUPINGS, SAMPLERS, SEARCHED, list_studies
from tag_atelier.ui.choices import NOTHING
from tag_atelier.ui.yaml_box import read_box

OWN = "own"
"""What a menu shows where the YAML says more than the menu has."""
FIRST_PLAN = "many-tags"
"""Chosen when the page opens: enough tags to search on and to set aside."""


@dataclass(frozen=True)
class SearchForm:
    """What the controls say; the rest of a study stands in its YAML alone."""

    models: tuple[str, ...] = ()
    plan: str = FIRST_PLAN
    groups: str = "eight"
    refine: str = NOTHING
    low: float = -0.2
    high: float = 1.0
    keep_style: bool = False
    text_encoders: str = FIRST
    vae: str = FIRST
    sampler: str = "cma"
    trials: int = 60
    tags_per_prompt: int = 32
    prompts: int = 16


FIELDS = tuple(field.name for field in fields(SearchForm))
PARTS = ("text_encoders", "vae")
"""What stays the first model's, another one's (which the YAML says), or is searched."""
SPACE = ("low", "high", "keep_style", *PARTS)
NUMBERS = ("trials", "tags_per_prompt", "prompts")


def start_text(name: str | None = None) -> str:
    """The YAML of a study that comes along, or of a new one."""
    presets = list_studies()
    if name in presets:
        return presets[name].read_text(encoding="utf-8")
    return lay("name: My search\n", SearchForm())


def lay(text: str, form: SearchForm) -> str:
    """``text`` with what the form says; everything else in it stays. Raises SpecError where it is no mapping."""
    values = read(text)
    default = SearchForm()
    shown = [key for key in SPACE if getattr(form, key) != OWN]
    space = {key: value for key, value in _table(values.get("space")).items() if key not in (*shown, "refine")}
    changed = {key: getattr(form, key) for key in shown if getattr(form, key) != getattr(default, key)}
    if form.groups != OWN:
        space["groups"] = form.groups
        space.pop("bounds", None) if form.groups != _groups(values) else None
    if form.refine not in (NOTHING, ""):
        space["refine"] = form.refine
    values = {"name": "My search", **values, "models": list(form.models), "space": {**space, **changed}}
    values |= {"sampler": form.sampler, **{key: _number(getattr(form, key)) for key in NUMBERS}}
    if form.plan != OWN:
        values["plan"] = form.plan
    written: str = yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=120)
    return written


def fill(text: str) -> SearchForm:
    """The form that shows ``text``. Raises SpecError where it is no mapping."""
    values = read(text)
    space, default = _table(values.get("space")), SearchForm()
    models, plan, groups = values.get("models"), values.get("plan", FIRST_PLAN), _groups(values)
    return SearchForm(
        models=tuple(str(name) for name in models) if isinstance(models, list) else (),
        plan=plan if isinstance(plan, str) else OWN,
        groups=groups if groups in GROUPINGS else OWN,
        refine=str(space.get("refine") or NOTHING),
        **{key: space.get(key, getattr(default, key)) for key in SPACE if key not in PARTS},
        **{key: _part(space.get(key, getattr(default, key))) for key in PARTS},
        sampler=str(values.get("sampler", default.sampler)) if values.get("sampler") in SAMPLERS else default.sampler,
        **{key: values.get(key, getattr(default, key)) for key in NUMBERS},
    )


def with_models(text: str, models: tuple[str, ...]) -> str:
    """``text`` with other models. Raises SpecError where it is no mapping."""
    values = {**read(text), "models": list(models)}
    written: str = yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=120)
    return written


def read(text: str) -> dict[str, Any]:
    """The mapping in ``text``. Raises SpecError where there is none."""
    return {str(key): value for key, value in read_box(text, say("The study"), say("'name', 'models' and 'plan'")).items()}


def _groups(values: Mapping[str, Any]) -> object:
    return _table(values.get("space")).get("groups", SearchForm().groups)


def _part(value: object) -> str:
    return str(value) if value in (FIRST, SEARCHED) else OWN


def _table(value: object) -> dict[str, Any]:
    return {str(key): item for key, item in value.items()} if isinstance(value, Mapping) else {}


def _number(value: Any) -> Any:
    """gradio's numbers are floats."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
