"""Writes the prompts of one drawing job as the panel was asked to, into picture and infotext. Called by ``panel_script``.

This is the last boundary before the WebUI's own code: whatever goes wrong here, the job is drawn from its prompts as given.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from modules import shared

from tag_atelier.host.webui import options
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.jobs.panel import INFOTEXT, PanelRequest
from tag_atelier.jobs.panel_prompts import NOTE_INFOTEXT, Outcome, Pair, Report
from tag_atelier.language import sentence

logger = logging.getLogger(__name__)

_OURS = {*INFOTEXT.values(), NOTE_INFOTEXT}
_LEFT = "Tag Atelier left the prompts as they are: {error}"
_NO_REFINER = (None, "", "None", "none")


def write_prompts(atelier: Atelier, p: Any, request: PanelRequest, tab: str) -> None:
    """Change ``p``'s lists of prompts, of the second pass too, and say so in infotext, comments, console and panel."""
    # A plot's cells share one mapping (scripts/xyz_grid.py:711); what the cell before wrote into it is not this cell's.
    p.extra_generation_params = {key: value for key, value in p.extra_generation_params.items() if key not in _OURS}
    atelier.panel.reports[tab] = None
    if not request.enabled:
        return
    try:
        _write(atelier, p, request, tab)
    except Exception as error:  # a picture is never lost to us
        logger.exception("the prompts were left as they are")
        p.comment(sentence(_LEFT, options.language(), error=f"{type(error).__name__}: {error}"))


def _write(atelier: Atelier, p: Any, request: PanelRequest, tab: str) -> None:
    first = list(zip(p.all_prompts, p.all_negative_prompts, strict=True))
    second: list[Pair] = []
    if getattr(p, "enable_hr", False) and getattr(p, "all_hr_prompts", None):
        second = list(zip(p.all_hr_prompts, p.all_hr_negative_prompts, strict=True))
    pins = () if getattr(p, "is_api", False) else atelier.panel.pins(tab)  # a program's request is not the page's user
    outcome = atelier.panel.write([*first, *second], request, atelier.host.checkpoints.loaded(), pins)
    drawn = [outcome.written[pair] for pair in first]
    if (p.main_prompt, p.main_negative_prompt) == first[0]:  # what a grid's infotext tells
        p.main_prompt, p.main_negative_prompt = drawn[0]
    p.all_prompts, p.all_negative_prompts = [pair[0] for pair in drawn], [pair[1] for pair in drawn]
    if second:
        redrawn = [outcome.written[pair] for pair in second]
        p.all_hr_prompts, p.all_hr_negative_prompts = [pair[0] for pair in redrawn], [pair[1] for pair in redrawn]
    p.extra_generation_params.update(outcome.infotext)
    _tell(p, outcome, atelier.panel.speak)
    atelier.panel.reports[tab] = Report(outcome, drawn[0], surroundings(p), len(first))


def _tell(p: Any, outcome: Outcome, speak: Any) -> None:
    """Every picture's infotext tells what was left of its own prompt; the comments tell it of all."""
    if outcome.notes:
        notes = {text: " ".join(found) for text, found in outcome.notes.items()}
        p.extra_generation_params[NOTE_INFOTEXT] = lambda prompt_text="", **_more: notes.get(prompt_text)
    for note in outcome.all_notes():
        logger.warning("%s", note)
        p.comment(f"Tag Atelier: {speak(note)}")


def surroundings(p: Any) -> Mapping[str, object]:
    """What a job is drawn with, in the keys of ``prompt.findings.Surroundings``."""
    return {
        "sampler": p.sampler_name,
        "steps": p.steps,
        "cfg_scale": p.cfg_scale,
        "width": p.width,
        "height": p.height,
        "clip_skip": getattr(p, "clip_skip", None) or shared.opts.CLIP_stop_at_last_layers,
        "refiner": getattr(p, "refiner_checkpoint", None) not in _NO_REFINER,
    }
