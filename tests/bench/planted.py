"""A sampler and a tagger whose hits and false alarms are coin throws of known rates, for runs whose truth is known.

Used by ``test_planted`` and ``benchmarks/planted_truth.py``.
"""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy
import numpy.typing
from PIL import Image

from tag_atelier.bench.plan import Plan, PlannedCheckpoint, plan
from tag_atelier.bench.run import run
from tag_atelier.bench.score import Evaluation, evaluate
from tag_atelier.bench.spec import BenchSpec
from tag_atelier.bench.stats import Interval
from tag_atelier.bench.store import DATABASE, Store
from tag_atelier.ports import Checkpoint, Host, Progress, RenderedImage, RenderRequest, SamplingParameters
from tag_atelier.prompt.catalogue import Catalogue
from tests.fakes import FakeProgress

SIDE = 64
NAMES = ("one", "twin", "other")
"""Checkpoints: the first two have the same rates, so that telling them apart is a false positive."""
SEEN, UNSEEN = 0.9, 0.1
Rates = numpy.typing.NDArray[numpy.float64]


@dataclass(frozen=True)
class Truth:
    """Where a run's rates come from: mean rates of the tags that a benchmark's tags are a sample of, 0…1."""

    hit: tuple[float, ...]
    """One per checkpoint."""
    false_alarm: float


class NumberSampler:
    """Paints a picture whose first pixels say which cell it is."""

    def render(
        self,
        batch: Sequence[RenderRequest],
        parameters: SamplingParameters,
        checkpoint: Checkpoint,
        deliver: Callable[[RenderedImage], None],
        progress: Progress,
    ) -> None:
        for index, request in enumerate(batch):
            pixels = numpy.zeros((SIDE, SIDE, 3), dtype=numpy.uint8)
            tag = int(request.prompt.rpartition("tag")[2]) + 1 if "tag" in request.prompt else 0
            pixels[0, 0], pixels[0, 1] = (NAMES.index(checkpoint.name), tag // 256, tag % 256), request.seed
            pixels[1:] = 255
            deliver(RenderedImage(index, Image.fromarray(pixels), request.prompt, checkpoint.name))

    def count_chunks(self, prompt: str) -> int:
        return 1


class CoinTagger:
    """Sees tag t in its own picture at the rate hit[c, t], and in any other at the rate false_alarm[t]."""

    def __init__(self, number: int, hit: Rates, false_alarm: Rates) -> None:
        self.identity, self._number = f"coins {number}", number
        self._hit, self._false_alarm = hit, false_alarm
        self.labels = tuple(f"tag{tag}" for tag in range(len(false_alarm)))

    def score(self, images: Sequence[Image.Image]) -> numpy.typing.NDArray[numpy.float32]:
        return numpy.array([self._one(numpy.asarray(image)) for image in images], dtype=numpy.float32)

    def _one(self, pixels: numpy.typing.NDArray[numpy.uint8]) -> Rates:
        checkpoint, high, low = (int(value) for value in pixels[0, 0])
        tag, seed = high * 256 + low, int(pixels[0, 1, 0])
        rates = self._false_alarm.copy()
        if tag:
            rates[tag - 1] = self._hit[checkpoint, tag - 1]
        throws = numpy.random.default_rng([self._number, checkpoint, tag, seed]).random(len(rates))
        return numpy.where(throws < rates, SEEN, UNSEEN)


def draw_truth(number: int, tags: int) -> tuple[Truth, CoinTagger]:
    """Rates drawn anew: which population the tags come from, and every tag's own."""
    generator = numpy.random.default_rng([20, number])
    alike, other = generator.uniform(0.5, 4.0, (2, 2))
    same = generator.beta(*alike, tags)
    false_alarm = generator.beta(1.0, 9.0, tags)
    truth = Truth(tuple(float(low / (low + high)) for low, high in (alike, alike, other)), 0.1)
    return truth, CoinTagger(number, numpy.stack([same, same, generator.beta(*other, tags)]), false_alarm)


def planted_plan(tags: int, seeds: int) -> Plan:
    """Three checkpoints, so many tags of the tagger's, so many seeds."""
    spec = BenchSpec.from_value(
        {"name": "planted", "template": "1girl, {tag}", "tags": [f"tag{tag}" for tag in range(tags)], "self_test": 0}
        | {"seeds": list(range(1, seeds + 1)), "batch_size": 8, "parameters": {"steps": 1, "width": SIDE, "height": SIDE}}
    )
    checkpoints = [PlannedCheckpoint(Checkpoint(name, name), f"{number:064x}") for number, name in enumerate(NAMES)]
    return plan(spec, checkpoints, Catalogue([]), "")


def evaluations(folder: Path, runs: int, tags: int, seeds: int) -> Iterator[tuple[Truth, Evaluation]]:
    """Draw the pictures once; then let ``runs`` taggers of other rates score them, as a changed tagger does."""
    planned = planted_plan(tags, seeds)
    for number in range(runs):
        truth, tagger = draw_truth(number, tags)
        with Store(folder) as store:
            run(dataclasses.replace(planned, scorer_identity=tagger.identity), HOST, tagger, store, FakeProgress())
            yield truth, evaluate(store)
        with sqlite3.connect(folder / DATABASE) as database:  # or a thousand taggers' scores would pile up
            database.execute("DELETE FROM score")
        database.close()


class _Nothing:
    """No checkpoint is ever loaded."""

    def loaded(self) -> None:
        return None


HOST = Host("planted", NumberSampler(), _Nothing(), Path(), exclusive=nullcontext)  # type: ignore[arg-type]


def reported(truth: Truth, found: Evaluation) -> Iterator[tuple[str, Interval, float]]:
    """Every interval of the run by its kind, with the truth that it should hold in 95 of 100 runs."""
    for position, score in enumerate(found.checkpoints):
        others = [rate for other, rate in enumerate(truth.hit) if other != position]
        yield "accuracy", score.accuracy, truth.hit[position]
        yield "lift", score.lift, truth.hit[position] - truth.false_alarm
        assert score.versus_others is not None
        yield "versus_others", score.versus_others, truth.hit[position] - sum(others) / len(others)
    for pair in found.pairs:
        first, second = (truth.hit[NAMES.index(name)] for name in (pair.first, pair.second))
        yield "pair", pair.difference, first - second


def tallied(folder: Path, runs: int, tags: int, seeds: int) -> tuple[dict[str, float], float]:
    """By kind of interval and over all the share of intervals that hold the truth; the share of false positives."""
    held: dict[str, list[bool]] = {}
    alarms = []
    for truth, found in evaluations(folder, runs, tags, seeds):
        for kind, interval, value in reported(truth, found):
            for name in (kind, "all"):
                held.setdefault(name, []).append(interval.low <= value <= interval.high)
        alarms.append(next(pair.p for pair in found.pairs if {pair.first, pair.second} == {"one", "twin"}) < 0.05)
    return {name: sum(cases) / len(cases) for name, cases in held.items()}, sum(alarms) / len(alarms)
