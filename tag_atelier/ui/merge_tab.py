"""The sub-tab Merge: form and recipe text, check, merge to a file or into the loaded model. Built by ``tab``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

import gradio as gr

from tag_atelier.errors import TagAtelierError
from tag_atelier.merge.methods import METHODS
from tag_atelier.merge.options import DTYPES
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.weights import named_weights
from tag_atelier.ui import render
from tag_atelier.ui.bench_tab import WATCH
from tag_atelier.ui.block_editor import architecture_choices, block_editor
from tag_atelier.ui.choices import NOTHING, checkpoint_names
from tag_atelier.ui.compat import listen
from tag_atelier.ui.ids import element_id
from tag_atelier.ui.merge_form import FIELDS, MergeForm, from_recipe, to_recipe
from tag_atelier.ui.words import Words

Controls = Mapping[str, Any]
AUTO = "auto"
"""The VAE is A's unless a weight names it."""


def build(atelier: Any, words: Words) -> None:
    """Build the sub-tab where the caller's gradio context stands."""
    with gr.Row(equal_height=False):
        with gr.Column():
            controls, refresh = _build_models(atelier, words)
            controls = {**controls, **_build_weights(words)}
            with gr.Accordion(words.label("Blocks one by one"), open=False, elem_id=element_id("merge_block_panel")):
                architecture = gr.Radio(
                    architecture_choices(),
                    value="sdxl",
                    label=words.label("Blocks of"),
                    elem_id=element_id("merge_architecture"),
                )
                editor = gr.HTML(block_editor(MergeForm(), "sdxl", words), elem_id=element_id("merge_blocks"))
        with gr.Column():
            recipe = gr.Textbox(
                label=words.label("The recipe (this text is carried out; edit it freely)"),
                lines=11,
                max_lines=30,
                placeholder="models: [A, B]\nmethod: weighted_sum\nalpha: 0.5",
                elem_id=element_id("merge_recipe"),
                elem_classes=["tag-atelier-code"],
            )
            buttons = _build_buttons(words)
            gr.HTML('<div data-tag-atelier-jobs="merge live restore"></div>', elem_id=element_id("merge_job"))
            result = gr.HTML(
                render.note(words("Choose model A and model B; “Check” reads only the files' headers.")),
                elem_id=element_id("merge_result"),
            )
    fields = [controls[name] for name in FIELDS]
    _connect_form(words, controls, (architecture, editor, recipe, result))
    listen(buttons["read"].click, _reader(words), [architecture, recipe], [*fields, editor, result])
    listen(refresh.click, _refresher(atelier), [], [controls["first"], controls["second"], controls["third"]])
    listen(buttons["check"].click, _checker(atelier, words), [recipe, *fields], [result, architecture, editor])
    _connect_jobs(atelier, words, buttons, recipe, result)


def _build_models(atelier: Any, words: Words) -> tuple[dict[str, Any], Any]:
    names = checkpoint_names(atelier)
    labels = {"first": "Model A", "second": "Model B", "third": "Model C or base"}
    controls: dict[str, Any] = {}
    with gr.Row():
        for name, label in labels.items():
            choices = [NOTHING, *names] if name == "third" else names
            controls[name] = gr.Dropdown(
                choices, value=NOTHING if name == "third" else None, label=words.label(label), elem_id=element_id("merge", name)
            )
        refresh = gr.Button("↻", elem_id=element_id("merge_refresh"), elem_classes=["tag-atelier-icon"], scale=0)
    with gr.Row():
        controls["method"] = gr.Dropdown(
            list(METHODS), value="weighted_sum", label=words.label("Method"), elem_id=element_id("merge_method")
        )
        controls["dtype"] = gr.Dropdown(
            list(DTYPES), value="keep", label=words.label("Number format"), elem_id=element_id("merge_dtype")
        )
        controls["vae"] = gr.Dropdown(
            [AUTO, "a", "b", "c"], value=AUTO, label=words.label("VAE of"), elem_id=element_id("merge_vae")
        )
    return controls, refresh


def _build_weights(words: Words) -> dict[str, Any]:
    presets = [NOTHING, *named_weights()]
    with gr.Row():
        second = gr.Slider(
            0, 1, value=0.5, step=0.01, label=words.label("Weight of B"), elem_id=element_id("merge_second_weight")
        )
        third = gr.Slider(
            0, 1, value=0.0, step=0.01, label=words.label("Weight of C"), elem_id=element_id("merge_third_weight")
        )
    with gr.Row():
        preset = gr.Dropdown(
            presets, value=NOTHING, label=words.label("Preset of block weights"), elem_id=element_id("merge_preset"), scale=1
        )
        blocks = gr.Textbox(
            label=words.label("Blocks that differ, or a pasted line of numbers"),
            placeholder="IN04: 0.3, OUT03-OUT05: 0.7",
            lines=1,
            max_lines=6,
            elem_id=element_id("merge_blocks_text"),
            scale=2,
        )
    return {"second_weight": second, "third_weight": third, "preset": preset, "blocks": blocks}


def _build_buttons(words: Words) -> dict[str, Any]:
    buttons: dict[str, Any] = {}
    with gr.Row(elem_classes=["tag-atelier-buttons"]):
        buttons["check"] = gr.Button(words.label("Check"), elem_id=element_id("merge_check"))
        buttons["read"] = gr.Button(words.label("Fill the form from the text"), elem_id=element_id("merge_read"))
    with gr.Row():
        buttons["name"] = gr.Textbox(
            label=words.label("Name of the new checkpoint"),
            placeholder="my-merge",
            lines=1,
            elem_id=element_id("merge_name"),
            scale=2,
        )
        buttons["write"] = gr.Button(
            words.label("Merge to a file"), variant="primary", elem_id=element_id("merge_write"), scale=1
        )
    gr.HTML("<div data-tag-atelier-live></div>", elem_id=element_id("merge_live_state"))
    with gr.Row(elem_classes=["tag-atelier-buttons"]):
        buttons["live"] = gr.Button(words.label("Apply to the loaded model"), elem_id=element_id("merge_live"))
        buttons["restore"] = gr.Button(words.label("Restore the loaded model"), elem_id=element_id("merge_restore"))
    return buttons


def _connect_form(words: Words, controls: Controls, parts: tuple[Any, Any, Any, Any]) -> None:
    architecture, editor, recipe, result = parts
    fields = [controls[name] for name in FIELDS]

    def rewrite(chosen: str, text: str, *values: Any) -> tuple[Any, Any, Any]:
        form = read_form(values)
        try:
            drawn = block_editor(form, chosen, words)
            if not form.first or not form.second:
                return gr.update(), drawn, render.note(words("Choose model A and model B."))
            written = to_recipe(form).to_yaml()
            # gradio 4 tells of a menu's value again when it loses the focus, to the button that has just been pressed
            return (gr.update(), drawn, gr.update()) if written == text else (written, drawn, "")
        except TagAtelierError as error:
            return gr.update(), gr.update(), render.problem(error, words)

    def rewrite_preset(chosen: str, text: str, *values: Any) -> tuple[Any, ...]:
        form = read_form(values)
        weight = 1.0 if form.preset else 0.5
        return (weight, *rewrite(chosen, text, *write_form(replace(form, second_weight=weight))))

    targets, sources = [recipe, editor, result], [architecture, recipe, *fields]
    for name, control in controls.items():
        if name == "preset":
            listen(control.input, rewrite_preset, sources, [controls["second_weight"], *targets])
        else:
            listen(_settled(control), rewrite, sources, targets, latest=True)
    listen(architecture.input, rewrite, sources, targets)


def _settled(control: Any) -> Any:
    """The event of a control that a person has finished with; answers to single keystrokes would overtake each other."""
    if isinstance(control, gr.Slider):
        return control.release
    return control.blur if isinstance(control, gr.Textbox) else control.input


def read_form(values: tuple[Any, ...]) -> MergeForm:
    """The controls' values, in the order of ``FIELDS``; nothing chosen is empty in the form."""
    given = {name: value for name, value in zip(FIELDS, values, strict=True) if value is not None}
    return MergeForm(**{name: "" if value in (NOTHING, AUTO) else value for name, value in given.items()})


def write_form(form: MergeForm) -> tuple[Any, ...]:
    """The form's values as the controls show them, in the order of ``FIELDS``."""
    shown = {"third": NOTHING, "preset": NOTHING, "vae": AUTO}
    return tuple(shown.get(name, value) if value == "" else value for name, value in asdict(form).items())


def _reader(words: Words) -> Callable[..., tuple[Any, ...]]:
    def read(chosen: str, text: str) -> tuple[Any, ...]:
        try:
            form = from_recipe(Recipe.from_value(text or ""))
        except TagAtelierError as error:
            return (*[gr.update()] * (len(FIELDS) + 1), render.problem(error, words))
        return (*write_form(form), block_editor(form, chosen, words), render.good(words("The form shows the text now.")))

    return read


def _checker(atelier: Any, words: Words) -> Callable[..., tuple[Any, ...]]:
    def check(text: str, *values: Any) -> tuple[Any, ...]:
        try:
            found = atelier.check_merge(text or "")
        except TagAtelierError as error:
            return render.problem(error, words), gr.update(), gr.update()
        # The headers say which architecture it is; only now can the right sliders be shown.
        architecture = str(found["architecture"])
        return render.merge(found, words), architecture, block_editor(read_form(values), architecture, words)

    return check


def _refresher(atelier: Any) -> Callable[[], tuple[Any, ...]]:
    def refresh() -> tuple[Any, ...]:
        names = checkpoint_names(atelier)
        return gr.update(choices=names), gr.update(choices=names), gr.update(choices=[NOTHING, *names])

    return refresh


def _connect_jobs(atelier: Any, words: Words, buttons: Controls, recipe: Any, result: Any) -> None:
    def guarded(action: Callable[..., str]) -> Callable[..., str]:
        def run(*values: Any) -> str:
            try:
                return action(*values)
            except TagAtelierError as error:
                return render.problem(error, words)

        return run

    def started(job: Any) -> str:
        return render.good(words("Started: {title}", title=job.title))

    def write(text: str, name: str) -> str:
        return started(atelier.start_merge(text or "", (name or "").strip()))

    def apply(text: str) -> str:
        return started(atelier.start_live_merge(text or ""))

    def restore() -> str:
        return started(atelier.restore_live())

    for button, action, inputs in (
        (buttons["write"], write, [recipe, buttons["name"]]),
        (buttons["live"], apply, [recipe]),
        (buttons["restore"], restore, []),
    ):
        running = listen(button.click, guarded(action), inputs, [result])
        listen(running.then, None, [], [], javascript=WATCH)
