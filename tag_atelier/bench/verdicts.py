"""Verdicts by people on the pictures of a run, kept in a file beside it.

Never mixed into automatic numbers. Written by the doors, read by the report.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy

from tag_atelier.bench.fields import only_known, text, truth
from tag_atelier.bench.published import ANSWERS, Answer
from tag_atelier.bench.score import Evaluation
from tag_atelier.bench.stats import BOOTSTRAP_DRAWS, Interval
from tag_atelier.bench.store import write_whole
from tag_atelier.errors import RequestError, SpecError, say

FILE = "verdicts.json"
SCHEMA = 1
FEWEST_FOR_CORRECTION = 50
"""From so many verdicts on the accuracy is also shown corrected by them."""


@dataclass(frozen=True)
class Verdict:
    """What a person says of one picture."""

    answer: Answer
    but: bool = False
    """Drawn, but something else is wrong; the note says what."""
    note: str = ""


@dataclass(frozen=True)
class Agreement:
    """Tagger and people on the same pictures."""

    both: int
    """Drawn, say both."""
    only_people: int
    only_tagger: int
    neither: int

    @property
    def judged(self) -> int:
        """Pictures that people call drawn or absent and the tagger has a label for."""
        return self.both + self.only_people + self.only_tagger + self.neither

    @property
    def share(self) -> float:
        """Share of them on which the two agree, 0…1; NaN without any."""
        return (self.both + self.neither) / self.judged if self.judged else math.nan


def read(folder: Path) -> dict[str, Verdict]:
    """The verdicts on the run in ``folder``, by cell key; empty where there are none.

    Raises:
        RequestError: the file is not one of verdicts.
    """
    path = folder / FILE
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RequestError("'{name}' cannot be read as JSON; export the verdicts again.", name=FILE) from error
    return from_value(value)


def add(folder: Path, value: object) -> dict[str, Verdict]:
    """Lay the verdicts in ``value`` over those of the run in ``folder``, and give all of them.

    Raises:
        RequestError: ``value`` holds no verdicts; nothing is written.
    """
    together = {**read(folder), **from_value(value)}
    plain = {"schema": SCHEMA, "verdicts": {key: asdict(verdict) for key, verdict in sorted(together.items())}}
    write_whole(folder / FILE, (json.dumps(plain, ensure_ascii=False, indent=1) + "\n").encode("utf-8"))
    return together


def from_value(value: object) -> dict[str, Verdict]:
    """Verdicts from ``{"verdicts": {cell key: {"answer": "drawn", "but": false, "note": ""}}}``. Raises RequestError."""
    entries = value.get("verdicts") if isinstance(value, Mapping) else None
    if not isinstance(entries, Mapping):
        raise RequestError("The verdicts are no mapping with 'verdicts' in it; export them from the report.")
    schema = value.get("schema", SCHEMA) if isinstance(value, Mapping) else SCHEMA
    if schema not in (0, SCHEMA):
        sentence = "The verdicts have schema {found}, this version knows {known}; update Tag Atelier."
        raise RequestError(sentence, found=repr(schema)[:20], known=SCHEMA)
    return {str(key): _verdict(str(key), entry) for key, entry in entries.items()}


def _verdict(key: str, entry: object) -> Verdict:
    if not isinstance(entry, Mapping) or entry.get("answer") not in ANSWERS:
        sentence = "The verdict on '{key}' is {entry}; expected 'answer' to be one of: {known}."
        raise RequestError(sentence, key=key[:12], entry=repr(entry), known=", ".join(ANSWERS))
    try:
        only_known(entry, ("answer", "but", "note"), say("a verdict"))
        note = text(entry.get("note", ""), "note", 0, 2000)
        return Verdict(entry["answer"], truth(entry.get("but", False), "but"), note)
    except SpecError as error:
        raise RequestError(error.said) from error


def agreement(found: Evaluation, given: Mapping[str, Verdict]) -> Agreement:
    """How tagger and people agree on single-tag pictures of the run; unsure and broken ones are left out."""
    judged = [(person, tagger) for _, person, tagger in _judged(found, given)]
    return Agreement(*(judged.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False))))


def corrected(found: Evaluation, given: Mapping[str, Verdict], rates: Sequence[float], control_rate: float) -> Interval | None:
    """Accuracy with the tagger's own errors taken out; None with fewer than 50 verdicts, or where they decide nothing.

    Sensitivity comes from the verdicts, specificity from the controls; the interval resamples tags and verdicts.

    Args:
        rates: share of hits per tag.

    Source: W. J. Rogan and B. Gladen, American Journal of Epidemiology 107 (1978) 71-76.
    """
    judged = [(person, tagger) for _, person, tagger in _judged(found, given)]
    seen = numpy.array([tagger for person, tagger in judged if person], dtype=float)
    known = numpy.array([rate for rate in rates if math.isfinite(rate)], dtype=float)
    if len(judged) < FEWEST_FOR_CORRECTION or not len(seen) or not len(known) or not math.isfinite(control_rate):
        return None
    if seen.mean() <= control_rate:
        return None
    generator = numpy.random.default_rng(0)
    observed = known[generator.integers(0, len(known), (BOOTSTRAP_DRAWS, len(known)))].mean(axis=1)
    sensitivity = seen[generator.integers(0, len(seen), (BOOTSTRAP_DRAWS, len(seen)))].mean(axis=1)
    useful = sensitivity > control_rate
    draws = _rogan_gladen(observed[useful], sensitivity[useful], control_rate)
    low, high = numpy.percentile(draws, [2.5, 97.5])
    value = _rogan_gladen(known.mean(keepdims=True), seen.mean(keepdims=True), control_rate)[0]
    return Interval(float(value), float(low), float(high))


def _rogan_gladen(observed: Any, sensitivity: Any, control_rate: float) -> Any:
    return ((observed - control_rate) / (sensitivity - control_rate)).clip(0, 1)


def _judged(found: Evaluation, given: Mapping[str, Verdict]) -> list[tuple[str, bool, bool]]:
    """Cell key, what the person says, what the tagger says."""
    return [
        (key, verdict.answer == "drawn", found.seen[key].asked[0][1] >= found.threshold)
        for key, verdict in given.items()
        if verdict.answer in ("drawn", "absent")
        and key in found.seen
        and len(found.seen[key].asked) == 1
        and found.seen[key].asked[0][0] in found.scored
    ]
