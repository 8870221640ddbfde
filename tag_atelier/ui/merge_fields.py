"""The merge form's controls: models in rows, method with its numbers, formats. Built and read by ``merge_tab``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from tag_atelier.merge.layout import LINE_LAYOUTS
from tag_atelier.merge.methods import METHODS, Parameter, get_method
from tag_atelier.merge.options import DTYPES
from tag_atelier.merge.weights import named_weights
from tag_atelier.ui import merge_part_fields
from tag_atelier.ui.choices import NOTHING, checkpoint_names
from tag_atelier.ui.ids import element_id
from tag_atelier.ui.merge_form import PARAMETERS, ROWS, MergeForm, letter_of
from tag_atelier.ui.merge_part_fields import AUTO, PartFields
from tag_atelier.ui.merge_weights import Mixed
from tag_atelier.ui.words import Words

OWN = "own: "
"""Before the name of a preset of the user's in the menus."""
_ROW_NAMES = ("second", "third", "fourth", "fifth", "sixth")
LETTERS_SHOWN = ("a", *(letter_of(i).lower() for i in range(ROWS)))
HEAD = ("first", "method", "base", "dtype", "vae", "layout")


@dataclass(frozen=True)
class Fields:
    """All controls; ``all`` is their order in every handler."""

    head: tuple[Any, ...]
    """As ``HEAD``."""
    parameters: tuple[Any, ...]
    rows: tuple[tuple[Any, Any, Any, Any], ...]
    """Model, weight, preset, blocks of each row."""
    groups: tuple[Any, ...]
    """What holds each row; all but the first are hidden at the start."""
    parts: PartFields
    formula: Any
    refresh: Any
    more: Any
    fewer: Any

    @property
    def all(self) -> list[Any]:
        """Every control that is a value of the form."""
        return [*self.head, *self.parameters, *(control for row in self.rows for control in row), *self.parts.all]


def text_id(row: int) -> str:
    """Element id of the text of the blocks that differ in row ``row``."""
    return element_id("merge_blocks_text") if row == 0 else element_id("merge", _ROW_NAMES[row], "blocks_text")


def preset_choices(atelier: Any) -> list[str]:
    """Nothing, the user's own presets, and those that come along."""
    own = getattr(atelier, "merges", None)
    return [NOTHING, *(OWN + name for name in (own.shelf.block_presets() if own else ())), *named_weights()]


def build(atelier: Any, words: Words) -> Fields:
    """Build all controls where the caller's gradio context stands."""
    names = checkpoint_names(atelier)
    with gr.Row():
        first = gr.Dropdown(names, value=None, label=words.label("Model A"), elem_id=element_id("merge_first"), scale=8)
        refresh = gr.Button("↻", elem_id=element_id("merge_refresh"), elem_classes=["tag-atelier-icon"], scale=0)
    with gr.Row():
        method = gr.Dropdown(
            list(METHODS), value="weighted_sum", label=words.label("Method"), elem_id=element_id("merge_method")
        )
        base = gr.Dropdown(
            [NOTHING, *names], value=NOTHING, label=words.label("Base"), visible=False, elem_id=element_id("merge_base")
        )
        parameters = tuple(
            gr.Slider(0, 1, value=0, step=0.01, label=words.label("Parameter"), visible=False,
                      elem_id=element_id("merge_parameter", str(i + 1)))
            for i in range(PARAMETERS)
        )  # fmt: skip
    formula = gr.HTML(formula_text("weighted_sum", words), elem_id=element_id("merge_formula"))
    presets, rows, groups = preset_choices(atelier), [], []
    for i in range(ROWS):
        with gr.Group(visible=i == 0, elem_id=element_id("merge_row", letter_of(i).lower())) as group:
            rows.append(_build_row(i, names, presets, words))
        groups.append(group)
    with gr.Row(elem_classes=["tag-atelier-buttons"]):
        more = gr.Button(words.label("Add a model"), elem_id=element_id("merge_more"), size="sm")
        fewer = gr.Button(words.label("Take the last model away"), elem_id=element_id("merge_fewer"), size="sm")
    with gr.Row():
        dtype = gr.Dropdown(list(DTYPES), value="keep", label=words.label("Number format"), elem_id=element_id("merge_dtype"))
        vae = gr.Dropdown(
            vae_choices(atelier),
            value=AUTO,
            label=words.label("VAE of"),
            allow_custom_value=True,
            elem_id=element_id("merge_vae"),
        )
        layout = gr.Dropdown(
            [AUTO, *LINE_LAYOUTS], value=AUTO, label=words.label("A pasted line is from"), elem_id=element_id("merge_layout")
        )
    parts = merge_part_fields.build(atelier, words, LETTERS_SHOWN)
    head = (first, method, base, dtype, vae, layout)
    return Fields(head, parameters, tuple(rows), tuple(groups), parts, formula, refresh, more, fewer)


def vae_choices(atelier: Any) -> list[str]:
    """Whose VAE can be taken."""
    return merge_part_fields.vae_names(atelier, LETTERS_SHOWN)


def _build_row(i: int, names: Sequence[str], presets: Sequence[str], words: Words) -> tuple[Any, Any, Any, Any]:
    name, letter = _ROW_NAMES[i], letter_of(i)
    first = {"preset": element_id("merge_preset"), "blocks": element_id("merge_blocks_text")}
    # A row of its own: names of checkpoints are long, and often differ at their end.
    model = gr.Dropdown(
        [NOTHING, *names], value=NOTHING, label=words.label(f"Model {letter}"), elem_id=element_id("merge", name)
    )
    with gr.Row():
        weight = gr.Slider(
            0,
            1,
            value=0.5,
            step=0.01,
            label=words.label(f"Weight of {letter}"),
            elem_id=element_id("merge", name, "weight"),
            scale=2,
            min_width=200,
        )
        preset = gr.Dropdown(
            list(presets),
            value=NOTHING,
            label=words.label("Preset of block weights"),
            elem_id=element_id("merge", name, "preset") if i else first["preset"],
            scale=1,
            min_width=150,
        )
        blocks = gr.Textbox(
            label=words.label("Blocks that differ, or a pasted line of numbers"),
            placeholder="IN04: 0.3, OUT03-OUT05: 0.7",
            min_width=240,
            lines=1,
            max_lines=6,
            elem_id=text_id(i),
            scale=2,
        )
    return model, weight, preset, blocks


def read_form(values: Sequence[Any]) -> MergeForm:
    """The controls' values, in the order of ``Fields.all``; nothing chosen is empty in the form."""
    given = ["" if value in (None, NOTHING, AUTO) else value for value in values]
    head = dict(zip(HEAD, given, strict=False))
    start = len(HEAD) + PARAMETERS
    parameters = tuple(float(value or 0) for value in given[len(HEAD) : start])
    cells = [given[start + 4 * i : start + 4 * i + 4] for i in range(ROWS)]
    mixed = tuple(Mixed(model, float(weight or 0), preset, blocks) for model, weight, preset, blocks in cells)
    return MergeForm(**head, parameters=parameters, mixed=mixed, parts=merge_part_fields.read(values[start + 4 * ROWS :]))


def write_form(form: MergeForm) -> list[Any]:
    """The form's values as the controls show them, in the order of ``Fields.all``; menus get the names they hold."""
    defaults = [parameter.default for parameter in get_method(form.method).parameters]
    numbers = [*form.parameters, *defaults[len(form.parameters) :], *[0.0] * PARAMETERS][:PARAMETERS]
    values: list[Any] = [
        form.first or None,
        form.method,
        form.base or NOTHING,
        form.dtype,
        form.vae or AUTO,
        form.layout or AUTO,
    ]
    values += numbers
    for i in range(ROWS):
        row = form.mixed[i] if i < len(form.mixed) else Mixed()
        values += [row.model or NOTHING, row.weight, row.preset or NOTHING, row.blocks]
    return values + merge_part_fields.write(form.parts)


def shown_rows(form: MergeForm) -> int:
    """How many rows have to be seen."""
    return max(1, *(i + 1 for i, row in enumerate(form.mixed) if row.model)) if form.chosen else 1


def method_updates(method_name: str, words: Words) -> list[Any]:
    """For base, parameters and formula when another method is chosen: shown as the method has them, at their defaults."""
    method = get_method(method_name)
    return [gr.update(visible=method.base), *_parameter_updates(method.parameters, words), formula_text(method_name, words)]


def _parameter_updates(parameters: Sequence[Parameter], words: Words) -> list[Any]:
    found = [
        gr.update(visible=True, label=words.label(p.title), minimum=p.minimum, maximum=p.maximum, value=p.default)
        for p in parameters
    ]
    return [*found, *[gr.update(visible=False)] * PARAMETERS][:PARAMETERS]


def formula_text(method_name: str, words: Words) -> str:
    """A method's formula as it is shown under its name."""
    return f'<code class="tag-atelier-formula">{words.escaped(get_method(method_name).formula)}</code>'
