"""The always-visible panel of txt2img and img2img. ``host/webui`` builds it inside its Script's ``ui()``.

Free of side effects: a WebUI with the API on builds it three times per tab and keeps only the values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import gradio as gr

from tag_atelier.jobs.families import AUTOMATIC
from tag_atelier.jobs.panel import INFOTEXT, PanelRequest
from tag_atelier.ui import panel_answers, panel_merge
from tag_atelier.ui.choices import NOTHING, negative_choices, panel_profile_choices, quality_choices
from tag_atelier.ui.compat import listen
from tag_atelier.ui.ids import element_id
from tag_atelier.ui.lanes import panel_lanes
from tag_atelier.ui.words import Words, words_of

CONTROLS = ("enabled", "profile", "arrange", "quality", "negative_preset", "merge")
"""What follows the JSON argument, in the order of the script's arguments. Append only: saved API calls count on it."""


@dataclass
class Panel:
    """The components of one panel."""

    components: Sequence[Any]
    """JSON argument first, then one per name of ``CONTROLS``."""
    infotext_fields: Sequence[tuple[Any, Any]]
    """What pasting a picture's parameters sets, in the WebUI's own form."""
    connect: Callable[[Mapping[str, Any]], None]
    """Binds what needs the WebUI's own components, given by their element ids."""


def build(atelier: Any, is_img2img: bool) -> list[Any]:
    """The components in the order of the script's arguments: the JSON that overrides the rest, then ``CONTROLS``."""
    return list(build_panel(atelier, is_img2img).components)


def build_panel(atelier: Any, is_img2img: bool) -> Panel:
    """Build the panel where the caller's gradio context stands."""
    tab, words = "img2img" if is_img2img else "txt2img", words_of(atelier, in_webui=True)
    with gr.Accordion("Tag Atelier", open=False, elem_id=element_id(tab, "panel"), elem_classes=["tag-atelier-panel"]):
        argument = gr.Textbox("", label="Tag Atelier JSON", visible=False, elem_id=element_id(tab, "json"))
        controls = _controls(atelier, tab)
        report = gr.HTML("", elem_id=element_id(tab, "report"))
        with gr.Row(elem_classes=["tag-atelier-buttons"]):
            now = gr.Button("Arrange now", elem_id=element_id(tab, "arrange_now"), variant="primary", size="sm")
            check = gr.Button("Check the prompt", elem_id=element_id(tab, "check"), size="sm")
            undo = gr.Button("Undo", elem_id=element_id(tab, "undo"), size="sm")
            label = "Apply the family's sampler" if is_img2img else "Apply the family's sampler and size"
            apply = gr.Button(label, elem_id=element_id(tab, "apply"), size="sm")
            skip = gr.Checkbox(False, label="Clip skip too", elem_id=element_id(tab, "apply_clip_skip"), container=False)
            skip.do_not_save_to_config = True
        result = gr.HTML("", elem_id=element_id(tab, "result"))
        gr.HTML(panel_lanes(tab), elem_id=element_id(tab, "lanes"))
        merge = panel_merge.build(atelier, words, tab)
        prompt = gr.Textbox("", visible=False, label="Tag Atelier prompt", elem_id=element_id(tab, "prompt"))
    _connect(atelier, words, tab, (now, check, undo), (prompt, *controls, result))

    def connect(parts: Mapping[str, Any]) -> None:
        ours = panel_answers.OwnParts(apply, skip, controls[1], result, report)
        panel_answers.connect_page(atelier, words, tab, ours, parts)

    fields = (*_infotext_fields(atelier, controls), (merge, panel_merge.pasted))
    return Panel((argument, *controls, merge), fields, connect)


def _controls(atelier: Any, tab: str) -> tuple[Any, ...]:
    """Those of ``CONTROLS`` but the merge."""
    with gr.Row():
        # The value given as a function is asked for at every load of the page. What the WebUI takes for the default of
        # its API stays off: nobody's request over HTTP changes because somebody ticked a box in the page.
        enabled = gr.Checkbox(partial(atelier.panel.memory.enforced, tab), label="Enforce order",
                              elem_id=element_id(tab, "enabled"))  # fmt: skip
        enabled.value, enabled.do_not_save_to_config = False, True
        arrange = gr.Checkbox(True, label="Sort the tags", elem_id=element_id(tab, "arrange"))
    with gr.Row():
        profile = gr.Dropdown(
            panel_profile_choices(atelier), value=AUTOMATIC, label="Model family", elem_id=element_id(tab, "profile")
        )
        quality = gr.Dropdown(
            quality_choices(atelier, AUTOMATIC),
            value=NOTHING,
            label="Quality words",
            interactive=True,
            elem_id=element_id(tab, "quality"),
        )
        negative = gr.Dropdown(
            negative_choices(atelier, AUTOMATIC),
            value=NOTHING,
            label="Negative words",
            interactive=True,
            elem_id=element_id(tab, "negative"),
        )
    return enabled, profile, arrange, quality, negative


def _connect(atelier: Any, words: Words, tab: str, buttons: Sequence[Any], parts: Sequence[Any]) -> None:
    now, check, undo = buttons
    prompt, enabled, profile, _arrange, quality, negative, result = parts
    fetch = f"(text, profile) => [tagAtelier.readPrompt('{tab}'), profile]"

    def change_family(profile_id: str) -> tuple[Any, Any]:
        return (
            gr.update(choices=quality_choices(atelier, profile_id), value=NOTHING),
            gr.update(choices=negative_choices(atelier, profile_id), value=NOTHING),
        )

    arranged, checked = partial(panel_answers.arranged, atelier, words), partial(panel_answers.checked, atelier, words)
    done = listen(now.click, arranged, [prompt, profile], [prompt, result], javascript=fetch)
    listen(done.then, None, [prompt], [], javascript=f"(text) => {{ tagAtelier.writePrompt('{tab}', text); return []; }}")
    listen(check.click, checked, [prompt, profile], [result], javascript=fetch)
    listen(undo.click, None, [], [], javascript=f"() => {{ tagAtelier.undo('{tab}'); return []; }}")
    listen(profile.input, change_family, [profile], [quality, negative])
    listen(enabled.input, partial(atelier.panel.memory.enforce, tab), [enabled], [], latest=True)


def values_to_request(values: Sequence[Any]) -> dict[str, Any]:
    """The script's arguments as the one object that ``jobs.panel`` reads.

    A first argument that is not empty (an object, or a JSON string) overrides all controls.

    Raises:
        RequestError: malformed JSON, an unknown key or a value of the wrong type.
    """
    if values and values[0] not in ("", None):
        request = PanelRequest.from_value(values[0])
        return asdict(request if request.enabled else replace(request, merge=None))
    chosen = {name: value for name, value in zip(CONTROLS, values[1:], strict=False) if value not in (None, NOTHING)}
    # The control's merge stands for itself, whether or not the order is enforced.
    return asdict(PanelRequest.from_value({"enabled": False, **chosen, "merge": panel_merge.read(chosen.get("merge"))}))


def _infotext_fields(atelier: Any, controls: Sequence[Any]) -> tuple[tuple[Any, Callable[[Mapping[str, str]], Any]], ...]:
    enabled, profile, arrange, quality, negative = controls

    def was_on(parameters: Mapping[str, str]) -> bool:
        return any(key in parameters for key in INFOTEXT.values())

    def family(parameters: Mapping[str, str]) -> Any:
        pasted = parameters.get(INFOTEXT["profile"])
        return gr.update() if pasted is None else gr.update(value=pasted)

    def preset(key: str, choices: Callable[[Any, str], list[str]]) -> Callable[[Mapping[str, str]], Any]:
        def read(parameters: Mapping[str, str]) -> Any:
            pasted, value = parameters.get(INFOTEXT["profile"]), parameters.get(INFOTEXT[key], NOTHING)
            return gr.update(value=value) if pasted is None else gr.update(choices=choices(atelier, pasted), value=value)

        return read

    return (
        (enabled, was_on),
        (profile, family),
        (arrange, lambda parameters: parameters.get(INFOTEXT["arrange"], "True") == "True"),
        (quality, preset("quality", quality_choices)),
        (negative, preset("negative_preset", negative_choices)),
    )
