"""Fetches a tagger from the model hub, when and only when somebody asks for it. The hub's mirror is honoured.

Standard library only; a half-finished download is never taken for a tagger.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tag_atelier.errors import Cancelled, TaggerError, UnknownName
from tag_atelier.ports import Progress
from tag_atelier.tagger.files import LABELS, MODEL, RECORD

HUB = "https://huggingface.co"
TIMEOUT_S = 30.0
SUGGESTED = "wd-swinv2-tagger-v3"
"""Offered first to somebody who has none: half a gigabyte, 10,861 tags, and good enough to judge with."""
CHECKSUM = "X-Linked-Etag"
"""Header in which the hub and its mirrors announce a large file's SHA-256 before they send one on to where it lies."""
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class HubTagger:
    """A tagger that can be asked for by name."""

    repository: str
    threshold: float
    """Where precision equals recall, or what its makers use; a suggestion, never a silent default."""
    size_mb: int
    """About how much is fetched, to be said before anything is asked of the hub."""
    model: str = MODEL
    """Name of the model's file on the hub; it is always saved as model.onnx."""
    labels: str = LABELS
    labels_here: str = ""
    """Under which name the labels are saved; empty: under their own."""


HUB_TAGGERS: dict[str, HubTagger] = {
    "wd-swinv2-tagger-v3": HubTagger("SmilingWolf/wd-swinv2-tagger-v3", 0.2653, 470),
    "wd-eva02-large-tagger-v3": HubTagger("SmilingWolf/wd-eva02-large-tagger-v3", 0.5296, 1260),
    "wd-v1-4-swinv2-tagger-v2": HubTagger("SmilingWolf/wd-v1-4-swinv2-tagger-v2", 0.3771, 470),
    "wd-v1-4-moat-tagger-v2": HubTagger("SmilingWolf/wd-v1-4-moat-tagger-v2", 0.3771, 330),
    "ml-danbooru": HubTagger("deepghs/ml-danbooru-onnx", 0.7, 230, "ml_caformer_m36_dec-5-97527.onnx", "classes.json"),
    "pixai-tagger-v0.9": HubTagger("deepghs/pixai-tagger-v0.9-onnx", 0.30, 1270),
    "camie-tagger-v2": HubTagger(
        "Camais03/camie-tagger-v2", 0.492, 790, "camie-tagger-v2.onnx", "camie-tagger-v2-metadata.json", "metadata.json"
    ),
    "cl-tagger-1.01": HubTagger(
        "cella110n/cl_tagger", 0.55, 1400, "cl_tagger_1_01/model.onnx", "cl_tagger_1_01/tag_mapping.json", "tag_mapping.json"
    ),
}
"""Thresholds: the model cards of the WD taggers; of the others those that their makers use. Sizes are rough."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects and keeps the checksum that the first answer announces; 308 is unknown to Python 3.10."""

    checksum = ""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        self.checksum = self.checksum or str(headers.get(CHECKSUM, ""))
        return super().redirect_request(req, fp, 307 if code == 308 else code, msg, headers, newurl)

    http_error_308 = urllib.request.HTTPRedirectHandler.http_error_302


def open_hub(url: str, timeout: float) -> Any:
    """The answer to ``url``, redirects followed; its headers hold the announced checksum, where one was announced."""
    redirects = _Redirects()
    answer = urllib.request.build_opener(redirects).open(url, timeout=timeout)
    if redirects.checksum and CHECKSUM not in answer.headers:
        answer.headers[CHECKSUM] = redirects.checksum
    return answer


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
        open_url: takes (url, timeout=seconds) and returns a binary stream with headers; ``open_hub`` unless a test says so.

    Raises:
        UnknownName: no tagger of that name is known.
        TaggerError: the hub is switched off (HF_HUB_OFFLINE), cannot be reached, or sent less than it announced.
        Cancelled: somebody pressed stop; nothing is left behind.
    """
    if name not in HUB_TAGGERS:
        raise UnknownName("tagger", name, list(HUB_TAGGERS))
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        raise TaggerError(
            "HF_HUB_OFFLINE is set, so '{name}' was not fetched; put its model and its labels into a folder yourself.",
            name=name,
        )
    target = Path(folder) / name
    target.mkdir(parents=True, exist_ok=True)
    # The model comes last: a folder without it is no tagger yet.
    known, record = HUB_TAGGERS[name], {}
    for remote, local in ((known.labels, known.labels_here or known.labels), (known.model, MODEL)):
        url = address(name, remote, mirror)
        record[local] = {"from": url, **_fetch(url, target / local, progress, open_url or open_hub)}
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
    return f"{source(mirror)}/{HUB_TAGGERS[name].repository}/resolve/main/{file_name}"


def source(mirror: str = "") -> str:
    """Address of the hub that is asked: ``mirror``, else the one that HF_ENDPOINT names, else the hub itself."""
    return (mirror or os.environ.get("HF_ENDPOINT", "")).strip().rstrip("/") or HUB


def _fetch(url: str, path: Path, progress: Progress, open_url: Callable[..., Any]) -> dict[str, object]:
    """Fetch one file; gives its size, its SHA-256 and whether the source had announced that one."""
    if not url.startswith(("https://", "http://")):
        raise TaggerError("'{url}' is no web address; the mirror (HF_ENDPOINT) should start with https://.", url=url)
    beside = path.with_name(path.name + ".part")
    try:
        with open_url(url, timeout=TIMEOUT_S) as answer:
            announced = _announced(answer.headers, url, path.parent)
            received, sha256 = _receive(answer, beside, progress, announced[0])
        _check(url, announced, received, sha256)
        beside.replace(path)
        return {"bytes": received, "sha256": sha256, "announced": bool(announced[1])}
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise TaggerError(
            "{url} could not be fetched ({error}); set HF_ENDPOINT to a mirror or copy the files by hand.", url=url, error=error
        ) from error
    finally:
        beside.unlink(missing_ok=True)


def _announced(headers: Any, url: str, folder: Path) -> tuple[int, str]:
    """Bytes (0: not said) and SHA-256 (empty: not said) that an answer announces."""
    if "text/html" in str(headers.get("Content-Type", "")):
        raise TaggerError(
            "{url} answered with a web page instead of the file; check the mirror or the network's login.", url=url
        )
    size = int(headers.get("Content-Length") or 0)
    free = shutil.disk_usage(folder).free
    if size > free:
        raise TaggerError(
            "'{folder}' has {free} MB free and {size} MB are to be fetched; make room first.",
            folder=folder,
            free=free // 1_000_000,
            size=size // 1_000_000,
        )
    named = str(headers.get(CHECKSUM, "")).strip('"').lower()
    return size, named if re.fullmatch("[0-9a-f]{64}", named) else ""


def _receive(answer: Any, beside: Path, progress: Progress, size: int) -> tuple[int, str]:
    """Write ``answer`` to ``beside``; gives its bytes and SHA-256. The progress counts bytes."""
    received, digest = 0, hashlib.sha256()
    progress.begin(size, beside.stem)
    with beside.open("wb") as file:
        while block := answer.read(_BLOCK_BYTES):
            if progress.cancelled:
                raise Cancelled("The download was stopped.")
            file.write(block)
            digest.update(block)
            received += len(block)
            progress.advance(len(block), beside.stem)
        file.flush()
        os.fsync(file.fileno())
    return received, digest.hexdigest()


def _check(url: str, announced: tuple[int, str], received: int, sha256: str) -> None:
    size, named = announced
    if size and received != size:
        raise TaggerError("{url} sent {received} of {size} bytes; try again.", url=url, received=received, size=size)
    if named and sha256 != named:
        raise TaggerError(
            "{url} arrived damaged: its SHA-256 begins with {found}, announced was {named}; fetch it again.",
            url=url,
            found=sha256[:16],
            named=named[:16],
        )
