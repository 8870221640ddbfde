"""In which order people are asked for verdicts, and what they are shown. Used by the jobs behind the page of verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tag_atelier.bench.published import Published
from tag_atelier.bench.score import Evaluation, evaluate
from tag_atelier.bench.store import Store, StoredCell
from tag_atelier.bench.verdicts import FEWEST_FOR_CORRECTION, Verdict, agreement, corrected


def queue(store: Store, given: Mapping[str, Verdict], elsewhere: Published | None) -> dict[str, Any]:
    """Every drawn picture of a tag, the most informative first, with what is said of it so far.

    Returns:
        ``pictures``: one mapping each, in the order in which to ask: unjudged before judged ones; among them those on
        which tagger and published verdict differ, then those that differ between checkpoints, then by distance from
        the threshold; what the tagger does not know comes last. ``agreement`` and ``corrected`` say what the verdicts
        of the tagger's tags show so far; the tagger's own numbers stay as they are.
    """
    found = evaluate(store)
    plan: Any = store.plan()
    titles = {tag["name"]: tag.get("title", {}).get("zh_CN", "") for tag in plan.get("tags", [])}
    names = [item["name"] for item in plan.get("checkpoints", [])]
    drawn = [item for item in store.cells() if item.state == "done" and len(item.cell.tags) == 1 and item.image is not None]
    split = _split_tags(found, drawn)
    pictures = [
        _picture(item, found, given, elsewhere)
        | {"checkpoint": names[item.cell.checkpoint], "chinese": titles.get(item.cell.tags[0], "")}
        for item in drawn
    ]
    pictures.sort(key=lambda item: _order(item, found.threshold, split))
    told = agreement(found, given)
    return {
        "threshold": found.threshold,
        "source": elsewhere.source if elsewhere is not None else "",
        "fewest_for_correction": FEWEST_FOR_CORRECTION,
        "pictures": pictures,
        "agreement": {**asdict(told), "judged": told.judged, "share": told.share if told.judged else None},
        "corrected": _corrected(found, given),
    }


def _picture(
    stored: StoredCell, found: Evaluation, given: Mapping[str, Verdict], elsewhere: Published | None
) -> dict[str, Any]:
    tag, verdict = stored.cell.tags[0], given.get(stored.cell.key)
    reading = found.seen.get(stored.cell.key)
    known = reading is not None and bool(reading.asked) and tag in found.scored
    return {
        "key": stored.cell.key,
        "tag": tag,
        "seed": stored.cell.seed,
        "prompt": stored.cell.prompt,
        "image": stored.image.name if stored.image is not None else "",
        "probability": reading.asked[0][1] if known and reading is not None else None,
        "published": elsewhere.answers.get(tag) if elsewhere is not None else None,
        "verdict": asdict(verdict) if verdict is not None else None,
    }


def _split_tags(found: Evaluation, drawn: list[StoredCell]) -> set[tuple[str, int]]:
    """Tags and seeds that some checkpoints draw and others do not."""
    outcomes: dict[tuple[str, int], set[bool]] = {}
    for stored in drawn:
        reading = found.seen.get(stored.cell.key)
        if reading is not None and reading.asked and stored.cell.tags[0] in found.scored:
            hit = reading.asked[0][1] >= found.threshold
            outcomes.setdefault((stored.cell.tags[0], stored.cell.seed), set()).add(hit)
    return {place for place, hits in outcomes.items() if len(hits) > 1}


def _order(item: Mapping[str, Any], threshold: float, split: set[tuple[str, int]]) -> tuple[Any, ...]:
    probability, said = item["probability"], item["published"]
    if probability is None:
        return item["verdict"] is not None, True, True, True, 1.0
    disputed = said in ("drawn", "absent") and (said == "drawn") != (probability >= threshold)
    differs = (item["tag"], item["seed"]) in split
    return item["verdict"] is not None, False, not disputed, not differs, abs(probability - threshold)


def _corrected(found: Evaluation, given: Mapping[str, Verdict]) -> list[dict[str, Any]]:
    """Accuracy of each checkpoint as the tagger has it and with the tagger's own errors taken out."""
    lines = []
    for item in found.checkpoints:
        better = corrected(found, given, [tag.rate for tag in item.tags], item.control_rate)
        if better is not None:
            lines.append({"checkpoint": item.name, "accuracy": item.accuracy.value, "corrected": better._asdict()})
    return lines
