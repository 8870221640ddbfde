"""The sub-tab Search: choose models, see what a search costs, start it, follow it, take its answer. Built by ``tab``."""

from __future__ import annotations

from typing import Any

import gradio as gr

from tag_atelier.bench.spec import list_presets
from tag_atelier.errors import SpecError, TagAtelierError
from tag_atelier.merge.recipe import Recipe
from tag_atelier.tune.study_spec import FIRST, GROUPINGS, SAMPLERS, SEARCHED, list_studies
from tag_atelier.ui import render, search_render
from tag_atelier.ui.bench_tab import WATCH
from tag_atelier.ui.choices import NOTHING, checkpoint_names, first_note
from tag_atelier.ui.compat import listen, settled
from tag_atelier.ui.ids import element_id
from tag_atelier.ui.search_form import FIELDS, OWN, SearchForm, fill, lay, start_text, with_models
from tag_atelier.ui.words import Words

OPEN = "() => { tagAtelierStudies.open(); return []; }"


class SearchTab:
    """The controls of one page and what they do to each other."""

    def __init__(self, atelier: Any, words: Words) -> None:
        self.atelier, self.words = atelier, words
        first = start_text()
        with gr.Row(equal_height=False):
            with gr.Column():
                self.controls = self._build_form()
                self._build_text(first)
            with gr.Column():
                self._build_outcome()
        self.written = gr.State(first)
        self.form = [self.controls[name] for name in FIELDS]
        self._connect_form()
        self._connect_work()

    # --- what is on the page -------------------------------------------------------------------------------------

    def _build_form(self) -> dict[str, Any]:
        words = self.words
        with gr.Row():
            self.preset = gr.Dropdown(
                [NOTHING, *list_studies()], value=NOTHING, label=words.label("Start from"), elem_id=element_id("search_preset")
            )
            plan = self._menu("plan", "Plan: template, tags, sampling", [*list_presets(), OWN])
        with gr.Row():
            models = gr.Dropdown(
                checkpoint_names(self.atelier),
                value=[],
                multiselect=True,
                label=words.label("Models to mix, the one to start from first"),
                elem_id=element_id("search_models"),
                scale=8,
            )
            self.refresh = gr.Button("↻", elem_id=element_id("search_refresh"), elem_classes=["tag-atelier-icon"], scale=0)
        with gr.Row():
            groups = self._menu("groups", "Groups of blocks", [*GROUPINGS, OWN])
            low = self._number("low", "Lowest weight", whole=False)
            high = self._number("high", "Highest weight", whole=False)
        with gr.Row():
            sampler = self._menu("sampler", "Way of searching", list(SAMPLERS))
            trials = self._number("trials", "Candidates")
        with gr.Row():
            tags = self._number("tags_per_prompt", "Tags per prompt")
            prompts = self._number("prompts", "Prompts")
        found = {"models": models, "plan": plan, "groups": groups, "low": low, "high": high, "sampler": sampler}
        found |= {"trials": trials, "tags_per_prompt": tags, "prompts": prompts}
        return {**found, **self._build_more()}

    def _build_more(self) -> dict[str, Any]:
        words = self.words
        with gr.Accordion(words.label("What stays as it is"), open=False, elem_id=element_id("search_more")):
            with gr.Row():
                parts = {
                    "text_encoders": self._menu("text_encoders", "Text encoders", [FIRST, SEARCHED, OWN]),
                    "vae": self._menu("vae", "VAE of the search", [FIRST, SEARCHED, OWN]),
                    "refine": self._menu("refine", "Finer groups afterwards", [NOTHING, *GROUPINGS]),
                }
            parts["keep_style"] = gr.Checkbox(
                SearchForm().keep_style,
                label=words.label("Keep the first model's style (output blocks and text encoders)"),
                elem_id=element_id("search_keep_style"),
            )
        return parts

    def _menu(self, name: str, label: str, choices: list[str]) -> Any:
        value = getattr(SearchForm(), name)
        return gr.Dropdown(choices, value=value, label=self.words.label(label), elem_id=element_id("search", name))

    def _number(self, name: str, label: str, whole: bool = True) -> Any:
        options = {"precision": 0} if whole else {}
        value = getattr(SearchForm(), name)
        return gr.Number(value, label=self.words.label(label), elem_id=element_id("search", name), **options)

    def _build_text(self, first: str) -> None:
        words = self.words
        with gr.Accordion(words.label("The study as YAML"), open=False, elem_id=element_id("search_yaml")):
            self.text = gr.Textbox(
                first,
                label=words.label("This text is carried out; edit it freely"),
                lines=14,
                max_lines=40,
                elem_id=element_id("search_spec"),
                elem_classes=["tag-atelier-code"],
            )
        with gr.Row(elem_classes=["tag-atelier-buttons"]):
            self.show = gr.Button(words.label("Show the plan"), elem_id=element_id("search_cost"))
            self.start = gr.Button(words.label("Start the search"), variant="primary", elem_id=element_id("search_start"))

    def _build_outcome(self) -> None:
        words = self.words
        gr.HTML("<div data-tag-atelier-optuna></div><div data-tag-atelier-offer></div>", elem_id=element_id("search_optuna"))
        gr.HTML('<div data-tag-atelier-jobs="study extra tagger"></div>', elem_id=element_id("search_job"))
        self.result = gr.HTML(
            first_note(self.atelier, words, words("Choose two models or more and a plan; “Show the plan” draws nothing.")),
            elem_id=element_id("search_result"),
        )
        gr.HTML("<div data-tag-atelier-study></div>", elem_id=element_id("search_study"))
        gr.HTML(
            f"<h4>{words.escaped('Searches')}</h4><div data-tag-atelier-studies></div>", elem_id=element_id("search_studies")
        )

    # --- the form writes the text, the text fills the form -----------------------------------------------------------

    def _connect_form(self) -> None:
        texts = [self.text, self.written, self.result]
        for control in self.form:
            listen(settled(control), self._rewrite, [self.text, *self.form], texts, latest=True)
        listen(self.text.blur, self._fill, [self.text, self.written], [*self.form, self.written, self.result])
        chosen = listen(self.preset.input, self._preset_chosen, [self.preset, *self.form], [self.text, self.result])
        listen(chosen.then, self._fill, [self.text, self.written], [*self.form, self.written, self.result])
        names = self.controls["models"]
        listen(self.refresh.click, lambda: gr.update(choices=checkpoint_names(self.atelier)), [], [names])

    def _rewrite(self, text: str, *values: Any) -> tuple[Any, Any, Any]:
        try:
            written = lay(text, _form(values))
        except TagAtelierError as error:
            return gr.update(), gr.update(), render.problem(error, self.words)
        return written, written, gr.update()

    def _fill(self, text: str, written: str) -> list[Any]:
        unchanged = [gr.update()] * (len(self.form) + 1)
        if _same(text, written):
            return [*unchanged, gr.update()]
        try:
            form = fill(text)
        except TagAtelierError as error:
            return [*unchanged, render.problem(error, self.words)]
        return [*self._shown(form), text, gr.update()]

    def _shown(self, form: SearchForm) -> list[Any]:
        """Updates of the controls; a model that is not in the list cannot be shown as chosen."""
        known = set(checkpoint_names(self.atelier))
        models = [name for name in form.models if name in known]
        values = {name: gr.update(value=getattr(form, name)) for name in FIELDS}
        return list({**values, "models": gr.update(value=models)}.values())

    def _preset_chosen(self, name: str, *values: Any) -> tuple[Any, Any]:
        """A study that comes along keeps the models chosen here, where there are any."""
        text, models = start_text(name), _form(values).models
        known = set(checkpoint_names(self.atelier))
        if models and not set(fill(text).models) <= known:
            text = with_models(text, models)
        return text, gr.update()

    # --- work ----------------------------------------------------------------------------------------------------

    def _connect_work(self) -> None:
        inputs, outputs = [self.text, self.written, *self.form], [self.text, self.written, self.result]
        listen(self.show.click, self._cost, inputs, outputs)
        started = listen(self.start.click, self._start, inputs, outputs)
        listen(started.then, None, [], [], javascript=WATCH)

    def _meant(self, text: str, written: str, values: tuple[Any, ...]) -> str:
        """The study that is meant. Raises SpecError, also where no models are chosen yet."""
        found = effective(text, written, values)
        if len(fill(found).models) < 2:
            raise SpecError("Fewer than two models are chosen; choose the one to start from, then those to mix in.")
        return found

    def _cost(self, text: str, written: str, *values: Any) -> tuple[Any, Any, str]:
        try:
            text = self._meant(text, written, values)
            return text, text, search_render.cost(self.atelier.studies.plan(text), self.words)
        except TagAtelierError as error:
            return gr.update(), gr.update(), render.problem(error, self.words)

    def _start(self, text: str, written: str, *values: Any) -> tuple[Any, Any, str]:
        try:
            text = self._meant(text, written, values)
            job = self.atelier.studies.start(text)
        except TagAtelierError as error:
            return gr.update(), gr.update(), render.problem(error, self.words)
        return text, text, render.good(self.words("Started: {title}", title=job.title))

    def take_models_from(self, button: Any, recipe: Any) -> None:
        """Let ``button`` bring the models of the text box ``recipe`` here and show this sub-tab."""
        targets = [*self.form, self.text, self.written, self.result]
        taken = listen(button.click, self._take, [recipe, self.text], targets)
        listen(taken.then, None, [], [], javascript=OPEN)

    def _take(self, recipe: str, text: str) -> list[Any]:
        try:
            written = with_models(text, Recipe.from_value(recipe or "").models)
            told = render.good(self.words("The models of the recipe are chosen; see what a search of their weights costs."))
            return [*self._shown(fill(written)), written, written, told]
        except TagAtelierError as error:
            return [*[gr.update()] * (len(self.form) + 2), render.problem(error, self.words)]


def build(atelier: Any, words: Words) -> SearchTab:
    """Build the sub-tab where the caller's gradio context stands."""
    return SearchTab(atelier, words)


def effective(text: str, written: str, values: tuple[Any, ...]) -> str:
    """The study that is meant: the text where somebody changed it, else with what the form says at this moment.

    A press comes before the answer to the change of a control that it ended. Raises SpecError.
    """
    return lay(text, _form(values)) if _same(text, written) else text


def _same(text: str, written: str) -> bool:
    return (text or "").strip() == (written or "").strip()


def _form(values: tuple[Any, ...]) -> SearchForm:
    named = dict(zip(FIELDS, values, strict=True))
    return SearchForm(**{**named, "models": tuple(named["models"] or ())})
