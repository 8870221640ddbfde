"""How different pictures are, and how well they fit their prompts, by a CLIP model where one is at hand.

Vectors are kept beside the run, so that a report needs no model. Called by the jobs; ``result`` by the report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy
import numpy.typing
from PIL import Image as pillow
from PIL import UnidentifiedImageError
from PIL.Image import Image

from tag_atelier.bench import stats
from tag_atelier.bench.stats import Interval
from tag_atelier.bench.store import Store, StoredCell, write_whole
from tag_atelier.errors import Cancelled
from tag_atelier.ports import Progress

FILE = "clip.npz"
BATCH = 16
Vectors = numpy.typing.NDArray[numpy.float32]


class Embedder(Protocol):
    """A CLIP model: unit vectors of pictures and, where it has that half, of texts."""

    @property
    def identity(self) -> str:
        """Which model it is; other vectors are never mixed with its own."""

    def images(self, images: Sequence[Image]) -> Vectors:
        """Shape (len(images), D)."""

    def texts(self, texts: Sequence[str]) -> Vectors | None:
        """Shape (len(texts), D); None without the text half."""


@dataclass(frozen=True)
class Diversity:
    """One checkpoint."""

    seeds: Interval | None
    """1 − mean cosine over all pairs of seeds of one prompt, averaged over prompts; None with one seed."""
    response: Interval | None
    """1 − cosine of a tag's picture and the baseline of its seed, averaged over tags: how much a tag changes."""
    score: Interval | None
    """100 × cosine of picture and prompt, at least 0, averaged over tags; None without the text half."""


def embed(store: Store, model: Embedder, progress: Progress) -> int:
    """Compute and keep the vectors of all drawn pictures that have none yet; gives how many were new.

    Raises:
        Cancelled: somebody pressed stop; what was computed before is kept as it was.
        TaggerError: the model failed.
    """
    kept = _read(store.folder)
    known = kept if kept.get("model") == model.identity else {}
    pictures: dict[str, Vectors] = dict(known.get("pictures", {}))
    texts: dict[str, Vectors] = dict(known.get("texts", {}))
    cells = [item for item in store.cells() if item.state == "done" and item.image is not None]
    missing = [item for item in cells if item.cell.key not in pictures]
    for start in range(0, len(missing), BATCH):
        if progress.cancelled:
            raise Cancelled("The comparison of pictures was stopped; run it again to go on.")
        opened = [(item, image) for item in missing[start : start + BATCH] if (image := _open(item)) is not None]
        if opened:
            vectors = model.images([image for _, image in opened])
            pictures.update({item.cell.key: vector for (item, _), vector in zip(opened, vectors, strict=True)})
    prompts = sorted({item.cell.prompt for item in cells} - set(texts))
    for start in range(0, len(prompts), BATCH):
        found = model.texts(prompts[start : start + BATCH])
        if found is None:
            break
        texts.update(zip(prompts[start : start + BATCH], found, strict=True))
    if missing or prompts:
        _write(store.folder, model.identity, pictures, texts)
    return len(missing)


def result(folder: Path, cells: Sequence[StoredCell], checkpoints: int) -> list[Diversity | None]:
    """One per checkpoint from the kept vectors; None where it has none."""
    kept = _read(folder)
    pictures, texts = kept.get("pictures", {}), kept.get("texts", {})
    mine: list[list[StoredCell]] = [[] for _ in range(checkpoints)]
    for item in cells:
        if item.state == "done" and item.cell.key in pictures:
            mine[item.cell.checkpoint].append(item)
    return [_measured(found, pictures, texts) if found else None for found in mine]


def spread(vectors: Vectors) -> float:
    """1 − mean cosine over all pairs of unit vectors, shape (n, D), n ≥ 2.

    In closed form: the mean cosine of all pairs is (‖Σe‖² − n) / (n (n − 1)).
    """
    count = len(vectors)
    total = vectors.sum(axis=0, dtype=numpy.float64)
    return float(1 - (total @ total - count) / (count * (count - 1)))


def _measured(cells: Sequence[StoredCell], pictures: Mapping[str, Vectors], texts: Mapping[str, Vectors]) -> Diversity:
    by_tags: dict[tuple[str, ...], list[StoredCell]] = {}
    for item in cells:
        by_tags.setdefault(item.cell.tags, []).append(item)
    baseline = {item.cell.seed: pictures[item.cell.key] for item in by_tags.pop((), [])}
    spreads, responses, scores = [], [], []
    for found in by_tags.values():
        vectors = numpy.stack([pictures[item.cell.key] for item in found])
        if len(found) > 1:
            spreads.append(spread(vectors))
        changed = [
            1 - float(pictures[item.cell.key] @ baseline[item.cell.seed]) for item in found if item.cell.seed in baseline
        ]
        fits = [pictures[item.cell.key] @ texts[item.cell.prompt] for item in found if item.cell.prompt in texts]
        responses += [sum(changed) / len(changed)] if changed else []
        scores += [sum(max(0.0, 100 * float(fit)) for fit in fits) / len(fits)] if fits else []
    return Diversity(*(_mean(values) for values in (spreads, responses, scores)))


def _mean(values: Sequence[float]) -> Interval | None:
    return stats.bootstrap_mean(numpy.array(values, dtype=float)) if values else None


def _open(stored: StoredCell) -> Image | None:
    assert stored.image is not None, "only drawn cells are asked for"
    try:
        with pillow.open(stored.image) as opened:
            return opened.convert("RGB")
    except (UnidentifiedImageError, OSError):
        return None


def _read(folder: Path) -> dict[str, Any]:
    """``model``, ``pictures`` by cell key and ``texts`` by prompt; empty where nothing, or nothing readable, is kept."""
    try:
        with numpy.load(folder / FILE, allow_pickle=False) as kept:
            pictures = dict(zip(map(str, kept["keys"]), kept["pictures"].astype(numpy.float32), strict=True))
            texts = dict(zip(map(str, kept["prompts"]), kept["texts"].astype(numpy.float32), strict=True))
            return {"model": str(kept["model"]), "pictures": pictures, "texts": texts}
    except (OSError, ValueError, KeyError):
        return {}


def _write(folder: Path, model: str, pictures: Mapping[str, Vectors], texts: Mapping[str, Vectors]) -> None:
    import io

    buffer = io.BytesIO()
    numpy.savez(
        buffer,
        model=numpy.array(model),
        keys=numpy.array(list(pictures), dtype=numpy.str_),
        pictures=numpy.array(list(pictures.values()), dtype=numpy.float16),
        prompts=numpy.array(list(texts), dtype=numpy.str_),
        texts=numpy.array(list(texts.values()), dtype=numpy.float16),
    )
    write_whole(folder / FILE, buffer.getvalue())
