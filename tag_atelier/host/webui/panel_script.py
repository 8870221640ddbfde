"""The always-visible panel's part in every job: arrange the prompts, merge for one job, say so in the infotext."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from modules import scripts, shared

from tag_atelier.errors import TagAtelierError
from tag_atelier.host.webui import merge_in_job, options, xyz_axes, xyz_merge_axes
from tag_atelier.host.webui.job_prompts import write_prompts
from tag_atelier.host.webui.refusal import refuse_later
from tag_atelier.host.webui.running_jobs import is_called_again, outer_job, running_jobs
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.jobs.panel import PanelRequest
from tag_atelier.language import tell

logger = logging.getLogger(__name__)

TITLE = "Tag Atelier"


class Panel(Protocol):
    """The controls as drawn."""

    components: Sequence[Any]
    infotext_fields: Sequence[tuple[Any, Any]]
    """Which control takes what on paste."""

    def connect(self, parts: Mapping[str, Any]) -> None:
        """Bind what needs the WebUI's own components, given by their element ids; called once the tab is built."""


class PanelPage(Protocol):
    """What ``ui`` provides: the controls, and how their values read."""

    def build_panel(self, atelier: Atelier, is_img2img: bool) -> Panel:
        """Draw the controls; called several times, keeps nothing."""

    def values_to_request(self, values: tuple[Any, ...]) -> object:
        """The controls' values as the object (or JSON string) that ``PanelRequest`` reads."""


class StateProgress:
    """Progress inside a running job: the WebUI's own bar and Interrupt button."""

    def begin(self, total: int, text: str = "") -> None:
        """Show ``total`` steps on the bar."""
        shared.state.job_count, shared.state.job_no = max(total, 1), 0
        shared.state.processing_has_refined_job_count = True
        shared.state.textinfo = tell(text, options.language()) or None

    def advance(self, steps: int = 1, text: str = "") -> None:
        """Move the bar."""
        shared.state.textinfo = tell(text, options.language()) or shared.state.textinfo

    @property
    def cancelled(self) -> bool:
        """Interrupt, Skip or Stop was pressed."""
        state = shared.state
        return bool(state.interrupted or state.skipped or getattr(state, "stopping_generation", False))


class _AlwaysVisible(scripts.Script):
    def title(self) -> str:
        return TITLE

    def show(self, is_img2img: bool) -> Any:
        return scripts.AlwaysVisible


def make_panel_script(atelier: Atelier, page: PanelPage) -> type[scripts.Script]:
    """The Script class to register; txt2img and img2img get an instance each."""

    class PanelScript(_AlwaysVisible):
        """Runs for every job; does nothing when the panel is off and nothing is merged."""

        _parts: dict[str, Any]

        def __init__(self) -> None:
            super().__init__()
            self._parts = {}

        def ui(self, is_img2img: bool) -> list[Any]:
            xyz_axes.register(atelier)
            xyz_merge_axes.register(atelier)
            self._drawn = page.build_panel(atelier, is_img2img)
            self.infotext_fields = list(self._drawn.infotext_fields)
            return list(self._drawn.components)

        def after_component(self, component: Any, **kwargs: Any) -> None:
            # Called for every component of the tab; the log is among its last (A1111 modules/ui_common.py:220, Forge :217).
            name = str(kwargs.get("elem_id") or "")
            self._parts |= {name: component} if name else {}
            if name == f"html_log_{_tab(self.is_img2img)}":
                self._drawn.connect(self._parts)
                self._parts = {}

        def setup(self, p: Any, *_values: Any) -> None:
            # The WebUI closes the job's own p however the job ends; X/Y/Z draws copies of it, which nobody closes.
            _clean_up_when_closed(atelier, p)

        def before_process(self, p: Any, *values: Any) -> None:
            if not is_called_again(p):
                self._request = _read(atelier, page, p, values)

        def process(self, p: Any, *_values: Any) -> None:
            _carry_out(atelier, p, self._request, _tab(self.is_img2img))

        def process_batch(self, p: Any, *_values: Any, **_more: Any) -> None:
            merge_in_job.keep(atelier, p, StateProgress())

        def postprocess(self, p: Any, processed: Any, *_values: Any) -> None:
            _end(atelier, p)

    return PanelScript


def _tab(is_img2img: bool) -> str:
    return "img2img" if is_img2img else "txt2img"


def _read(atelier: Atelier, page: PanelPage, p: Any, values: tuple[Any, ...]) -> PanelRequest:
    """What this job asks for; nothing, and a job that stops at its next step, when it cannot be read."""
    if outer_job() is None:
        _clean_up(atelier)
    try:
        request = xyz_axes.wanted(PanelRequest.from_value(page.values_to_request(values)), p)
        merge_in_job.refuse_second_model(atelier, p, request)
        return request
    except TagAtelierError as error:
        refuse_later(p, error, "setup_prompts")
        return PanelRequest(enabled=False)


def _carry_out(atelier: Atelier, p: Any, request: PanelRequest, tab: str) -> None:
    if is_called_again(p):
        return
    report = atelier.panel.reports.get(tab)
    write_prompts(atelier, p, request, tab)
    if outer_job() is not None:
        atelier.panel.reports[tab] = report  # the panel tells of the picture's own prompt
    merge_in_job.merge(atelier, p, request, StateProgress())


def _end(atelier: Atelier, p: Any) -> None:
    """A job is drawn: undo its own merge. One inside another job leaves that one's as it was."""
    outer = outer_job()
    if is_called_again(p):
        return
    if outer is None:
        _clean_up(atelier)
    else:
        merge_in_job.put_back(atelier, outer, StateProgress())


def _clean_up_when_closed(atelier: Atelier, p: Any) -> None:
    close = p.close

    def clean_up_and_close() -> None:
        if not running_jobs():  # a second pass is closed inside its picture's job
            _clean_up(atelier)
        close()

    p.close = clean_up_and_close


def _clean_up(atelier: Atelier) -> None:
    """Undo a merge that was meant for one job, also one that a crashed job left behind or a model switch made stale."""
    model = atelier.host.live_model
    try:
        if model is not None:
            model.settle()
        atelier.merges.end_job()
    except TagAtelierError:
        logger.exception("restoring the loaded model failed")
