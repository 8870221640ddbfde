"""Fetches a tagger from the model hub, when and only when somebody asks for it. The hub's mirror is honoured.

Standard library only; a half-finished download is never taken for a tagger.
"""

from __future__ import annotations

import hashlib
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tag_atelier.errors import Cancelled, TaggerError, UnknownName
from tag_atelier.ports import Progress
from tag_atelier.tagger.files import LABELS, MODEL, RECORD

HUB = "https://huggingface.co"
TIMEOUT_S = 30.0
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class HubTagger:
    """A tagger that can be asked for by name."""

    repository: str
    threshold: float
    """Where precision equals recall, or what its makers use; a suggestion, never a silent default."""
    model: str = MODEL
    """Name of the model's file on the hub; it is always saved as model.onnx."""
    labels: str = LABELS
    labels_here: str = ""
    """Under which name the labels are saved; empty: under their own."""


HUB_TAGGERS: dict[str, HubTagger] = {
    "wd-swinv2-tagger-v3": HubTagger("SmilingWolf/wd-swinv2-tagger-v3", 0.2653),
    "wd-eva02-large-tagger-v3": HubTagger("SmilingWolf/wd-eva02-large-tagger-v3", 0.5296),
    "wd-v1-4-swinv2-tagger-v2": HubTagger("SmilingWolf/wd-v1-4-swinv2-tagger-v2", 0.3771),
    "wd-v1-4-moat-tagger-v2": HubTagger("SmilingWolf/wd-v1-4-moat-tagger-v2", 0.3771),
    "ml-danbooru": HubTagger("deepghs/ml-danbooru-onnx", 0.7, "ml_caformer_m36_dec-5-97527.onnx", "classes.json"),
    "pixai-tagger-v0.9": HubTagger("deepghs/pixai-tagger-v0.9-onnx", 0.30),
    "camie-tagger-v2": HubTagger(
        "Camais03/camie-tagger-v2", 0.492, "camie-tagger-v2.onnx", "camie-tagger-v2-metadata.json", "metadata.json"
    ),
    "cl-tagger-1.01": HubTagger(
        "cella110n/cl_tagger", 0.55, "cl_tagger_1_01/model.onnx", "cl_tagger_1_01/tag_mapping.json", "tag_mapping.json"
    ),
}
"""Thresholds: the model cards of the WD taggers; of the others those that their makers use."""


def download(
    name: str,
    folder: str | Path,
    progress: Progress,
    open_url: Callable[..., object] | None = None,
    mirror: str = "",
) -> Path:
    """Fetch model and labels of ``name`` into ``folder/name`` and return that folder, with their SHA-256 in download.json.

    Args:
        mirror: address of a mirror of the hub; empty takes HF_ENDPOINT, else the hub itself.
        open_url: takes (url, timeout=seconds) and returns a binary stream with headers; ``urllib`` unless a test says so.

    Raises:
        UnknownName: no tagger of that name is known.
        TaggerError: the hub is switched off (HF_HUB_OFFLINE), cannot be reached, or sent less than it announced.
        Cancelled: somebody pressed stop; nothing is left behind.
    """
    if name not in HUB_TAGGERS:
        raise UnknownName("tagger", name, list(HUB_TAGGERS))
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        raise TaggerError(
            f"HF_HUB_OFFLINE is set, so '{name}' was not fetched; put its model and its labels into a folder yourself."
        )
    target = Path(folder) / name
    target.mkdir(parents=True, exist_ok=True)
    # The model comes last: a folder without it is no tagger yet.
    known, record = HUB_TAGGERS[name], {}
    for remote, local in ((known.labels, known.labels_here or known.labels), (known.model, MODEL)):
        url = address(name, remote, mirror)
        record[local] = {"from": url, **_fetch(url, target / local, progress, open_url or urllib.request.urlopen)}
        _write_record(target, {"repository": known.repository, "files": record})
    return target


def recorded(folder: Path) -> dict[str, object]:
    """What ``download`` wrote down of the tagger in ``folder``; empty for one that a person put there."""
    try:
        value = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _write_record(folder: Path, value: dict[str, object]) -> None:
    beside = folder / f"{RECORD}.part"
    beside.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    beside.replace(folder / RECORD)


def address(name: str, file_name: str, mirror: str = "") -> str:
    """Where a file of a known tagger lies: on ``mirror``, else on the one that HF_ENDPOINT names, else on the hub."""
    endpoint = (mirror or os.environ.get("HF_ENDPOINT", "")).strip().rstrip("/") or HUB
    return f"{endpoint}/{HUB_TAGGERS[name].repository}/resolve/main/{file_name}"


def _fetch(url: str, path: Path, progress: Progress, open_url: Callable[..., object]) -> dict[str, object]:
    """Fetch one file; gives its size and SHA-256."""
    if not url.startswith(("https://", "http://")):
        raise TaggerError(f"'{url}' is no web address; the mirror (HF_ENDPOINT) should start with https://.")
    beside, digest = path.with_name(path.name + ".part"), hashlib.sha256()
    try:
        with open_url(url, timeout=TIMEOUT_S) as answer, beside.open("wb") as file:  # type: ignore[attr-defined]
            announced = answer.headers.get("Content-Length")
            progress.begin(-(-int(announced or 0) // _BLOCK_BYTES), path.name)
            while block := answer.read(_BLOCK_BYTES):
                if progress.cancelled:
                    raise Cancelled("The download was stopped.")
                file.write(block)
                digest.update(block)
                progress.advance(1, path.name)
            file.flush()
            os.fsync(file.fileno())
        received = beside.stat().st_size
        if announced is not None and received != int(announced):
            raise TaggerError(f"{url} sent {received} of {announced} bytes; try again.")
        beside.replace(path)
        return {"bytes": received, "sha256": digest.hexdigest()}
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise TaggerError(
            f"{url} could not be fetched ({error}); set HF_ENDPOINT to a mirror or copy the files by hand."
        ) from error
    finally:
        beside.unlink(missing_ok=True)
