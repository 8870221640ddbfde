"""Finds the batch size of a plan that leaves it open: the largest that fits and still pays. Used by ``bench.run``."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable

from tag_atelier.bench.plan import Plan, is_batch_coupled, with_batch_size
from tag_atelier.errors import HostError, TagAtelierError
from tag_atelier.ports import Host, RenderRequest, SamplingParameters

logger = logging.getLogger(__name__)

LARGEST = 16
WORTH = 1.03
"""A batch twice as large must draw so many times as many pictures a second; else it only takes memory."""
STEPS = 6
"""Steps of a picture that is drawn for its time; fewer would time the decoding."""
OF_OTHERS = 4
"""Where other machines draw every picture by itself: how many are handed over at once."""

Draw = Callable[[list[RenderRequest], SamplingParameters], None]


def fitted(plan: Plan, host: Host, known: int, draw: Draw) -> Plan:
    """``plan`` with a batch size: its own, the one ``known`` from an earlier part of the run, or one found by trying.

    Args:
        known: 0 where the run is new.
        draw: draws one batch with the plan's first checkpoint and throws it away.

    Raises:
        Cancelled: somebody pressed stop.
        HostError: the host cannot even draw one picture.
    """
    if plan.batch_size:
        return plan
    most = min(LARGEST, len(plan.cells) // len(plan.checkpoints))
    if host.machines:
        size = known or OF_OTHERS
    elif is_batch_coupled(plan.spec):
        size = 1
    else:
        size = known or _tried(plan, most, draw)
    return with_batch_size(plan, size, host.name)


def _tried(plan: Plan, most: int, draw: Draw) -> int:
    cell = plan.cells[0]
    request = RenderRequest(cell.prompt, cell.negative, cell.seed)
    parameters = _short(plan.parameters(cell.checkpoint))
    draw([request], parameters)  # loads the checkpoint and warms up
    best, pace = 1, _pictures_per_second([request], parameters, draw)
    while best * 2 <= most:
        try:
            faster = _pictures_per_second([request] * best * 2, parameters, draw)
        except HostError as error:
            if not out_of_memory(error):
                raise
            break
        if faster < pace * WORTH:
            break
        best, pace = best * 2, faster
    logger.info("benchmark: %d pictures at once, %.3f a second in %d steps", best, pace, parameters.steps)
    return best


def _pictures_per_second(requests: list[RenderRequest], parameters: SamplingParameters, draw: Draw) -> float:
    started = time.perf_counter()
    draw(requests, parameters)
    return len(requests) / max(time.perf_counter() - started, 1e-9)


def _short(parameters: SamplingParameters) -> SamplingParameters:
    """As large as the real ones, so that what fits here fits there, but with few steps."""
    hires = parameters.hires
    if hires is not None:
        hires = dataclasses.replace(hires, steps=min(hires.steps or parameters.steps, STEPS))
    return dataclasses.replace(parameters, steps=min(parameters.steps, STEPS), hires=hires)


def out_of_memory(error: TagAtelierError) -> bool:
    """Whether a host says that the memory did not suffice: each in its own words, but all of them name the memory."""
    return isinstance(error, HostError) and "memory" in str(error).lower()
