"""What the embedded host is doing now: for progress over HTTP, the interrupt, and one job at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Activity:
    """Steps of the drawing that is under way; safe to read from other threads."""

    def __init__(self) -> None:
        self._queue = threading.Lock()
        self._stop = threading.Event()
        self.steps = 0
        """Of the drawing under way; 0 when idle."""
        self.done = 0

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Wait for whoever draws or merges, and keep others out meanwhile. Not re-entrant."""
        with self._queue:
            yield

    def begin(self, steps: int) -> None:
        """Start counting; an interrupt that came before does not count."""
        self._stop.clear()
        self.steps, self.done = steps, 0

    def advance(self) -> None:
        """One step is done."""
        self.done += 1

    def end(self) -> None:
        """Back to idle."""
        self.steps = self.done = 0

    def interrupt(self) -> None:
        """Stop the drawing under way after its current step."""
        self._stop.set()

    @property
    def interrupted(self) -> bool:
        """``interrupt`` was called since ``begin``."""
        return self._stop.is_set()
