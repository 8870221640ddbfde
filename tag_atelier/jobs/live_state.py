"""Which recipe is in the loaded model, and until when. Used by ``jobs.merges``, always by whoever holds the host's queue."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal

from tag_atelier.errors import TagAtelierError, Unsupported
from tag_atelier.merge.recipe import Recipe
from tag_atelier.ports import Host, LiveModel, Progress

if TYPE_CHECKING:
    from tag_atelier.merge.live import LiveMerger, LiveResult
    from tag_atelier.merge.plan import MergePlan

logger = logging.getLogger(__name__)

Until = Literal["restored", "unchosen", "job's end"]
"""restored: somebody merged it and restores it; unchosen: it is the chosen virtual checkpoint; job's end: for one job."""


class LiveState:
    """The loaded model of one host as far as we changed it."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._merger: LiveMerger | None = None
        self._plan: MergePlan | None = None
        self._until: Until = "restored"
        self._before: tuple[MergePlan, Until] | None = None
        """What a job's own merge stands over."""

    @property
    def model(self) -> LiveModel:
        """The host's port. Raises Unsupported where it has none."""
        if self._host.live_model is None:
            sentence = "The host '{host}' cannot change a loaded model; merge to a file instead."
            raise Unsupported(sentence, host=self._host.name)
        return self._host.live_model

    @property
    def recipe(self) -> Recipe | None:
        """The recipe in the loaded model, or None when the model is its own."""
        model = self._host.live_model
        return self._plan.recipe if self._plan is not None and model is not None and model.dirty else None

    @property
    def until(self) -> Until | None:
        """How long it stays; None when the model is its own."""
        return self._until if self.recipe is not None else None

    def put(self, plan: MergePlan, until: Until, progress: Progress) -> LiveResult:
        """Make the loaded model the plan's result. Raises as ``merge.live.LiveMerger.apply`` does."""
        from tag_atelier.merge.live import LiveMerger

        model, recipe = self.model, self.recipe
        before = (self._plan, self._until) if recipe is not None and self._plan is not None else None
        if self._merger is None:
            self._merger = LiveMerger(model)
        result = self._merger.apply(plan, progress)
        if until != "job's end":
            self._before = None
        elif before is not None and before[1] != "job's end":
            self._before = before
        self._plan, self._until = plan, until
        return result

    def restore(self) -> None:
        """Put the model's own weights back."""
        self._plan = self._before = None
        if self._merger is not None:
            self._merger.restore()
        else:
            self.model.restore()

    def end_job(self, progress: Progress) -> None:
        """Undo what was put for one job, also for a job that crashed; what stood before it is put back."""
        if self._plan is None or self._until != "job's end":
            return
        before, dirty = self._before, self.recipe is not None
        if before is None or not dirty:
            self.restore()
            return
        try:
            self.put(*before, progress)
        except TagAtelierError:
            logger.exception("the merge that stood before the job could not be put back; the model's own weights are")
            self.restore()
