"""The sub-tab Merge: form and recipe text, check, merge to a file or into the loaded model. Built by ``tab``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from tag_atelier.errors import TagAtelierError
from tag_atelier.merge.recipe import Recipe, list_recipes
from tag_atelier.ui import merge_fields, merge_part_fields, render
from tag_atelier.ui.bench_tab import WATCH
from tag_atelier.ui.block_editor import architecture_choices, block_editor
from tag_atelier.ui.choices import NOTHING, checkpoint_names, first_note
from tag_atelier.ui.compat import listen, settled
from tag_atelier.ui.ids import element_id
from tag_atelier.ui.merge_fields import OWN, Fields, read_form, text_id, write_form
from tag_atelier.ui.merge_form import ROWS, MergeForm, begin_from, from_recipe, letter_of, to_recipe
from tag_atelier.ui.merge_part_fields import RANKS
from tag_atelier.ui.merge_weights import Mixed, resolved
from tag_atelier.ui.words import Words

_SHELF = "() => { tagAtelier.showMerges(); return []; }"


class MergeTab:
    """The controls of one page and what they do to each other."""

    def __init__(self, atelier: Any, words: Words) -> None:
        self.atelier, self.words = atelier, words
        with gr.Row(equal_height=False):
            with gr.Column():
                self.fields: Fields = merge_fields.build(atelier, words)
                self._build_blocks()
            with gr.Column():
                self._build_recipe()
        self._build_shelf()
        self.row_count = gr.State(1)
        self._connect_form()
        self._connect_rows()
        self._connect_presets()
        self._connect_jobs()

    # --- what is on the page -------------------------------------------------------------------------------------

    def _build_blocks(self) -> None:
        words = self.words
        with gr.Accordion(words.label("Blocks one by one"), open=False, elem_id=element_id("merge_block_panel")):
            with gr.Row():
                self.architecture = gr.Radio(
                    architecture_choices(),
                    value="sdxl",
                    label=words.label("Blocks of"),
                    elem_id=element_id("merge_architecture"),
                )
                self.letter = gr.Radio(
                    [letter_of(i) for i in range(ROWS)],
                    value="B",
                    label=words.label("Weights of model"),
                    elem_id=element_id("merge_letter"),
                )
            self.editor = gr.HTML(block_editor(Mixed(), "sdxl", words, text_id=text_id(0)), elem_id=element_id("merge_blocks"))
            with gr.Row():
                self.preset_name = gr.Textbox(
                    label=words.label("Keep these block weights as"), lines=1, scale=2, elem_id=element_id("merge_preset_name")
                )
                self.keep_preset = gr.Button(words.label("Keep"), scale=1, elem_id=element_id("merge_keep_preset"))
                self.drop_preset = gr.Button(words.label("Forget"), scale=1, elem_id=element_id("merge_drop_preset"))

    def _build_recipe(self) -> None:
        words = self.words
        self.shipped = gr.Dropdown(
            [NOTHING, *list_recipes()],
            value=NOTHING,
            label=words.label("Start from a recipe that comes along"),
            elem_id=element_id("merge_shipped"),
        )
        self.recipe = gr.Textbox(
            label=words.label("The recipe (this text is carried out; edit it freely)"),
            lines=11,
            max_lines=30,
            placeholder="models: [A, B]\nmethod: weighted_sum\nalpha: 0.5",
            elem_id=element_id("merge_recipe"),
            elem_classes=["tag-atelier-code"],
        )
        with gr.Row(elem_classes=["tag-atelier-buttons"]):
            self.check = gr.Button(words.label("Show the plan"), elem_id=element_id("merge_check"))
            self.read = gr.Button(words.label("Fill the form from the text"), elem_id=element_id("merge_read"))
        with gr.Row():
            self.name = gr.Textbox(
                label=words.label("Name of the new checkpoint, or of the recipe"),
                placeholder="my-merge",
                lines=1,
                elem_id=element_id("merge_name"),
                scale=2,
            )
            self.write = gr.Button(
                words.label("Merge to a file"), variant="primary", elem_id=element_id("merge_write"), scale=1
            )
            self.save = gr.Button(words.label("Save the recipe"), elem_id=element_id("merge_save"), scale=1)
        gr.HTML("<div data-tag-atelier-live></div>", elem_id=element_id("merge_live_state"))
        with gr.Row(elem_classes=["tag-atelier-buttons"]):
            self.live = gr.Button(words.label("Apply to the loaded model"), elem_id=element_id("merge_live"))
            self.restore = gr.Button(words.label("Restore the loaded model"), elem_id=element_id("merge_restore"))
            self.search = gr.Button(words.label("Search from here"), elem_id=element_id("merge_search"))
        gr.HTML('<div data-tag-atelier-jobs="merge live restore"></div>', elem_id=element_id("merge_job"))
        self.result = gr.HTML(
            first_note(
                self.atelier, words, words("Choose model A and model B; “Show the plan” reads only the files' headers.")
            ),
            elem_id=element_id("merge_result"),
        )

    def _build_shelf(self) -> None:
        label = self.words.label("Saved recipes and earlier merges")
        with gr.Accordion(label, open=False, elem_id=element_id("merge_shelf")):
            gr.HTML("<div data-tag-atelier-merges></div>", elem_id=element_id("merge_shelf_list"))

    # --- the form writes the recipe, the text fills the form -------------------------------------------------------

    def _draw(self, form: MergeForm, architecture: str, letter: str) -> str:
        row = max(0, "BCDEFGHIJ".find(letter or "B"))
        mixed = form.mixed[row] if row < len(form.mixed) else Mixed()
        return block_editor(mixed, architecture, self.words, form.layout, text_id(row))

    def _rewrite(self, architecture: str, letter: str, text: str, *values: Any) -> tuple[Any, Any, Any]:
        form = read_form(values)
        try:
            drawn = self._draw(form, architecture, letter)
            if not form.is_complete:
                return gr.update(), drawn, render.note(self.words("Choose model A and model B."))
            written = to_recipe(form).to_yaml()
        except TagAtelierError as error:
            return gr.update(), gr.update(), render.problem(error, self.words)
        # gradio 4 tells of a menu's value again when it loses the focus, to the button that has just been pressed
        return (gr.update(), drawn, gr.update()) if written == text else (written, drawn, self._cost(written))

    def _cost(self, text: str) -> str:
        """What the merge would take, said as soon as the form makes sense; why not, where the files do not fit."""
        try:
            return render.merge_cost(self.atelier.check_merge(text), self.words)
        except TagAtelierError as error:
            return render.problem(error, self.words)

    def _connect_form(self) -> None:
        fields = self.fields
        targets, sources = [self.recipe, self.editor, self.result], [self.architecture, self.letter, self.recipe, *fields.all]
        for control in fields.all:
            if control is not fields.head[1] and control not in [row[2] for row in fields.rows]:
                listen(settled(control), self._rewrite, sources, targets, latest=True)
        for control in (self.architecture, self.letter):
            listen(control.input, self._rewrite, sources, targets)
        self._connect_parts(sources, targets)
        shown = [fields.head[2], *fields.parameters, fields.formula]
        changed = listen(
            fields.head[1].input, lambda name: merge_fields.method_updates(name, self.words), [fields.head[1]], shown
        )
        listen(changed.then, self._rewrite, sources, targets)
        filled = [*fields.all, *fields.groups, fields.formula, self.row_count, self.editor, self.result]
        listen(self.read.click, self._fill, [self.architecture, self.letter, self.recipe], filled)
        wanted = [self.shipped, self.architecture, self.letter, *fields.all]
        listen(self.shipped.input, self._start, wanted, [self.recipe, *filled])
        listen(
            self.check.click,
            self._check,
            [self.recipe, self.letter, *fields.all],
            [self.result, self.architecture, self.editor],
        )

    def _connect_parts(self, sources: list[Any], targets: list[Any]) -> None:
        parts = self.fields.parts
        (networks, target), add = parts.named("networks", "format"), parts.add_network

        def added(name: str, text: str) -> tuple[str, str]:
            return NOTHING, text if name == NOTHING else merge_part_fields.with_network(name, text)

        written = listen(add.input, added, [add, networks], [add, networks])
        listen(written.then, self._rewrite, sources, targets)
        listen(target.input, merge_part_fields.rank_updates, [target], parts.named(*RANKS))

    def _fill(self, architecture: str, letter: str, text: str) -> list[Any]:
        """The form from the text; unchanged where the text says more."""
        fields = self.fields
        try:
            form = from_recipe(Recipe.from_value(text or ""))
        except TagAtelierError as error:
            return self._unfilled(render.problem(error, self.words))
        count = merge_fields.shown_rows(form)
        base, *parameters, formula = merge_fields.method_updates(form.method, self.words)
        values = write_form(form)
        ranks = map(fields.all.index, fields.parts.named(*RANKS))
        seen = zip(ranks, merge_part_fields.rank_updates(form.parts.format), strict=True)
        for i, update in ((2, base), *enumerate(parameters, len(merge_fields.HEAD)), *seen):
            values[i] = {**update, "value": values[i]}
        return [
            *values, *self._visible(count), formula, count, self._draw(form, architecture, letter),
            render.good(self.words("The form shows the text now.")),
        ]  # fmt: skip

    def _start(self, name: str, architecture: str, letter: str, *values: Any) -> list[Any]:
        """A shipped recipe with the models that are chosen; into the form only where all of them are."""
        if name == NOTHING:
            return [gr.update(), *self._unfilled(gr.update())]
        begun, missing = begin_from(list_recipes()[name].read_text(encoding="utf-8"), read_form(values))
        if not missing:
            return [begun, *self._fill(architecture, letter, begun)]
        said = self.words("Write checkpoints' names in place of {letters}, or choose them first.", letters=", ".join(missing))
        return [begun, *self._unfilled(render.note(said))]

    def _unfilled(self, result: Any) -> list[Any]:
        """The form as it is, and ``result`` below."""
        return [*[gr.update()] * (len(self.fields.all) + len(self.fields.groups) + 3), result]

    def _check(self, text: str, letter: str, *values: Any) -> tuple[Any, ...]:
        if not (text or "").strip():
            return render.note(self.words("Choose model A and model B.")), gr.update(), gr.update()
        try:
            found = self.atelier.check_merge(text)
        except TagAtelierError as error:
            return render.problem(error, self.words), gr.update(), gr.update()
        architecture = str(found["architecture"])
        drawn = self._draw(read_form(values), architecture, letter)
        return render.merge(found, self.words), gr.update(value=architecture), drawn

    # --- rows, presets, names ------------------------------------------------------------------------------------

    @staticmethod
    def _visible(count: int) -> list[Any]:
        return [gr.update(visible=i < count) for i in range(ROWS)]

    def _connect_rows(self) -> None:
        fields = self.fields
        last = [row[0] for row in fields.rows]
        sources = [self.architecture, self.letter, self.recipe, *fields.all]

        def more(count: int) -> list[Any]:
            count = min(ROWS, count + 1)
            return [count, *self._visible(count)]

        def fewer(count: int) -> list[Any]:
            gone = max(1, count - 1)
            models = [gr.update(value=NOTHING) if i >= gone and i else gr.update() for i in range(ROWS)]
            return [gone, *self._visible(gone), *models]

        listen(fields.more.click, more, [self.row_count], [self.row_count, *fields.groups])
        taken = listen(fields.fewer.click, fewer, [self.row_count], [self.row_count, *fields.groups, *last])
        listen(taken.then, self._rewrite, sources, [self.recipe, self.editor, self.result])

        def refresh() -> list[Any]:
            names = checkpoint_names(self.atelier)
            return [
                gr.update(choices=names),
                gr.update(choices=merge_fields.vae_choices(self.atelier)),
                gr.update(choices=merge_part_fields.network_names(self.atelier)),
                *[gr.update(choices=[NOTHING, *names])] * (ROWS + 1),
            ]

        first, _, base, _, vae, _ = fields.head
        listen(fields.refresh.click, refresh, [], [first, vae, fields.parts.add_network, base, *last])

    def _connect_presets(self) -> None:
        fields = self.fields
        for i, (_, weight, preset, blocks) in enumerate(fields.rows):
            sources = [self.architecture, self.letter, self.recipe, *fields.all]
            targets = [weight, preset, blocks, self.recipe, self.editor, self.result]
            listen(preset.input, self._preset_chosen(i), sources, targets)
        presets = [row[2] for row in fields.rows]
        kept = [self.preset_name, self.architecture, self.letter, *fields.all]
        listen(self.keep_preset.click, self._keep_preset, kept, [self.result, *presets])
        listen(self.drop_preset.click, self._forget_preset, [self.preset_name], [self.result, *presets])

    def _preset_chosen(self, row: int) -> Callable[..., tuple[Any, ...]]:
        """A preset starts at its own strength; one of the user's own is written out, so that the recipe says what it does."""
        at = len(merge_fields.HEAD) + merge_fields.PARAMETERS + 4 * row

        def chosen(architecture: str, letter: str, text: str, *values: Any) -> tuple[Any, ...]:
            given = list(values)
            name = str(given[at + 2] or NOTHING)
            given[at + 1] = 0.5 if name == NOTHING else 1.0
            if name.startswith(OWN):
                own = self.atelier.merges.shelf.block_presets().get(name[len(OWN) :], {})
                written = ", ".join(f"{block}: {weight:g}" for block, weight in own.items())
                given[at + 1 : at + 4] = [0.0, NOTHING, written]
            return (*given[at + 1 : at + 4], *self._rewrite(architecture, letter, text, *given))

        return chosen

    def _keep_preset(self, name: str, architecture: str, letter: str, *values: Any) -> list[Any]:
        form = read_form(values)
        row = max(0, "BCDEFGHIJ".find(letter or "B"))

        def keep() -> str:
            weights = resolved(form.mixed[row], architecture, form.layout)
            blocks = {block: round(weight, 6) for block, weight in weights.items() if weight}
            self.atelier.merges.shelf.save_block_preset(name or "", blocks or {"ALL": 0})
            return render.good(self.words("Kept: “{name}” stands among the presets.", name=name.strip()))

        return self._told(keep)

    def _forget_preset(self, name: str) -> list[Any]:
        def forget() -> str:
            self.atelier.merges.shelf.save_block_preset(name or "", {})
            return render.good(self.words("Forgotten: “{name}”.", name=name.strip()))

        return self._told(forget)

    def _told(self, work: Callable[[], str]) -> list[Any]:
        try:
            said = work()
        except TagAtelierError as error:
            said = render.problem(error, self.words)
        return [said, *[gr.update(choices=merge_fields.preset_choices(self.atelier))] * ROWS]

    # --- work ----------------------------------------------------------------------------------------------------

    def _connect_jobs(self) -> None:
        atelier, words = self.atelier, self.words

        def guarded(action: Callable[..., str]) -> Callable[..., str]:
            def run(*values: Any) -> str:
                try:
                    return action(*values)
                except TagAtelierError as error:
                    return render.problem(error, words)

            return run

        def started(job: Any) -> str:
            return render.good(words("Started: {title}", title=job.title))

        def save(text: str, name: str) -> str:
            atelier.merges.save_recipe(text or "", (name or "").strip())
            return render.good(words("Saved: “{name}” stands in the list below.", name=name.strip()))

        for button, action, inputs, javascript in (
            (self.write, lambda text, name: started(atelier.start_merge(text or "", (name or "").strip())),
             [self.recipe, self.name], WATCH),
            (self.live, lambda text: started(atelier.start_live_merge(text or "")), [self.recipe], WATCH),
            (self.restore, lambda: started(atelier.restore_live()), [], WATCH),
            (self.save, save, [self.recipe, self.name], _SHELF),
        ):  # fmt: skip
            running = listen(button.click, guarded(action), inputs, [self.result])
            listen(running.then, None, [], [], javascript=javascript)


def build(atelier: Any, words: Words) -> MergeTab:
    """Build the sub-tab where the caller's gradio context stands."""
    return MergeTab(atelier, words)
