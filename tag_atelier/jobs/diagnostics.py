"""What to paste into an issue: versions, machine, settings, the last error; no path, name of a model or person. For every door.

Always in English, whoever reads it. Nothing is imported to be asked for its version.
"""

from __future__ import annotations

import contextlib
import getpass
import platform
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from tag_atelier import __version__
from tag_atelier.errors import TagAtelierError
from tag_atelier.prompt.profile import load_profiles
from tag_atelier.settings import DEFAULTS
from tag_atelier.tagger import list_taggers

if TYPE_CHECKING:
    from tag_atelier.jobs.atelier import Atelier

PACKAGES = (
    "torch", "numpy", "pillow", "gradio", "fastapi", "pydantic", "safetensors", "onnxruntime", "onnxruntime-gpu",
    "onnxruntime-directml", "diffusers", "transformers", "optuna", "pyyaml",
)  # fmt: skip
HIDDEN = "…"
_SHORTEST_NAME = 3
"""Shorter names than this would take letters out of every word; they say nothing either."""
_HIDING = (
    (re.compile(r"(expected one of|known ones?): [^.;]*"), r"\1: " + HIDDEN),
    (re.compile(r"""'[^'\n]*'|"[^"\n]*"|“[^”\n]*”"""), f"'{HIDDEN}'"),
    (re.compile(r"\b[a-z]+://\S+"), "<address>"),
    (re.compile(r"(?:\b[A-Za-z]:|\\)[\\/][^\n:;,()'\"]*"), "<path>"),
    (re.compile(r"(?<![\w/.])~?/(?:[^\n:;,()'\"]*/)?[^\s:;,()'\"]*(?:[^\n:;,()'\"]*\.\w{2,11}\b)?"), "<path>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"), "<address>"),
)


def diagnostics(atelier: Atelier) -> dict[str, object]:
    """``{"text": what to paste}``."""
    facts = atelier.host.facts()
    jobs = atelier.runner.list()
    states = Counter(job.state for job in jobs)
    failed = next((job for job in reversed(jobs) if job.error), None)
    lines = {
        "Tag Atelier": __version__,
        "Host": " ".join(filter(None, (atelier.host.name, str(facts.get("version", ""))))),
        "Python": f"{platform.python_version()} on {platform.system()} {platform.release()} {platform.machine()}",
        "Packages": ", ".join(_versions()),
        "GPU": _gpu(),
        "Flags": " ".join(_names(facts, "flags")) or "none",
        "Extensions": ", ".join(_names(facts, "extensions")) or "none",
        "Settings": ", ".join(_settings(atelier)) or "all as they come",
        "Here are": _counted(atelier),
        "Jobs": ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none",
        "Last error": f"{failed.kind}: {failed.error}" if failed is not None else "none",
    }
    text = "\n".join(f"{name}: {value}" for name, value in lines.items())
    return {"text": hide(text, _private(atelier))}


def hide(text: str, private: Iterable[str]) -> str:
    """``text`` without what stands in quotes, paths, addresses, and the words in ``private``.

    >>> hide("C:\\\\Users\\\\ann\\\\m.safetensors: Unknown checkpoint 'my face'; expected one of: a, b. Ask ann.", ["ann"])
    "<path>: Unknown checkpoint '…'; expected one of: …. Ask <name>."
    >>> hide("/home/ann/x y is full", [])
    '<path> y is full'
    """
    for pattern, instead in _HIDING:
        text = pattern.sub(instead, text)
    for word in sorted({word for word in private if len(word) >= _SHORTEST_NAME}, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", "<name>", text, flags=re.IGNORECASE)
    return text


def _versions() -> Iterable[str]:
    for name in PACKAGES:
        try:
            yield f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            continue


def _gpu() -> str:
    """Name and memory of the GPU; torch is asked only where somebody has loaded it."""
    torch = sys.modules.get("torch")
    if torch is None:
        return "not asked, torch is not loaded"
    try:
        if not torch.cuda.is_available():
            return "none that torch can use"
        found = torch.cuda.get_device_properties(0)
        return f"{found.name}, {found.total_memory / 1e9:.0f} GB"
    except (RuntimeError, AssertionError) as error:
        return f"torch cannot say ({error})"


def _names(facts: Mapping[str, object], key: str) -> list[str]:
    found = facts.get(key)
    return [str(name) for name in found] if isinstance(found, (list, tuple)) else []


def _settings(atelier: Atelier) -> Iterable[str]:
    """Those that differ from their defaults; a text shows only where it is one of ours."""
    ours = {*load_profiles(), "en", "zh_CN", "auto"}
    for key, value in atelier.options().items():
        if value != DEFAULTS.get(key):
            shown = value if not isinstance(value, str) or value in ours else HIDDEN
            yield f"{key}={shown}"


def _counted(atelier: Atelier) -> str:
    """How much there is of what; why not, where the host cannot say."""
    try:
        checkpoints = len(atelier.host.checkpoints.list())
        runs = len(atelier.benchmarks.stored.folders())
        return f"{checkpoints} checkpoints, {len(list_taggers(atelier.host.tagger_folders))} taggers, {runs} runs"
    except (TagAtelierError, OSError) as error:
        return f"not known ({error})"


def _private(atelier: Atelier) -> set[str]:
    """Names that must not show even where no quotes or slashes give them away."""
    names = {platform.node(), Path.home().name}
    with contextlib.suppress(OSError, KeyError, ImportError):
        names.add(getpass.getuser())
    with contextlib.suppress(TagAtelierError, OSError):
        names |= {checkpoint.name for checkpoint in atelier.host.checkpoints.list()}
        names |= {*list_taggers(atelier.host.tagger_folders), *atelier.merges.shelf.recipes()}
        names |= {folder.name for folder in atelier.benchmarks.stored.folders()}
    return names
