"""What the user's LoRA and embedding files say of themselves: trigger words, preferred weight, base, character or not.

Reads headers and the WebUI's own notes beside the files, never a tensor. Called by ``jobs.surroundings`` and the routes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from tag_atelier.errors import CheckpointError

_ENDINGS = (".safetensors", ".pt", ".ckpt", ".bin")
_BASES = (
    ("sdxl", re.compile(r"sdxl|stable-diffusion-xl", re.I)),
    ("sd15", re.compile(r"sd_?v?1|stable-diffusion-v1|SD1", re.I)),
)
_CONTEXT = {768: "sd15", 2048: "sdxl"}
"""Width of the text that a UNet's cross-attention reads → base."""
_NETWORK = re.compile(r"<[^<>]*>")
_CHARACTER = re.compile(r"\\?\([^)]+\\?\)\s*$")


def find_files(folders: Sequence[Path]) -> dict[str, Path]:
    """Name without ending → file, of all network files below ``folders``; the first of two of one name."""
    found: dict[str, Path] = {}
    for folder in folders:
        if folder.is_dir():
            for path in sorted(folder.rglob("*")):
                if path.suffix.lower() in _ENDINGS:
                    found.setdefault(path.stem, path)
    return found


def network_facts(names: Collection[str], folders: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """``{name: {triggers, weight, character, base}}`` of those ``names`` that are there, keys as in ``findings.Network``."""
    files = find_files(folders) if names else {}
    return {name: dict(_facts(files[name], _stamp(files[name]))) for name in names if name in files}


def installed_embeddings(folders: Sequence[Path]) -> list[dict[str, str]]:
    """``[{name, base}]`` by name; base is ``sd15``, ``sdxl``, or empty where the file does not tell (or is pickled)."""
    files = find_files(folders)
    return [{"name": name, "base": _embedding_base(files[name], _stamp(files[name]))} for name in sorted(files, key=str.lower)]


def _stamp(path: Path) -> tuple[int, int]:
    """Changes with the file or with the notes beside it."""
    notes = path.with_suffix(".json")
    return (path.stat().st_mtime_ns if path.exists() else 0, notes.stat().st_mtime_ns if notes.exists() else 0)


@lru_cache(maxsize=512)
def _facts(path: Path, stamp: tuple[int, int]) -> Mapping[str, Any]:
    metadata, shapes = _header(path)
    notes = _notes(path.with_suffix(".json"))
    said = str(notes.get("activation text") or metadata.get("modelspec.trigger_phrase") or "")
    triggers = [word.strip() for word in _NETWORK.sub("", said).split(",") if word.strip()]
    weight = notes.get("preferred weight")
    about = str(metadata.get("modelspec.tags", "")).lower()
    return {
        "triggers": triggers,
        "weight": float(weight) if isinstance(weight, (int, float)) and weight else None,
        "character": "character" in about or any(_CHARACTER.search(word) for word in triggers),
        "base": _said_base(str(notes.get("sd version", "")), metadata) or _built_base(shapes),
    }


def _said_base(noted: str, metadata: Mapping[str, str]) -> str:
    for text in (noted, metadata.get("ss_base_model_version", ""), metadata.get("modelspec.architecture", "")):
        for base, pattern in _BASES:
            if pattern.search(text):
                return base
    return ""


def _built_base(shapes: Mapping[str, tuple[int, ...]]) -> str:
    """By the text encoders it changes, else by the width of the text its cross-attention reads."""
    if any(key.startswith(("lora_te1_", "lora_te2_")) for key in shapes):
        return "sdxl"
    for key, shape in shapes.items():
        if "attn2_to_k" in key and ("lora_down" in key or "lora_A" in key) and shape:
            return _CONTEXT.get(shape[-1], "")
    return ""


@lru_cache(maxsize=512)
def _embedding_base(path: Path, stamp: tuple[int, int]) -> str:
    _, shapes = _header(path)
    if {"clip_l", "clip_g"} <= set(shapes):
        return "sdxl"
    return "sd15" if any(shape[-1:] == (768,) for shape in shapes.values()) else ""


def _header(path: Path) -> tuple[Mapping[str, str], Mapping[str, tuple[int, ...]]]:
    """Metadata and shapes; nothing for a file that is no safetensors file: a pickle is never opened."""
    from tag_atelier.merge.header import read_header

    if path.suffix.lower() != ".safetensors":
        return {}, {}
    try:
        header = read_header(path)
    except (CheckpointError, OSError):
        return {}, {}
    return header.metadata, {key: entry.shape for key, entry in header.tensors.items()}


def _notes(path: Path) -> Mapping[str, Any]:
    """What the WebUI's own editor of a LoRA's card wrote beside it."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
