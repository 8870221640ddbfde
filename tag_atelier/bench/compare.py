"""Checkpoints of several runs side by side, on the tags and seeds that all of them have. Used by the jobs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from tag_atelier.bench.score import CheckpointScore, Evaluation, TagScore, accuracy_of, evaluate, pairs_of, with_tiers
from tag_atelier.bench.store import Store
from tag_atelier.errors import SpecError, say


def compare(stores: Sequence[tuple[str, Store]]) -> dict[str, Any]:
    """What runs say about the same tags: ``{tags, seeds, threshold, columns, pairs, notes}``.

    All runs are read at the threshold of the first one. A column is a checkpoint of a run; the pairs are tested as
    inside one run. ``notes`` say what makes the runs less comparable: other taggers, templates or parameters.

    Raises:
        SpecError: fewer than two runs, or no tag and seed that all of them scored.
    """
    if len(stores) < 2:
        raise SpecError("Fewer than two runs were named; expected at least two to compare.")
    threshold = evaluate(stores[0][1]).threshold
    found = [(name, evaluate(store, threshold)) for name, store in stores]
    shared = [tag for tag in found[0][1].scored if all(tag in other.scored for _, other in found)]
    seeds = [seed for seed in found[0][1].seeds if all(seed in other.seeds for _, other in found)]
    if not shared or not seeds:
        raise SpecError("These runs have no tag and seed in common that is scored; choose runs of the same tags and seeds.")
    columns = [
        _column(name, item, evaluation, shared, seeds, threshold)
        for name, evaluation in found
        for item in evaluation.checkpoints
    ]
    pairs = pairs_of(columns)
    columns = list(with_tiers(columns, pairs))
    return {
        "tags": len(shared),
        "seeds": seeds,
        "threshold": threshold,
        "columns": [
            {"name": item.name, "tier": item.tier, "hits": item.hits, "drawn": item.drawn, **item.accuracy._asdict()}
            for item in sorted(columns, key=lambda item: (item.tier, -item.accuracy.value))
        ],
        "pairs": [{**dataclasses.asdict(pair), "difference": pair.difference._asdict()} for pair in pairs],
        "notes": _notes([store for _, store in stores]),
    }


def _column(
    run: str, item: CheckpointScore, evaluation: Evaluation, tags: Sequence[str], seeds: Sequence[int], threshold: float
) -> CheckpointScore:
    """One checkpoint reduced to ``tags`` and ``seeds``."""
    places = [evaluation.seeds.index(seed) for seed in seeds]
    by_tag = {tag.tag: tag for tag in item.tags}
    kept = tuple(_reduced(by_tag[tag], places, threshold) for tag in tags)
    return dataclasses.replace(item, name=f"{item.name} ({run})", tags=kept, accuracy=accuracy_of(kept), tier=1)


def _reduced(tag: TagScore, places: Sequence[int], threshold: float) -> TagScore:
    if len(places) == len(tag.probabilities):
        return tag
    values = tuple(tag.probabilities[place] for place in places)
    known = [value for value in values if value is not None]
    hits = sum(value >= threshold for value in known)
    return dataclasses.replace(tag, probabilities=values, drawn=len(known), hits=hits, ranks=())


def _notes(stores: Sequence[Store]) -> list[str]:
    sentences = {
        "scorer": "The runs were scored by different taggers, so a part of the difference is theirs.",
        "template": "The runs have different templates, so a part of the difference is the prompt's.",
        "parameters": "The runs were drawn with different parameters, so a part of the difference is theirs.",
        "host": "The runs were drawn on different hosts, whose pictures of one prompt differ.",
    }
    values: dict[str, list[object]] = {name: [] for name in sentences}
    for store in stores:
        plan, manifest = store.plan(), store.manifest()
        spec: Any = plan.get("spec", {})
        own = {
            "scorer": plan.get("scorer"),
            "template": spec.get("template"),
            **{k: manifest.get(k) for k in ("parameters", "host")},
        }
        for name in values:
            values[name].append(own[name])
    return [say(sentence) for name, sentence in sentences.items() if any(value != values[name][0] for value in values[name])]
