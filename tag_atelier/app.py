"""Composes the rooms inside the WebUI. ``scripts/tag_atelier.py`` imports this; without a WebUI see ``cli``."""

from __future__ import annotations

from typing import Any

from tag_atelier import api
from tag_atelier.host.webui import benchmark_script, callbacks, login, merge_in_job, options, panel_script, virtual_checkpoints
from tag_atelier.host.webui.build import build
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.ui import panel, script, settings_page, tab

atelier = Atelier(build(), options.values)
"""Lives as long as the process: "Reload UI" imports scripts/ again, but not this package."""


def scripts() -> tuple[type, type]:
    """The Script classes to register: the always-visible panel and the selectable benchmark."""
    return (
        panel_script.make_panel_script(atelier, panel),
        benchmark_script.make_benchmark_script(atelier, script.build),
    )


def register() -> None:
    """Hook everything else into the WebUI."""
    virtual_checkpoints.install(atelier.merges.shelf.recipes)
    callbacks.register(
        atelier.host,
        build_tab=lambda: tab.build(atelier, in_webui=True, token=api.PAGE_TOKEN),
        component_of=settings_page.component_of,
        on_app=_add_routes,
    )


def _add_routes(app: Any) -> None:
    merge_in_job.merge_when_chosen(atelier, panel_script.StateProgress)
    api.mount(app, atelier, login.admit_for(app))
