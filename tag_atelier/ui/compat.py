"""What gradio 3.41.2 and 4.40 spell differently, decided by feature. Used by every file of this room."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from tag_atelier.settings import EXTENSION_FOLDER

SCRIPT_FOLDER = EXTENSION_FOLDER / "javascript"
STYLE_FILE = EXTENSION_FOLDER / "style.css"


def listen(
    event: Callable[..., Any],
    function: Callable[..., Any] | None,
    inputs: Sequence[Any] = (),
    outputs: Sequence[Any] = (),
    javascript: str | None = None,
    latest: bool = False,
) -> Any:
    """Bind ``event`` (such as ``button.click``) outside gradio's queue, so that no drawing holds it up.

    ``javascript`` runs in the page, alone or before ``function``. ``latest`` is for what a person goes on changing: the
    last value is never dropped because an earlier one is still being answered. Returns gradio's dependency, for ``.then``.
    """
    options: dict[str, Any] = {"show_progress": "hidden", "queue": False, "api_name": False}
    if javascript is not None:
        options[_javascript_option(event)] = javascript
    if latest and hasattr(gr, "on"):
        # gradio 4 drops an event while the same one is under way, unless told otherwise; gradio 3 sends every one.
        options["trigger_mode"] = "always_last"
    return event(fn=function, inputs=list(inputs), outputs=list(outputs), **options)


def settled(control: Any) -> Callable[..., Any]:
    """The event of a control that a person has finished with; answers to single keystrokes would overtake each other."""
    if isinstance(control, gr.Slider):
        return control.release
    typed = isinstance(control, (gr.Textbox, gr.Number))
    return control.blur if typed and hasattr(control, "blur") else control.input  # gradio 4's Number has no blur


def _javascript_option(event: Callable[..., Any]) -> str:
    # gradio 4 renamed `_js` to `js`; Forge wraps events into a callable that takes either, but shows neither.
    names = inspect.signature(event).parameters
    return "js" if "js" in names else "_js"


def standalone_blocks(title: str) -> gr.Blocks:
    """An empty page that brings our script and style along, for use without a WebUI (which loads both itself)."""
    script = "\n".join(path.read_text(encoding="utf-8") for path in sorted(SCRIPT_FOLDER.glob("*.js")))
    style = STYLE_FILE.read_text(encoding="utf-8")
    # The default theme would ask a font service; a page that runs offline must not.
    theme = gr.themes.Default(font=("system-ui", "sans-serif"), font_mono=("ui-monospace", "Consolas", "monospace"))
    # Its orange on light orange, and white on bright orange, have 2.6 and 3.2 : 1; text needs 4.5.
    theme.set(
        button_primary_text_color="*primary_800",
        button_primary_text_color_dark="white",
        button_primary_background_fill_dark="linear-gradient(to bottom right, *primary_700, *primary_800)",
        button_primary_background_fill_hover_dark="linear-gradient(to bottom right, *primary_700, *primary_700)",
    )
    options: dict[str, Any] = {
        "title": title,
        "css": style + "\nfooter { display: none !important; }",
        "theme": theme,
        "analytics_enabled": False,
    }
    if "head" in inspect.signature(gr.Blocks.__init__).parameters:
        return gr.Blocks(head=f"<script>{script}</script>", **options)
    page = gr.Blocks(**options)
    with page:
        # As a script element, so that what it declares is global there too and any button's own line can name it.
        add = "() => {{ const node = document.createElement('script'); node.textContent = {}; document.head.append(node); }}"
        page.load(fn=None, inputs=None, outputs=None, _js=add.format(json.dumps(script)))
    return page
