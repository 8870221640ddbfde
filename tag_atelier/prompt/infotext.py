"""Reads generation parameters as the WebUI writes them under a picture. Called by ``jobs.prompt_picture``.

>>> found = read_infotext("1girl, hat\\nNegative prompt: lowres\\nSteps: 20, Sampler: Euler a, CFG scale: 7, Size: 64x96")
>>> found.prompt, found.negative, found.settings["height"]
('1girl, hat', 'lowres', 96)
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_NEGATIVE = "Negative prompt:"
_PAIR = re.compile(r'\s*([A-Za-z][\w \-/]*):\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|\Z)')
_FEWEST_PAIRS = 3
"""A last line with fewer is part of the prompt."""
_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")
_NAMES: Mapping[str, tuple[str, type]] = {
    "Steps": ("steps", int),
    "Sampler": ("sampler", str),
    "Schedule type": ("scheduler", str),
    "CFG scale": ("cfg_scale", float),
    "Seed": ("seed", int),
    "Clip skip": ("clip_skip", int),
    "Eta": ("eta", float),
    "Denoising strength": ("denoising_strength", float),
    "Model": ("model", str),
    "Model hash": ("model_hash", str),
    "VAE": ("vae", str),
}


@dataclass(frozen=True)
class Infotext:
    """What an infotext says."""

    prompt: str
    negative: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    """What we know by name: steps, sampler, scheduler, cfg_scale, seed, width, height, clip_skip, …"""
    others: Mapping[str, str] = field(default_factory=dict)
    """All further pairs as they were written."""


def read_infotext(text: str) -> Infotext:
    """Prompt, negative prompt and settings; a text without a line of parameters is all prompt. Never raises."""
    lines = text.replace("\r\n", "\n").strip().split("\n")
    pairs = _PAIR.findall(lines[-1])
    if len(pairs) < _FEWEST_PAIRS:
        pairs = []
    else:
        lines.pop()
    begin = next((index for index, line in enumerate(lines) if line.strip().startswith(_NEGATIVE)), len(lines))
    negative = "\n".join(lines[begin:]).strip().removeprefix(_NEGATIVE).strip()
    settings: dict[str, object] = {}
    others: dict[str, str] = {}
    for name, written in pairs:
        value = _unquoted(written.strip())
        size = _SIZE.fullmatch(value) if name == "Size" else None
        if size is not None:
            settings |= {"width": int(size[1]), "height": int(size[2])}
        elif name not in _NAMES or not _read(settings, _NAMES[name], value):
            others[name] = value
    return Infotext("\n".join(lines[:begin]).strip(), negative, settings, others)


def _read(settings: dict[str, object], known: tuple[str, type], value: str) -> bool:
    """Put the value under its key; False where it is not of its kind."""
    key, kind = known
    try:
        settings[key] = kind(value)
    except ValueError:
        return False
    return True


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value))
    except ValueError:
        return value
