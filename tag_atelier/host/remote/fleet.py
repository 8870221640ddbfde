"""Several WebUIs at once behind one ``Sampler``: they take a batch's images from one queue, each as fast as it can.

A machine that fails gives its image back to the others and is left alone for a while. Used by ``host.remote``.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from tag_atelier.errors import Cancelled, HostError, TagAtelierError, UnknownName
from tag_atelier.ports import (
    Checkpoint,
    CheckpointCatalogue,
    Progress,
    RenderedImage,
    RenderRequest,
    Sampler,
    SamplingParameters,
)

logger = logging.getLogger(__name__)

POLL_S: Final = 0.2
RETRY_S: Final = 60.0
"""So long a machine that failed is left alone while others can draw."""
OVERDUE_S: Final = 120.0
"""An image that a machine has had for longer than this, and for several times as long as the slowest so far, is drawn by
another machine too: the first one may have been switched off without a word."""
OVERDUE_TIMES: Final = 4.0
STOP_S: Final = 12.0
"""How long machines may take to stop after a cancel."""


@dataclass
class Machine:
    """One WebUI of a fleet."""

    name: str
    """Its address, without credentials."""
    sampler: Sampler
    checkpoints: CheckpointCatalogue
    lost_at: float = -RETRY_S
    """When it failed last, by ``time.monotonic``."""
    busy: bool = field(default=False)

    def find(self, checkpoint: Checkpoint) -> Checkpoint:
        """Its own entry for the checkpoint that another machine lists. Raises UnknownName."""
        for name in (checkpoint.sha256, checkpoint.title):
            try:
                if name:
                    return self.checkpoints.resolve(name)
            except UnknownName:
                continue
        return self.checkpoints.resolve(checkpoint.name)


class Fleet:
    """Implements ``ports.Sampler``. The images of a batch are delivered when the last is there, as by one machine."""

    def __init__(self, machines: Sequence[Machine]) -> None:
        self._machines = tuple(machines)

    def render(
        self,
        batch: Sequence[RenderRequest],
        parameters: SamplingParameters,
        checkpoint: Checkpoint,
        deliver: Callable[[RenderedImage], None],
        progress: Progress,
    ) -> None:
        """One batch. See ``ports.Sampler.render``. ``used`` of an image holds the number of its machine, from 1."""
        work = _Work(len(batch))

        def draw(machine: Machine, index: int) -> RenderedImage:
            found: list[RenderedImage] = []
            own = machine.find(checkpoint)
            machine.sampler.render([batch[index]], parameters, own, found.append, progress)
            if not found:
                raise HostError("{name} delivered no image; see its console.", name=machine.name)
            name = checkpoint.name if found[0].checkpoint in (own.name, own.title) else found[0].checkpoint
            used = {**found[0].used, "machine": self._machines.index(machine) + 1}
            return dataclasses.replace(found[0], index=index, checkpoint=name, used=used)

        for machine in self._ready():
            work.enlist(machine, draw)
        for image in work.finish(progress):
            deliver(image)

    def count_chunks(self, prompt: str) -> int:
        """As the first machine counts."""
        return self._machines[0].sampler.count_chunks(prompt)

    def _ready(self) -> list[Machine]:
        """Machines to draw with: those that did not fail lately, or all that are free where all of them did."""
        free = [machine for machine in self._machines if not machine.busy]
        return [machine for machine in free if time.monotonic() - machine.lost_at >= RETRY_S] or free


class _Work:
    """One batch: what is waiting, what is being drawn since when, and what is there."""

    def __init__(self, count: int) -> None:
        self._changed = threading.Condition()
        self._count = count
        self._waiting = deque(range(count))
        self._begun: dict[int, float] = {}
        self._images: dict[int, RenderedImage] = {}
        self._slowest_s = 0.0
        self._serving = 0
        self._over = False
        self._error: TagAtelierError = HostError("None of the WebUIs is free; wait until they are and run it again.")

    def enlist(self, machine: Machine, draw: Callable[[Machine, int], RenderedImage]) -> None:
        """Let ``machine`` draw along on a thread of its own until the batch is over or it fails."""
        machine.busy = True
        with self._changed:
            self._serving += 1
        threading.Thread(target=self._serve, args=(machine, draw), name="tag-atelier-fleet", daemon=True).start()

    def finish(self, progress: Progress) -> list[RenderedImage]:
        """All images in order. Raises what the last machine raised when none is left, and Cancelled."""
        with self._changed:
            try:
                while len(self._images) < self._count:
                    if progress.cancelled or isinstance(self._error, Cancelled):
                        self._stop()
                    if not self._serving:
                        raise self._error
                    self._changed.wait(POLL_S)
            finally:
                self._over = True
                self._changed.notify_all()
            return [self._images[index] for index in range(self._count)]

    def _stop(self) -> None:
        # Every machine hears of the cancel itself, and interrupts what it is drawing.
        self._over = True
        self._changed.notify_all()
        self._changed.wait_for(lambda: not self._serving, STOP_S)
        if isinstance(self._error, Cancelled):
            raise self._error
        raise Cancelled("Stopped while drawing; the unfinished batch was thrown away.")

    def _serve(self, machine: Machine, draw: Callable[[Machine, int], RenderedImage]) -> None:
        try:
            while (index := self._take()) is not None:
                started = time.monotonic()
                try:
                    image = draw(machine, index)
                except TagAtelierError as error:
                    machine.lost_at = time.monotonic()
                    self._give_back(machine, index, error)
                    return
                self._put(image, time.monotonic() - started)
        finally:
            machine.busy = False
            with self._changed:
                self._serving -= 1
                self._changed.notify_all()

    def _take(self) -> int | None:
        """The next image to draw; waits while all are in other hands; None when the batch is over."""
        with self._changed:
            while not self._over and len(self._images) < self._count:
                index = self._waiting.popleft() if self._waiting else self._overdue()
                if index is not None:
                    self._begun[index] = time.monotonic()
                    return index
                self._changed.wait(POLL_S)
            return None

    def _overdue(self) -> int | None:
        patience = max(OVERDUE_S, OVERDUE_TIMES * self._slowest_s)
        late = time.monotonic() - patience
        return next((index for index, begun in self._begun.items() if index not in self._images and begun < late), None)

    def _put(self, image: RenderedImage, seconds: float) -> None:
        with self._changed:
            self._images.setdefault(image.index, image)
            self._slowest_s = max(self._slowest_s, seconds)
            self._changed.notify_all()

    def _give_back(self, machine: Machine, index: int, error: TagAtelierError) -> None:
        with self._changed:
            self._error = error
            if index not in self._images:
                self._waiting.appendleft(index)
            if not isinstance(error, Cancelled):
                logger.warning("%s is left out for a while, its images go to the other machines: %s", machine.name, error)
            self._changed.notify_all()
