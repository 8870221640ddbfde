"""Composes the rooms inside the WebUI. ``scripts/tag_atelier.py`` imports this; without a WebUI see ``cli``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tag_atelier import api
from tag_atelier.host.webui import benchmark_script, callbacks, login, merge_in_job, options, panel_script, virtual_checkpoints
from tag_atelier.host.webui.build import build
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.ui import settings_page

atelier = Atelier(build(), options.values)
"""Lives as long as the process: "Reload UI" imports scripts/ again, but not this package."""


class _Page:
    """What ``ui`` builds. It is loaded when the WebUI draws its page, so never under --nowebui without the API."""

    @staticmethod
    def build_panel(atelier: Atelier, is_img2img: bool) -> Any:
        from tag_atelier.ui import panel

        return panel.build_panel(atelier, is_img2img)

    @staticmethod
    def values_to_request(values: Sequence[Any]) -> dict[str, Any]:
        from tag_atelier.ui import panel

        return panel.values_to_request(values)

    @staticmethod
    def build_script(atelier: Atelier) -> list[Any]:
        from tag_atelier.ui import script

        return script.build(atelier)

    @staticmethod
    def build_tab() -> Any:
        from tag_atelier.ui import tab

        return tab.build(atelier, in_webui=True, token=api.PAGE_TOKEN)


def scripts() -> tuple[type, type]:
    """The Script classes to register: the always-visible panel and the selectable benchmark."""
    return (
        panel_script.make_panel_script(atelier, _Page()),
        benchmark_script.make_benchmark_script(atelier, _Page.build_script),
    )


def register() -> None:
    """Hook everything else into the WebUI."""
    virtual_checkpoints.install(atelier.merges.shelf.recipes)
    callbacks.register(
        atelier.host,
        build_tab=_Page.build_tab,
        component_of=settings_page.component_of,
        on_app=_add_routes,
    )


def _add_routes(app: Any) -> None:
    merge_in_job.merge_when_chosen(atelier, panel_script.StateProgress)
    api.mount(app, atelier, login.admit_for(app))
