"""The embeddings and LoRA that are installed, with what their files say of themselves. Called by ``jobs`` only.

Only headers and the WebUI's own notes beside a LoRA are read; no pickle is opened. Answers are kept until a file changes.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from tag_atelier.errors import CheckpointError
from tag_atelier.merge.header import read_header
from tag_atelier.prompt.findings import Network
from tag_atelier.prompt.negatives import Embedding

LOOK_AGAIN_S = 10.0
"""A page that asks at every edit is answered from a look at the folders that is at most this old."""

_EMBEDDING_FILES = (".safetensors", ".pt", ".bin", ".png", ".webp")
_NETWORK_FILES = (".safetensors", ".pt", ".ckpt")
_WIDTHS = {768: "sd15", 1024: "sd20"}
"""Numbers per token of a text encoder that is alone."""
_MOST_FILES = 20_000
_LARGEST_NOTE = 1_000_000
_TRIGGER_NOTE = "activation text"
_WEIGHT_NOTE = "preferred weight"
"""Keys of the json that the WebUI keeps beside a LoRA (extensions-builtin/Lora/ui_edit_user_metadata.py)."""
_SEEN: dict[tuple[tuple[Path, ...], tuple[str, ...]], tuple[float, tuple[tuple[Path, int], ...]]] = {}
"""Folders and endings → when they were looked through last, and what was there."""


def find_embeddings(folders: Sequence[Path], max_age_s: float = 0.0) -> list[Embedding]:
    """All embeddings by name; of two files of one name the first. ``max_age_s``: how old the look at the folders may be."""
    found: dict[str, Embedding] = {}
    for path, changed_ns in _recent(tuple(folders), _EMBEDDING_FILES, max_age_s):
        name = path.stem
        if not (path.suffix.lower() in (".png", ".webp") and name.lower().endswith(".preview")):
            found.setdefault(name, _embedding(path, changed_ns))
    return [found[name] for name in sorted(found, key=str.lower)]


def network_names(folders: Sequence[Path], max_age_s: float = 0.0) -> list[str]:
    """Names of all LoRA as they are written between ``<lora:`` and the next colon."""
    return sorted({path.stem for path, _ in _recent(tuple(folders), _NETWORK_FILES, max_age_s)}, key=str.lower)


def network_facts(folders: Sequence[Path], names: Sequence[str], max_age_s: float = LOOK_AGAIN_S) -> dict[str, Network]:
    """What is known of these LoRA; those that are not installed are left out."""
    wanted = set(names)
    found: dict[str, Network] = {}
    for path, changed_ns in _recent(tuple(folders), _NETWORK_FILES, max_age_s) if wanted else ():
        if path.stem in wanted:
            found.setdefault(path.stem, _network(path, changed_ns))
    return found


def _recent(folders: tuple[Path, ...], endings: tuple[str, ...], max_age_s: float) -> tuple[tuple[Path, int], ...]:
    """The files as they were at most ``max_age_s`` seconds ago: large folders on slow disks take seconds to look through."""
    seen_at, files = _SEEN.get((folders, endings), (float("-inf"), ()))
    if time.monotonic() - seen_at >= max_age_s:
        files = tuple(_files(folders, endings))
        _SEEN[folders, endings] = (time.monotonic(), files)
    return files


def _files(folders: Sequence[Path], endings: tuple[str, ...]) -> Iterator[tuple[Path, int]]:
    left = _MOST_FILES
    for folder in folders:
        for place, _, names in os.walk(folder, followlinks=True):
            for name in sorted(names):
                if left and name.lower().endswith(endings):
                    left -= 1
                    path = Path(place, name)
                    try:
                        yield path, path.stat().st_mtime_ns
                    except OSError:
                        continue


@lru_cache(maxsize=4096)
def _embedding(path: Path, _changed_ns: int) -> Embedding:
    if path.suffix.lower() != ".safetensors":
        return Embedding(path.stem)
    try:
        shapes = {key: entry.shape for key, entry in read_header(path).tensors.items()}
    except (CheckpointError, OSError):
        return Embedding(path.stem)
    if "clip_g" in shapes and "clip_l" in shapes:
        return Embedding(path.stem, "sdxl", shapes["clip_g"][0] if len(shapes["clip_g"]) > 1 else 1)
    shape = next((shape for shape in shapes.values() if len(shape) == 2), (0, 0))
    return Embedding(path.stem, _WIDTHS.get(shape[1], ""), shape[0])


@lru_cache(maxsize=4096)
def _network(path: Path, _changed_ns: int) -> Network:
    notes = _notes(path.with_suffix(".json"))
    triggers = tuple(word.strip() for word in str(notes.get(_TRIGGER_NOTE) or "").split(",") if word.strip())
    weight = notes.get(_WEIGHT_NOTE)
    usual = float(weight) if isinstance(weight, (int, float)) and weight > 0 else None
    return Network(triggers, usual, base=_base(path))


def _notes(path: Path) -> Mapping[str, object]:
    try:
        if path.stat().st_size > _LARGEST_NOTE:
            return {}
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _base(path: Path) -> str:
    """``sdxl`` or ``sd15`` by what the trainer wrote into the file; empty where it wrote nothing."""
    if path.suffix.lower() != ".safetensors":
        return ""
    try:
        metadata = read_header(path).metadata
    except (CheckpointError, OSError):
        return ""
    said = f"{metadata.get('ss_base_model_version', '')} {metadata.get('modelspec.architecture', '')}".lower()
    if re.search(r"sdxl|stable-diffusion-xl", said):
        return "sdxl"
    return "sd15" if re.search(r"sd_v1|sd_1\.5|stable-diffusion-v1", said) else ""
