"""Computes the bytes of an earlier step's result when they are asked for, as if they lay in a file. Called by stream."""

from __future__ import annotations

import threading
from bisect import bisect_right

from tag_atelier.merge.evaluate import Evaluator
from tag_atelier.merge.header import Header

_KEPT = 2
"""Tensors that are remembered: readers go through a tensor in pieces, two at a time."""


class StepReader:
    """Implements ``evaluate.Reader``; safe to share between threads. Holds two tensors of the step, not all of them."""

    def __init__(self, header: Header, evaluator: Evaluator) -> None:
        self.header = header
        self.replaced: dict[str, str] = {}
        """Key → why the step's A was taken there."""
        self._evaluator = evaluator
        self._steps = {step.key: step for step in evaluator.plan.steps}
        # Tensors without values start where the next one does and are never read.
        self._keys = [key for key, entry in header.tensors.items() if entry.size_bytes]
        self._starts = [header.tensors[key].start for key in self._keys]
        self._kept: dict[str, bytearray] = {}
        self._lock = threading.Lock()

    def read_into(self, target: memoryview, offset: int) -> None:
        """Fill ``target`` with the bytes from ``offset`` of the imagined file on. Raises what the step's sources do."""
        while len(target):
            key = self._keys[bisect_right(self._starts, offset) - 1]
            entry = self.header.tensors[key]
            inside = offset - entry.start
            count = min(len(target), entry.size_bytes - inside)
            target[:count] = memoryview(self._tensor(key))[inside : inside + count]
            target, offset = target[count:], offset + count

    def _tensor(self, key: str) -> bytearray:
        with self._lock:
            if key not in self._kept:
                computed = self._evaluator.compute(self._steps[key])
                if computed.replaced:
                    self.replaced[key] = computed.replaced
                while len(self._kept) >= _KEPT:
                    del self._kept[next(iter(self._kept))]
                self._kept[key] = computed.data
            return self._kept[key]
