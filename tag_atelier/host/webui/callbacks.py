"""Every callback we register with the WebUI, in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from modules import script_callbacks

from tag_atelier.host.webui import options, virtual_checkpoints
from tag_atelier.ports import Host


def register(
    host: Host,
    build_tab: Callable[[], Any],
    component_of: options.ComponentOf,
    on_app: Callable[[Any], None],
) -> None:
    """Hook the tab, the settings, the routes and the model switch in.

    The WebUI drops all of an extension's callbacks on "Reload UI" and imports scripts/ again, which registers them anew.
    """
    script_callbacks.on_ui_tabs(lambda: [(build_tab(), "Tag Atelier", "tag_atelier")])
    script_callbacks.on_ui_settings(lambda: options.add_to_page(component_of))
    script_callbacks.on_app_started(lambda _demo, app: on_app(app))
    script_callbacks.on_model_loaded(lambda model: _model_loaded(host, model))


def _model_loaded(host: Host, model: Any) -> None:
    virtual_checkpoints.unmask(model)
    host.live_model.reloaded()
