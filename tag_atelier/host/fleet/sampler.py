"""Draws a batch on all machines of a fleet. The engine gives each picture to whoever is free and again where one is lost.

What is left to us: a machine that is there but fails or hangs. Its pictures go to others, and it is left alone for a while.
"""

from __future__ import annotations

import dataclasses
import logging
import queue
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Any, Final

from tag_atelier.errors import Cancelled, HostError, TagAtelierError
from tag_atelier.host.fleet.catalogue import FleetCheckpoints
from tag_atelier.host.fleet.machine import Answer, Order, portable
from tag_atelier.host.fleet.members import POLL_S, Members, read
from tag_atelier.ports import Checkpoint, Progress, RenderedImage, RenderRequest, SamplingParameters
from tag_atelier.prompt.tokens import count_chunks

logger = logging.getLogger(__name__)

OVERDUE_S: Final = 120.0
"""Where no picture came for longer than this, and for several times as long as the slowest took, those who have what is
left are asked no more, and others draw it too: a graphics card may hang without a word."""
OVERDUE_TIMES: Final = 4.0


class FleetSampler:
    """Implements ``ports.Sampler``. The images of a batch are delivered when the last is there, as by one machine."""

    def __init__(self, members: Members, checkpoints: FleetCheckpoints) -> None:
        self._members, self._checkpoints = members, checkpoints

    def render(
        self,
        batch: Sequence[RenderRequest],
        parameters: SamplingParameters,
        checkpoint: Checkpoint,
        deliver: Callable[[RenderedImage], None],
        progress: Progress,
    ) -> None:
        """One batch. See ``ports.Sampler.render``. ``used`` of an image holds the name of its machine."""
        if progress.cancelled:
            raise Cancelled("Stopped before drawing.")
        identity = self._checkpoints.identify(checkpoint)
        asked = _Batch(self._members, [Order(portable(checkpoint), identity, request, parameters) for request in batch])
        for image in asked.finish(progress):
            deliver(image)

    def count_chunks(self, prompt: str) -> int:
        """Our estimate: which machine will draw is not known yet."""
        return count_chunks(prompt)

    def close(self) -> None:
        """Leave the fleet; for who goes on without it. A process that ends leaves by itself."""
        self._members.close()


class _Batch:
    """One batch: what is with the engine, what is there, and who failed at what."""

    def __init__(self, members: Members, orders: Sequence[Order]) -> None:
        self._members, self._orders = members, orders
        self._images: dict[int, RenderedImage] = {}
        self._asked: dict[Any, int] = {}
        self._choice: dict[Any, Collection[str] | None] = {}
        """Future → the machines it may be drawn by; None for all, also those that join later."""
        self._failed: list[set[str]] = [set() for _ in orders]
        self._done: queue.Queue[Any] = queue.Queue()
        self._heard, self._slowest_s = time.monotonic(), 0.0

    def finish(self, progress: Progress) -> list[RenderedImage]:
        """All images in order.

        Raises:
            Cancelled: by us, or by somebody at one of the machines.
            TagAtelierError: what the last machine said where all failed at an image.
        """
        try:
            machines = self._members.ready(self._name)
            for index in range(len(self._orders)):
                self._ask(index, machines)
            while len(self._images) < len(self._orders):
                if progress.cancelled:
                    raise Cancelled("Stopped while drawing; the unfinished batch was thrown away.")
                self._step()
        except TagAtelierError:
            with suppress(HostError):  # a fleet that is gone has nothing to be taken back from
                self._members.take_back(self._asked)
                self._members.settle()
            raise
        self._members.take_back(self._asked)  # what two machines drew and one has brought
        return [self._images[index] for index in range(len(self._orders))]

    @property
    def _name(self) -> str:
        return self._orders[0].checkpoint.name

    def _ask(self, index: int, machines: Collection[str]) -> None:
        choice = None if set(machines) == set(self._members.addresses()) else machines
        future = self._members.submit(choice, "draw", self._orders[index])
        self._asked[future], self._choice[future] = index, choice
        future.add_done_callback(self._done.put)

    def _step(self) -> None:
        try:
            future = self._done.get(timeout=POLL_S)
        except queue.Empty:
            self._look_after()
            return
        index = self._asked.pop(future, None)
        if index is None:  # taken back meanwhile
            return
        answer = read(future)
        waited = time.monotonic() - self._heard
        if answer.error is None:
            self._heard, self._slowest_s = time.monotonic(), max(self._slowest_s, waited)
            if index not in self._images and isinstance(answer.value, RenderedImage):
                self._images[index] = dataclasses.replace(answer.value, index=index)
        elif index not in self._images:
            self._again(index, answer)

    def _again(self, index: int, answer: Answer) -> None:
        """Let another machine try what one failed at. Raises what it said where there is no other."""
        assert answer.error is not None, "only called with an error"
        if isinstance(answer.error, Cancelled) or not answer.address:
            raise answer.error
        if not self._members.is_refused(answer.address, self._name):  # of what waited for it only the first is told of
            logger.warning("%s is left out for a while, others draw in its place: %s", answer.label, answer.error)
        self._members.refuse([answer.address], self._name)
        self._failed[index].add(answer.address)
        if index in self._asked.values():
            return  # somebody else is at it already
        others = self._members.ready(self._name, without=self._failed[index])
        if not others:
            raise answer.error
        self._ask(index, others)

    def _look_after(self) -> None:
        """Nothing came just now: has everyone gone whom a picture was left to, or does somebody hang?"""
        present = set(self._members.addresses())
        for future, index in list(self._asked.items()):
            choice = self._choice[future]
            if choice is not None and not present.intersection(choice):
                del self._asked[future]
                self._members.take_back([future])
                self._ask(index, self._members.ready(self._name))
        if time.monotonic() - self._heard > max(OVERDUE_S, OVERDUE_TIMES * self._slowest_s):
            self._heard = time.monotonic()
            self._draw_twice()

    def _draw_twice(self) -> None:
        """Give what is left to others too; whoever has it may still bring it."""
        keys = {future.key: index for future, index in self._asked.items()}
        holders = {address: held for address, names in self._members.holding().items() if (held := set(names) & keys.keys())}
        self._members.refuse(holders, self._name)
        for index in sorted(set(self._asked.values()) - self._images.keys()):
            having = {address for address, held in holders.items() if index in {keys[key] for key in held}}
            others = [address for address in self._members.ready(self._name, without=having) if address not in holders]
            if having and others:
                logger.warning("no picture for long from %s; another machine draws it too", ", ".join(sorted(having)))
                self._ask(index, others)
