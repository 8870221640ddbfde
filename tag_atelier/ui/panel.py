"""The always-visible panel of txt2img and img2img. ``host/webui`` builds it inside its Script's ``ui()``.

Free of side effects: a WebUI with the API on builds it three times per tab and keeps only the values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import gradio as gr

from tag_atelier.jobs.panel import INFOTEXT, PanelRequest
from tag_atelier.ui.choices import NOTHING, default_profile, negative_choices, profile_choices, quality_choices
from tag_atelier.ui.compat import listen
from tag_atelier.ui.ids import element_id
from tag_atelier.ui.prompt_answers import arranged, checked
from tag_atelier.ui.words import Words, words_of

CONTROLS = ("enabled", "profile", "arrange", "quality", "negative_preset")
"""What follows the JSON argument, in the order of the script's arguments. Append only: saved API calls count on it."""


@dataclass
class Panel:
    """The components of one panel."""

    components: Sequence[Any]
    """JSON argument first, then one per name of ``CONTROLS``."""
    infotext_fields: Sequence[tuple[Any, Any]]
    """What pasting a picture's parameters sets, in the WebUI's own form."""


def build(atelier: Any, is_img2img: bool) -> list[Any]:
    """The components in the order of the script's arguments: the JSON that overrides the rest, then ``CONTROLS``."""
    return list(build_panel(atelier, is_img2img).components)


def build_panel(atelier: Any, is_img2img: bool) -> Panel:
    """Build the panel where the caller's gradio context stands."""
    tab, words = "img2img" if is_img2img else "txt2img", words_of(atelier, in_webui=True)
    family = default_profile(atelier)
    with gr.Accordion("Tag Atelier", open=False, elem_id=element_id(tab, "panel"), elem_classes=["tag-atelier-panel"]):
        argument = gr.Textbox("", label="Tag Atelier JSON", visible=False, elem_id=element_id(tab, "json"))
        with gr.Row():
            enabled = gr.Checkbox(False, label="Enable Tag Atelier", elem_id=element_id(tab, "enabled"))
            arrange = gr.Checkbox(True, label="Arrange tags when drawing", elem_id=element_id(tab, "arrange"))
        with gr.Row():
            profile = gr.Dropdown(
                profile_choices(atelier), value=family, label="Model family", elem_id=element_id(tab, "profile")
            )
            quality = gr.Dropdown(
                quality_choices(atelier, family),
                value=NOTHING,
                label="Quality words",
                interactive=True,
                elem_id=element_id(tab, "quality"),
            )
            negative = gr.Dropdown(
                negative_choices(atelier, family),
                value=NOTHING,
                label="Negative words",
                interactive=True,
                elem_id=element_id(tab, "negative"),
            )
        with gr.Row(elem_classes=["tag-atelier-buttons"]):
            now = gr.Button("Arrange now", elem_id=element_id(tab, "arrange_now"), variant="primary", size="sm")
            check = gr.Button("Check the prompt", elem_id=element_id(tab, "check"), size="sm")
            undo = gr.Button("Undo", elem_id=element_id(tab, "undo"), size="sm")
        result = gr.HTML("", elem_id=element_id(tab, "result"))
        prompt = gr.Textbox("", visible=False, label="Tag Atelier prompt", elem_id=element_id(tab, "prompt"))
    _connect(atelier, words, tab, (now, check, undo), (prompt, profile, quality, negative, result))
    controls = (enabled, profile, arrange, quality, negative)
    return Panel((argument, *controls), _infotext_fields(controls))


def _connect(atelier: Any, words: Words, tab: str, buttons: Sequence[Any], parts: Sequence[Any]) -> None:
    now, check, undo = buttons
    prompt, profile, quality, negative, result = parts
    fetch = f"(text, profile) => [tagAtelier.readPrompt('{tab}'), profile]"

    def change_family(profile_id: str) -> tuple[Any, Any]:
        return (
            gr.update(choices=quality_choices(atelier, profile_id), value=NOTHING),
            gr.update(choices=negative_choices(atelier, profile_id), value=NOTHING),
        )

    done = listen(now.click, partial(arranged, atelier, words), [prompt, profile], [prompt, result], javascript=fetch)
    listen(done.then, None, [prompt], [], javascript=f"(text) => {{ tagAtelier.writePrompt('{tab}', text); return []; }}")
    listen(check.click, partial(checked, atelier, words), [prompt, profile], [result], javascript=fetch)
    listen(undo.click, None, [], [], javascript=f"() => {{ tagAtelier.undo('{tab}'); return []; }}")
    listen(profile.input, change_family, [profile], [quality, negative])


def values_to_request(values: Sequence[Any]) -> dict[str, Any]:
    """The script's arguments as the one object that ``jobs.panel`` reads.

    A first argument that is not empty (an object, or a JSON string) overrides all controls.

    Raises:
        RequestError: malformed JSON, an unknown key or a value of the wrong type.
    """
    if values and values[0] not in ("", None):
        return asdict(PanelRequest.from_value(values[0]))
    chosen = {name: value for name, value in zip(CONTROLS, values[1:], strict=False) if value not in (None, NOTHING)}
    return asdict(PanelRequest.from_value({"enabled": False, **chosen}))


def _infotext_fields(controls: Sequence[Any]) -> tuple[tuple[Any, Callable[[Mapping[str, str]], Any]], ...]:
    enabled, profile, arrange, quality, negative = controls

    def was_on(parameters: Mapping[str, str]) -> bool:
        return any(key in parameters for key in INFOTEXT.values())

    def keeps_or(key: str, default: Any) -> Callable[[Mapping[str, str]], Any]:
        return lambda parameters: parameters.get(INFOTEXT[key], default)

    return (
        (enabled, was_on),
        (profile, keeps_or("profile", gr.update())),
        (arrange, lambda parameters: parameters.get(INFOTEXT["arrange"], "True") == "True"),
        (quality, keeps_or("quality", NOTHING)),
        (negative, keeps_or("negative_preset", NOTHING)),
    )
