"""The always-visible panel's part in every job: arrange the prompts, merge for one job, say so in the infotext."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Protocol

from modules import scripts, shared

from tag_atelier.errors import TagAtelierError
from tag_atelier.host.webui.refusal import refuse_later
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.jobs.panel import PanelRequest

logger = logging.getLogger(__name__)

TITLE = "Tag Atelier"


INFOTEXT = {
    "profile": "Tag Atelier profile",
    "arrange": "Tag Atelier arrange",
    "quality": "Tag Atelier quality",
    "negative_preset": "Tag Atelier negative",
}
"""Keys under which a picture tells what the panel did; ``ui`` reads the same ones back on paste."""
MERGE_INFOTEXT = "Tag Atelier merge"


class Panel(Protocol):
    """The controls as drawn."""

    components: Sequence[Any]
    infotext_fields: Sequence[tuple[Any, Any]]
    """Which control takes what on paste."""


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
        shared.state.textinfo = text or None

    def advance(self, steps: int = 1, text: str = "") -> None:
        """Move the bar."""
        shared.state.textinfo = text or shared.state.textinfo

    @property
    def cancelled(self) -> bool:
        """Interrupt, Skip or Stop was pressed."""
        state = shared.state
        return bool(state.interrupted or state.skipped or getattr(state, "stopping_generation", False))


def make_panel_script(atelier: Atelier, page: PanelPage) -> type[scripts.Script]:
    """The Script class to register; txt2img and img2img get an instance each."""

    class PanelScript(scripts.Script):
        """Runs for every job; does nothing when the panel is off and nothing is merged."""

        def title(self) -> str:
            return TITLE

        def show(self, is_img2img: bool) -> Any:
            return scripts.AlwaysVisible

        def ui(self, is_img2img: bool) -> list[Any]:
            drawn = page.build_panel(atelier, is_img2img)
            self.infotext_fields = list(drawn.infotext_fields)
            return list(drawn.components)

        def before_process(self, p: Any, *values: Any) -> None:
            self._request = PanelRequest()
            _clean_up(atelier)
            try:
                self._request = PanelRequest.from_value(page.values_to_request(values))
                if self._request.enabled:
                    atelier.prompts.profile(self._request.profile)
            except TagAtelierError as error:
                refuse_later(p, error, "setup_prompts")

        def process(self, p: Any, *values: Any) -> None:
            request = self._request
            try:
                if request.enabled:
                    _write_prompts(atelier, p, request)
                    _merge(atelier, p, request)
            except TagAtelierError as error:
                refuse_later(p, error, "init")
            recipe = atelier.merges.live_recipe
            if recipe is not None:
                p.extra_generation_params[MERGE_INFOTEXT] = recipe.digest[:16]

        def postprocess(self, p: Any, processed: Any, *values: Any) -> None:
            if self._request.merge is not None:
                _clean_up(atelier)

    return PanelScript


def _write_prompts(atelier: Atelier, p: Any, request: PanelRequest) -> None:
    pairs = [
        atelier.prompts.for_panel(positive, negative, request)
        for positive, negative in zip(p.all_prompts, p.all_negative_prompts, strict=True)
    ]
    p.all_prompts, p.all_negative_prompts = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    if getattr(p, "enable_hr", False) and getattr(p, "all_hr_prompts", None):
        hires = [
            atelier.prompts.for_panel(positive, negative, request)
            for positive, negative in zip(p.all_hr_prompts, p.all_hr_negative_prompts, strict=True)
        ]
        p.all_hr_prompts, p.all_hr_negative_prompts = [pair[0] for pair in hires], [pair[1] for pair in hires]
    p.extra_generation_params.update(_infotext(request))


def _infotext(request: PanelRequest) -> dict[str, str]:
    """What of a request is not the default, and always the family."""
    said = {"profile": request.profile, "quality": request.quality, "negative_preset": request.negative_preset}
    if not request.arrange:
        said["arrange"] = "False"
    return {INFOTEXT[name]: value for name, value in said.items() if value}


def _merge(atelier: Atelier, p: Any, request: PanelRequest) -> None:
    """Merge for this job. The job is closed even when its sampling raises, so that is where it is undone at the latest."""
    if request.merge is None:
        return
    close = p.close

    def restore_and_close() -> None:
        _clean_up(atelier)
        close()

    p.close = restore_and_close
    atelier.merges.apply_for_job(request.merge, StateProgress())


def _clean_up(atelier: Atelier) -> None:
    """Undo a merge that was meant for one job, also one that a crashed job left behind or a model switch made stale."""
    model = atelier.host.live_model
    try:
        if model is not None:
            model.settle()
        atelier.merges.end_job()
    except TagAtelierError:
        logger.exception("restoring the loaded model failed")
