"""A family's suggested sampler, size and numbers as values of a host's own controls. Called by the panel's button."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tag_atelier.prompt.profile import Sampling


@dataclass(frozen=True)
class ControlValues:
    """What to set; None: leave the control as it is."""

    sampler: str | None
    scheduler: str | None
    steps: int
    cfg_scale: float
    width: int
    height: int
    clip_skip: int
    missing: tuple[str, ...] = ()
    """Names the host does not offer."""


def control_values(
    advised: Sampling, samplers: Sequence[str], schedulers: Sequence[str], size: tuple[int, int] = (0, 0)
) -> ControlValues:
    """``advised`` in the names that ``samplers`` and ``schedulers`` offer; a ``size`` that the family knows is kept.

    A name of both, as ``DPM++ 2M Karras`` in older guides, is taken apart where the host has a menu of schedules, and a
    sampler and a schedule are put together where it has none.

    >>> control_values(Sampling("DPM++ 2M Karras"), ["Euler", "DPM++ 2M"], ["Automatic", "Karras"]).scheduler
    'Karras'
    >>> control_values(Sampling("DPM++ 2M", "Karras"), ["Euler", "DPM++ 2M Karras"], []).sampler
    'DPM++ 2M Karras'
    """
    sampler, scheduler = advised.sampler, advised.scheduler
    if schedulers and _find(sampler, samplers) is None:
        ending = next((name for name in schedulers if sampler.lower().endswith(f" {name.lower()}")), "")
        sampler, scheduler = (sampler[: -len(ending) - 1], ending) if ending else (sampler, scheduler)
    if not schedulers and scheduler != "Automatic":
        sampler, scheduler = f"{sampler} {scheduler}", "Automatic"
    found, schedule = _find(sampler, samplers), _find(scheduler, schedulers)
    wanted = [(sampler, found), (scheduler, schedule if schedulers or scheduler != "Automatic" else scheduler)]
    width, height = size if size in advised.sizes else advised.sizes[0]
    return ControlValues(
        found,
        schedule,
        int(advised.steps),
        float(advised.cfg_scale),
        width,
        height,
        int(advised.clip_skip),
        tuple(name for name, there in wanted if there is None),
    )


def _find(name: str, offered: Sequence[str]) -> str | None:
    return next((one for one in offered if one.lower() == name.lower()), None)
