"""The sub-tab Benchmark: choose a plan, see what it costs, run it, follow it, open reports. Built by ``tab``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from tag_atelier.bench.spec import list_presets
from tag_atelier.errors import TagAtelierError, say
from tag_atelier.ui import bench_form, render
from tag_atelier.ui.choices import checkpoint_names, first_note, plan_names
from tag_atelier.ui.compat import listen
from tag_atelier.ui.ids import element_id
from tag_atelier.ui.words import Words
from tag_atelier.ui.yaml_box import read_box

WATCH = "() => { tagAtelier.watch(); return []; }"
"""Looks for the job that a button has just started."""

COMPARE = "() => { tagAtelierRuns.compare(); return []; }"

BLANK = """\
name: My benchmark
template: "1girl, solo, {tag}, looking at viewer, simple background, best quality"
tags: [hands in pockets, head tilt, holding umbrella]
seeds: [1, 2]
parameters: {steps: 28, width: 832, height: 1216}
"""


def build(atelier: Any, words: Words) -> None:
    """Build the sub-tab where the caller's gradio context stands."""
    presets = plan_names(atelier)
    first = next(iter(presets), None)
    with gr.Row(equal_height=False):
        with gr.Column():
            preset = gr.Dropdown(
                presets,
                value=first,
                label=words.label("Plan"),
                elem_id=element_id("bench_preset"),
            )
            with gr.Row():
                checkpoints = gr.Dropdown(
                    checkpoint_names(atelier),
                    value=[],
                    multiselect=True,
                    label=words.label("Checkpoints (none: those of the plan, or the loaded one)"),
                    elem_id=element_id("bench_checkpoints"),
                    scale=8,
                )
                refresh = gr.Button("↻", elem_id=element_id("bench_refresh"), elem_classes=["tag-atelier-icon"], scale=0)
            spec = gr.Textbox(
                preset_text(first),
                label=words.label("The plan as YAML (edit it freely)"),
                lines=14,
                max_lines=30,
                elem_id=element_id("bench_spec"),
                elem_classes=["tag-atelier-code"],
            )
            with gr.Row(elem_classes=["tag-atelier-buttons"]):
                show = gr.Button(words.label("Show the plan"), elem_id=element_id("bench_plan"))
                start = gr.Button(words.label("Start"), variant="primary", elem_id=element_id("bench_start"))
            form = gr.Column()
        with gr.Column():
            result = _outcome(atelier, words)
    with form:
        bench_form.build(words, spec, result)
    listen(preset.input, preset_text, [preset], [spec])
    listen(refresh.click, lambda: gr.update(choices=checkpoint_names(atelier)), [], [checkpoints])
    _connect(atelier, words, (show, start), (spec, checkpoints, result))


def _outcome(atelier: Any, words: Words) -> Any:
    """The side that shows what happens: jobs, answers, earlier runs, taggers. Gives the place for answers."""
    gr.HTML(
        '<div data-tag-atelier-offer></div><div data-tag-atelier-jobs="benchmark tagger"></div>'
        "<div data-tag-atelier-filling></div>",
        elem_id=element_id("bench_job"),
    )
    result = gr.HTML(
        first_note(atelier, words, words("“Show the plan” says what would be drawn before anything is.")),
        elem_id=element_id("bench_result"),
    )
    gr.HTML(f"<h4>{words.escaped('Earlier runs')}</h4><div data-tag-atelier-runs></div>", elem_id=element_id("bench_runs"))
    compare = gr.Button(words.label("Compare the ticked runs"), elem_id=element_id("bench_compare"))
    gr.HTML("<div data-tag-atelier-compared></div>", elem_id=element_id("bench_compared"))
    with gr.Accordion(words.label("Taggers"), open=False, elem_id=element_id("bench_taggers")):
        gr.HTML("<div data-tag-atelier-taggers></div>")
    listen(compare.click, None, [], [], javascript=COMPARE)
    return result


def _connect(atelier: Any, words: Words, buttons: tuple[Any, Any], parts: tuple[Any, Any, Any]) -> None:
    show, start = buttons
    spec, checkpoints, result = parts

    def show_plan(text: str, chosen: list[str]) -> str:
        try:
            return render.plan(atelier.plan_benchmark(with_checkpoints(text, chosen)), words)
        except TagAtelierError as error:
            return render.problem(error, words)

    def start_run(text: str, chosen: list[str]) -> str:
        try:
            job = atelier.start_benchmark(with_checkpoints(text, chosen))
        except TagAtelierError as error:
            return render.problem(error, words)
        return render.good(words("Started: {title}", title=job.title))

    listen(show.click, show_plan, [spec, checkpoints], [result])
    started = listen(start.click, start_run, [spec, checkpoints], [result])
    listen(started.then, None, [], [], javascript=WATCH)


def preset_text(name: str | None) -> str:
    """The YAML of a shipped plan, or a blank one to start from."""
    presets = list_presets()
    return presets[name].read_text(encoding="utf-8") if name in presets else BLANK


def with_checkpoints(text: str, chosen: list[str] | None) -> Mapping[str, object]:
    """The plan in the editor as a mapping, its checkpoints replaced by the chosen ones where any are.

    Raises:
        SpecError: the text is no YAML, or no mapping.
    """
    values = read_box(text, say("The plan"), say("'name', 'template' and 'tags'"))
    return {**values, "checkpoints": list(chosen)} if chosen else values
