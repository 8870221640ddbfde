"""The plan as a form whose answers become YAML, with X, Y and Z picked as in X/Y/Z plot. Built by ``bench_tab``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr
import yaml

from tag_atelier.bench.axis_values import axis_values
from tag_atelier.bench.spec import AUTO, BenchSpec
from tag_atelier.errors import SpecError, TagAtelierError
from tag_atelier.prompt.slots import SLOTS
from tag_atelier.ui import render
from tag_atelier.ui.choices import NOTHING
from tag_atelier.ui.compat import listen
from tag_atelier.ui.ids import element_id
from tag_atelier.ui.words import Words

AXES = (
    "tag", "checkpoint", "seed", "steps", "cfg_scale", "sampler", "scheduler", "width", "height", "clip_skip", "eta", "vae",
    "network",
)  # fmt: skip
NUMBERS = ("steps", "cfg_scale", "width", "height", "batch_size")
TEMPLATE = "1girl, solo, {tag}, looking at viewer, simple background, best quality"


def build(words: Words, spec: Any, result: Any) -> None:
    """Build the form where the caller's gradio context stands; its button writes YAML into ``spec``."""
    with gr.Accordion(words.label("Fill in a form instead"), open=False, elem_id=element_id("bench_form")):
        parts = {**_texts(words), **_axes(words), **_numbers(words)}
        write = gr.Button(words.label("Write the plan"), elem_id=element_id("bench_write"))
    names = list(parts)

    def written(*values: Any) -> tuple[Any, str]:
        try:
            return plan_text(dict(zip(names, values, strict=True))), render.good(words("The plan is written above."))
        except TagAtelierError as error:
            return gr.update(), render.problem(error, words)

    listen(write.click, written, list(parts.values()), [spec, result])


def _texts(words: Words) -> dict[str, Any]:
    def box(name: str, label: str, value: str = "", lines: int = 1) -> Any:
        return gr.Textbox(value, label=words.label(label), lines=lines, elem_id=element_id("bench_form", name))

    parts = {
        "name": box("name", "Name of the benchmark", "My benchmark"),
        "template": box("template", "Prompt with {tag} in it", TEMPLATE, 2),
        "negative": box("negative", "Negative prompt", "worst quality, low quality"),
        "tags": box("tags", "Tags to test, separated by commas", "", 2),
    }
    with gr.Row():
        parts["slot"] = gr.Dropdown(
            [NOTHING, *SLOTS],
            value=NOTHING,
            label=words.label("or rare tags of this slot"),
            elem_id=element_id("bench_form_slot"),
        )
        parts["posts_below"] = gr.Number(
            5000, label=words.label("with fewer posts than"), precision=0, elem_id=element_id("bench_form_posts_below")
        )
        parts["take"] = gr.Number(8, label=words.label("so many of them"), precision=0, elem_id=element_id("bench_form_take"))
    return parts


def _axes(words: Words) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for axis, start in (("x", "tag"), ("y", "checkpoint"), ("z", NOTHING)):
        with gr.Row():
            parts[axis] = gr.Dropdown(
                [NOTHING, *AXES],
                value=start,
                label=words.label(f"{axis.upper()} type"),
                elem_id=element_id("bench_form", axis),
            )
            parts[f"{axis}_values"] = gr.Textbox(
                "", label=words.label(f"{axis.upper()} values"), elem_id=element_id("bench_form", axis, "values"), scale=3
            )
    return parts


def _numbers(words: Words) -> dict[str, Any]:
    def number(name: str, label: str, value: float, whole: bool = True) -> Any:
        options = {"precision": 0} if whole else {}
        return gr.Number(value, label=words.label(label), elem_id=element_id("bench_form", name), **options)

    with gr.Row():
        parts = {"sampler": gr.Textbox("Euler a", label=words.label("Sampler"), elem_id=element_id("bench_form_sampler"))}
        parts["steps"] = number("steps", "Steps", 28)
        parts["cfg_scale"] = number("cfg_scale", "CFG scale", 7, whole=False)
    with gr.Row():
        parts["width"] = number("width", "Width", 832)
        parts["height"] = number("height", "Height", 1216)
        parts["batch_size"] = number("batch_size", "Batch size (0: found by trying)", 4)
    return parts


def plan_text(values: Mapping[str, Any]) -> str:
    """The form's answers as YAML of a plan that can be run.

    Raises:
        SpecError: an axis picked twice or without values, or what a plan refuses.
    """
    plan: dict[str, Any] = {"name": values["name"], "template": values["template"], "negative": values["negative"]}
    tags = axis_values("tag", str(values["tags"] or ""))
    if values["slot"] not in (None, NOTHING):
        plan["rule"] = {"slot": values["slot"], "posts_below": _whole(values["posts_below"]), "take": _whole(values["take"])}
    elif tags:
        plan["tags"] = tags
    plan["parameters"] = {name: values[name] for name in ("sampler", *NUMBERS[:-1])}
    plan["batch_size"] = _whole(values["batch_size"]) or AUTO
    for axis in ("x", "y", "z"):
        if values[axis] not in (None, NOTHING):
            _lay(plan, axis, str(values[axis]), str(values[f"{axis}_values"] or ""))
    spec = BenchSpec.from_value(plan)
    text: str = yaml.safe_dump(_in_order(spec.as_dict()), allow_unicode=True, sort_keys=False, width=120)
    return text


def _lay(plan: dict[str, Any], axis: str, name: str, text: str) -> None:
    """Put one axis and its values into the plan."""
    grid = plan.setdefault("grid", {"x": "", "y": "", "z": ""})
    if name in grid.values():
        raise SpecError("'{name}' is on two axes; expected each one once.", name=name)
    grid[axis] = name
    values = axis_values(name, text)
    if name in ("tag", "checkpoint", "seed"):
        if values:
            plan[f"{name}s"] = values
        return
    if not values:
        raise SpecError(
            "The {axis} axis varies '{name}' but has no values; expected for example 20, 28.", axis=axis.upper(), name=name
        )
    plan.setdefault("axes", {})[name] = values


def _in_order(plan: Mapping[str, object]) -> dict[str, object]:
    order = [name for name in ("name", "template", "negative", "tags", "rule", "checkpoints", "seeds") if name in plan]
    return {name: plan[name] for name in [*order, *(name for name in plan if name not in order)]}


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value
