"""A job's part in live merges: the chosen virtual checkpoint, the job's own merge, and what its infotext says of them.

Called by ``panel_script``, inside a job, so with the WebUI's queue held; and by ``callbacks`` when a checkpoint is chosen.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from modules import shared
from modules.call_queue import queue_lock

from tag_atelier.errors import RequestError, TagAtelierError
from tag_atelier.host.webui import virtual_checkpoints, xyz_merge_axes
from tag_atelier.host.webui.refusal import refuse_later
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.jobs.panel import PanelRequest
from tag_atelier.ports import MERGE_INFOTEXT, RECIPE_INFOTEXT, Progress

logger = logging.getLogger(__name__)

_OWN = "tag_atelier_recipe"
"""Attribute of a job: the recipe that was merged for it alone."""


def merge(atelier: Atelier, p: Any, request: PanelRequest, progress: Progress) -> None:
    """Bring the loaded model to what this job shall be drawn with and say so; where it cannot be, the job stops."""
    merges = atelier.merges
    try:
        merges.follow(virtual_checkpoints.chosen(), progress)
        varied = xyz_merge_axes.wanted(request.merge or merges.live_recipe, p)
        if varied is not None:
            merges.apply_for_job(varied.as_dict(), progress, over_another=True)
        elif request.merge is not None:
            merges.apply_for_job(request.merge, progress)
    except TagAtelierError as error:
        refuse_later(p, error, "init")
        return
    recipe = merges.live_recipe
    setattr(p, _OWN, None if merges.stays else recipe)
    for key in (MERGE_INFOTEXT, RECIPE_INFOTEXT):
        p.extra_generation_params.pop(key, None)
    if recipe is not None:
        p.extra_generation_params[MERGE_INFOTEXT] = recipe.digest[:16]
        p.extra_generation_params[RECIPE_INFOTEXT] = json.dumps(recipe.as_dict(), ensure_ascii=False, separators=(",", ":"))


def put_back(atelier: Atelier, p: Any, progress: Progress) -> None:
    """Bring the loaded model back to what job ``p`` is drawn with, after another one was drawn inside it."""
    own = getattr(p, _OWN, None)
    try:
        if own is None:
            atelier.merges.end_job()
        else:
            atelier.merges.apply_for_job(own.as_dict(), progress, over_another=True)
    except TagAtelierError:
        logger.exception("the merge of a job could not be put back after what was drawn inside it; the job is stopped")
        shared.state.interrupt()


def keep(atelier: Atelier, p: Any, progress: Progress) -> None:
    """Before each batch: a pass inside the job may have loaded another checkpoint meanwhile (ADetailer's own, say).

    The job's own merge is put back; of one that somebody applied, and that is lost as by any switch, nothing more is told.
    """
    if getattr(p, _OWN, None) is not None:
        put_back(atelier, p, progress)
    elif MERGE_INFOTEXT in p.extra_generation_params and atelier.merges.live_recipe is None:
        for key in (MERGE_INFOTEXT, RECIPE_INFOTEXT):
            p.extra_generation_params.pop(key, None)


def refuse_second_model(atelier: Atelier, p: Any, request: PanelRequest) -> None:
    """A job that changes models half way would draw what follows unmerged. Raises RequestError."""
    chosen = virtual_checkpoints.chosen() is not None or atelier.merges.live_recipe is not None
    wanted = request.merge is not None or xyz_merge_axes.varies(p) or chosen
    for name in (getattr(p, "refiner_checkpoint", None), getattr(p, "hr_checkpoint_name", None)):
        if wanted and name not in (None, "", "None", "none", "Use same checkpoint"):
            raise RequestError(
                "The job switches to '{name}' half way, which undoes a merge; draw with one checkpoint, or restore the model.",
                name=name,
            )


def merge_when_chosen(atelier: Atelier, progress: Callable[[], Progress]) -> None:
    """Merge as soon as a virtual checkpoint is chosen in the menu, and unmerge when it is left; on Forge at the next job.

    The option's own callback goes first: it loads the file (A1111 modules/initialize_util.py:181).
    """
    option = shared.opts.data_labels.get("sd_model_checkpoint")
    before = getattr(option, "onchange", None)
    if before is None or getattr(before, "follows_recipes", False):
        return

    def changed() -> None:
        before()
        with queue_lock:
            atelier.merges.follow(virtual_checkpoints.chosen(), progress())

    changed.follows_recipes = True  # type: ignore[attr-defined]
    option.onchange = changed
