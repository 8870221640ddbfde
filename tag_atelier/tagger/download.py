"""Fetches a tagger from the model hub, when and only when somebody asks for it. The hub's mirror is honoured.

Standard library only; a half-finished download is never taken for a tagger.
"""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tag_atelier.errors import Cancelled, TaggerError, UnknownName
from tag_atelier.ports import Progress
from tag_atelier.tagger.files import LABELS, MODEL

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


HUB_TAGGERS: dict[str, HubTagger] = {
    "wd-swinv2-tagger-v3": HubTagger("SmilingWolf/wd-swinv2-tagger-v3", 0.2653),
    "wd-eva02-large-tagger-v3": HubTagger("SmilingWolf/wd-eva02-large-tagger-v3", 0.5296),
    "wd-v1-4-swinv2-tagger-v2": HubTagger("SmilingWolf/wd-v1-4-swinv2-tagger-v2", 0.3771),
    "wd-v1-4-moat-tagger-v2": HubTagger("SmilingWolf/wd-v1-4-moat-tagger-v2", 0.3771),
    "ml-danbooru": HubTagger("deepghs/ml-danbooru-onnx", 0.7, "ml_caformer_m36_dec-5-97527.onnx", "classes.json"),
}
"""Thresholds: the model cards of the WD taggers; ML-Danbooru's is the one its makers use."""


def download(name: str, folder: str | Path, progress: Progress, open_url: Callable[..., object] | None = None) -> Path:
    """Fetch model and labels of ``name`` into ``folder/name`` and return that folder.

    Args:
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
    known = HUB_TAGGERS[name]
    for remote, local in ((known.labels, known.labels), (known.model, MODEL)):
        _fetch(address(name, remote), target / local, progress, open_url or urllib.request.urlopen)
    return target


def address(name: str, file_name: str) -> str:
    """Where a file of a known tagger lies, on the mirror that HF_ENDPOINT names where it is set."""
    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or HUB
    return f"{endpoint}/{HUB_TAGGERS[name].repository}/resolve/main/{file_name}"


def _fetch(url: str, path: Path, progress: Progress, open_url: Callable[..., object]) -> None:
    if not url.startswith(("https://", "http://")):
        raise TaggerError(f"'{url}' is no web address; HF_ENDPOINT should start with https://.")
    beside = path.with_name(path.name + ".part")
    try:
        with open_url(url, timeout=TIMEOUT_S) as answer, beside.open("wb") as file:  # type: ignore[attr-defined]
            announced = answer.headers.get("Content-Length")
            progress.begin(-(-int(announced or 0) // _BLOCK_BYTES), path.name)
            while block := answer.read(_BLOCK_BYTES):
                if progress.cancelled:
                    raise Cancelled("The download was stopped.")
                file.write(block)
                progress.advance(1, path.name)
            file.flush()
            os.fsync(file.fileno())
        received = beside.stat().st_size
        if announced is not None and received != int(announced):
            raise TaggerError(f"{url} sent {received} of {announced} bytes; try again.")
        beside.replace(path)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise TaggerError(
            f"{url} could not be fetched ({error}); set HF_ENDPOINT to a mirror or copy the files by hand."
        ) from error
    finally:
        beside.unlink(missing_ok=True)
