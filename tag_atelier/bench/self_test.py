"""What drawing in batches changes: a few cells drawn once more alone and compared with their stored pictures.

Called by ``bench.run`` after the first checkpoint, and by the report, which shows the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy
import numpy.typing
from PIL import Image as pillow
from PIL.Image import Image

from tag_atelier.bench.plan import Cell, Plan
from tag_atelier.bench.store import Store, StoredCell
from tag_atelier.ports import RenderedImage, Scorer

DrawAlone = Callable[[Cell], "RenderedImage | None"]
"""Draws one cell in a batch of one; None where that failed."""


def chosen(plan: Plan, stored: Sequence[StoredCell]) -> list[StoredCell]:
    """The cells to draw alone: ``self_test`` drawn cells of the first column, spread over its tags."""
    drawn = [item for item in stored if item.cell.checkpoint == 0 and item.cell.tags and item.state == "done"]
    count = min(plan.spec.self_test, len(drawn)) if plan.batch_size > 1 else 0
    return [drawn[index * len(drawn) // count] for index in range(count)]


def up_to_date(plan: Plan, store: Store) -> bool:
    """Whether the stored result belongs to this plan's pictures."""
    keys = {cell.key for cell in plan.cells}
    entries: list[Mapping[str, Any]] = store.self_test().get("cells", [])  # type: ignore[assignment]
    return bool(entries) and all(entry["key"] in keys for entry in entries)


def carry_out(plan: Plan, store: Store, scorer: Scorer, draw_alone: DrawAlone) -> None:
    """Draw the chosen cells alone, compare, and store the result. Raises what the host or the tagger raises."""
    entries = [
        _compared(store, scorer, item, alone.image)
        for item in chosen(plan, store.cells())
        if item.image is not None and (alone := draw_alone(item.cell)) is not None
    ]
    if entries:
        store.put_self_test({"batch_size": plan.batch_size, "scorer": scorer.identity, "cells": entries})


def result(store: Store, threshold: float, scorer: str) -> dict[str, object]:
    """The stored result as a report shows it; empty where none was made.

    ``difference`` is the mean absolute difference of the pixels in levels of 255, ``flips`` the number of cells whose
    verdict differs at ``threshold``; None where another tagger compared them, or the tags have no label.
    """
    found: Mapping[str, Any] = store.self_test()
    entries: Sequence[Mapping[str, Any]] = found.get("cells", ())
    if not entries:
        return {}
    judged = [entry for entry in entries if entry["together"] is not None]
    flips = sum((entry["together"] >= threshold) != (entry["alone"] >= threshold) for entry in judged)
    return {
        "batch_size": found["batch_size"],
        "cells": len(entries),
        "difference": sum(entry["difference"] for entry in entries) / len(entries),
        "flips": flips if judged and found["scorer"] == scorer else None,
        "judged": len(judged),
    }


def _compared(store: Store, scorer: Scorer, stored: StoredCell, alone: Image) -> dict[str, object]:
    assert stored.image is not None, "only drawn cells are chosen"
    with pillow.open(stored.image) as opened:
        together = numpy.asarray(opened.convert("RGB"), dtype=numpy.float32)
    pixels = numpy.asarray(alone.convert("RGB"), dtype=numpy.float32)
    same_size = together.shape == pixels.shape
    column = list(scorer.labels).index(stored.cell.tags[0]) if stored.cell.tags[0] in scorer.labels else None
    before = dict(store.score_rows(scorer.identity, {stored.cell.key})).get(stored.cell.key)
    known = column is not None and before is not None
    return {
        "key": stored.cell.key,
        "difference": float(numpy.abs(together - pixels).mean()) if same_size else 255.0,
        "together": float(before[column]) if known else None,  # type: ignore[index]
        "alone": float(scorer.score([alone])[0][column]) if known else None,
    }
