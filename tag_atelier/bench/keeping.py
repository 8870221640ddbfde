"""What a tag changes besides itself: template tags it drives out, and labels that come unasked. Called by ``bench.score``.

Both are read against the no-tag baseline of the same checkpoint and seed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy
import numpy.typing

from tag_atelier.bench.store import Store, StoredCell
from tag_atelier.prompt.slots import canonical

RATINGS = frozenset({"general", "sensitive", "questionable", "explicit", "safe", "rating:general", "rating:sensitive"})
"""Labels that grade a picture and name nothing in it."""
SHOWN_LABELS = 6
"""So many of the labels that came unasked are listed, surest first; all are counted."""
_WEIGHT = re.compile(r":\s*[\d.]+\s*$")


@dataclass(frozen=True)
class Change:
    """One picture against its baseline."""

    kept: int
    keepable: int
    """Template tags that the baseline shows."""
    lost: tuple[str, ...]
    came: int
    """Labels seen here, not in the baseline, and not asked for."""
    came_first: tuple[str, ...]
    """The surest of them."""

    @property
    def keeping(self) -> float:
        """Share of the baseline's template tags still seen, 0…1; NaN where it shows none."""
        return self.kept / self.keepable if self.keepable else float("nan")


def template_tags(template: str) -> list[str]:
    """Canonical tags that the template asks for besides the one under test.

    >>> template_tags("1girl, {tag}, (blue dress:1.2), <lora:x:1>")
    ['1girl', 'blue_dress']
    """
    plain = re.sub(r"<[^>]*>", "", template)
    pieces = (_WEIGHT.sub("", re.sub(r"(?<!\\)[()\[\]{}]", "", piece)) for piece in plain.replace("{tag}", "").split(","))
    return list(dict.fromkeys(canonical(piece) for piece in pieces if piece.strip()))


def changes(
    store: Store, scorer: str, cells: Sequence[StoredCell], implied: Mapping[str, set[str]], threshold: float
) -> dict[str, Change]:
    """What changed in every drawn cell that has a drawn baseline, by cell key.

    Args:
        implied: for each tag under test the labels that belong to it, itself among them.
    """
    labels = store.labels(scorer)
    column = {label: index for index, label in enumerate(labels)}
    template = str(dict(store.plan().get("spec", {})).get("template", ""))  # type: ignore[call-overload]
    asked = [tag for tag in template_tags(template) if tag in column]
    drawn = {stored.cell.key: stored.cell for stored in cells if stored.state == "done"}
    place = {(cell.checkpoint, cell.seed): key for key, cell in drawn.items() if not cell.tags}
    baseline = {key: row >= threshold for key, row in store.score_rows(scorer, set(place.values()))}
    found = {}
    for key, row in store.score_rows(scorer, {key for key, cell in drawn.items() if cell.tags}):
        cell = drawn[key]
        before = baseline.get(place.get((cell.checkpoint, cell.seed), ""))
        if before is not None:
            own = set(asked).union(*(implied.get(tag, {tag}) for tag in cell.tags))
            found[key] = _change(row, before, [tag for tag in asked if before[column[tag]]], own, labels, threshold)
    return found


def _change(
    row: numpy.typing.NDArray[numpy.float32],
    before: numpy.typing.NDArray[numpy.bool_],
    keepable: Sequence[str],
    own: set[str],
    labels: Sequence[str],
    threshold: float,
) -> Change:
    seen = row >= threshold
    shown = {labels[index] for index in numpy.flatnonzero(seen)}
    new = [int(index) for index in numpy.flatnonzero(seen & ~before) if labels[index] not in own | RATINGS]
    new.sort(key=lambda index: -float(row[index]))
    lost = tuple(tag for tag in keepable if tag not in shown)
    first = tuple(labels[index] for index in new[:SHOWN_LABELS])
    return Change(len(keepable) - len(lost), len(keepable), lost, len(new), first)
