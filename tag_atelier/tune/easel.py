"""Draws and scores one candidate after the other in the loaded model: merged live, benchmarked, no file written.

Used by ``tune.study``. What is already drawn of a candidate that was interrupted on this machine is not drawn again.
"""

from __future__ import annotations

import dataclasses
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy

from tag_atelier.bench.plan import PlannedCheckpoint, plan
from tag_atelier.bench.run import run
from tag_atelier.bench.score import CheckpointScore, evaluate
from tag_atelier.bench.spec import BenchSpec
from tag_atelier.bench.store import IMAGES, Store, disk_errors, write_whole
from tag_atelier.bench.workers import encode_png
from tag_atelier.errors import Busy, Unsupported
from tag_atelier.merge.layout import Architecture
from tag_atelier.merge.live import LiveMerger
from tag_atelier.merge.model_files import ModelFiles
from tag_atelier.merge.plan import MergePlan
from tag_atelier.merge.plan import plan as plan_merge
from tag_atelier.merge.recipe import Recipe
from tag_atelier.ports import Checkpoint, Host, LiveModel, Progress, RenderedImage, RenderRequest, SamplingParameters, Scorer
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.tune.status import Score

PREVIEW_SEED = 1


@dataclass(frozen=True)
class Workplace:
    """What a worker draws and scores with."""

    host: Host
    scorer: Scorer
    catalogue: Catalogue


@dataclass(frozen=True)
class Measure:
    """What one plan says of one candidate."""

    lift: Score
    lifts: dict[str, float]
    """Per tag, −1…1; NaN where the tag was not asked for or has no controls."""
    recalls: tuple[float, ...]
    """Per prompt and seed, in the plan's order: share of its tags that are seen; NaN for a rejected picture."""
    pictures: int
    """Drawn and valid."""
    diversity: float
    """Mean 1 − cosine of the tagger's probabilities of pictures of one prompt with different seeds; NaN with one seed."""


class Easel:
    """One worker's loaded model."""

    def __init__(self, workplace: Workplace, first: str) -> None:
        """Take the host's loaded model for candidates that start from the checkpoint ``first``.

        Raises:
            Unsupported: the host cannot change a loaded model.
            UnknownName: there is no such checkpoint.
        """
        host = workplace.host
        if host.live_model is None:
            raise Unsupported("The host '{host}' cannot change a loaded model; search where the models lie.", host=host.name)
        self._model: LiveModel = host.live_model
        self._first = host.checkpoints.resolve(first)
        self._merger, self._files, self._catalogue = LiveMerger(self._model), ModelFiles(host), workplace.catalogue
        self.watch = Stopwatch()
        self._sweeping: threading.Thread | None = None
        self._exclusive = host.exclusive
        self._host = dataclasses.replace(host, exclusive=None, sampler=_TimedSampler(host.sampler, self.watch))
        self._scorer = _TimedScorer(workplace.scorer, self.watch)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold the host's queue for one candidate; the user's own pictures come between two of them.

        Raises:
            Busy: somebody merged the loaded model meanwhile.
        """
        queue: AbstractContextManager[object] = nullcontext() if self._exclusive is None else self._exclusive()
        with queue:
            if self._model.dirty and self._exclusive is not None:
                raise Busy("The loaded model is merged live; restore it before a search.")
            loaded = self._host.checkpoints.loaded()
            if loaded is not None:
                loaded.need_file()
            if loaded is None or loaded.name != self._first.name:
                self._merger.restore()
                self._host.checkpoints.load(self._first)
            try:
                yield
            finally:
                if self._exclusive is not None:
                    self._merger.restore()

    def restore(self) -> None:
        """Put the model's own weights back, and end what is still being swept away."""
        self._end_sweeping()
        self._merger.restore()

    def plan(self, recipe: Recipe) -> MergePlan:
        """The merge as it would be carried out. Raises as ``merge.plan`` does."""
        return plan_merge(recipe, self._files.model, find_part=self._files.part)

    def architecture(self, models: Sequence[str]) -> Architecture:
        """What all of ``models`` are. Raises RecipeError where they differ, UnknownName, CheckpointError."""
        recipe = Recipe.from_value({"models": list(models), "alpha": [0.0] * (len(models) - 1)})
        return self.plan(recipe).architecture

    def refuse_merged(self) -> None:
        """Raises Busy where the loaded model is merged live."""
        with nullcontext() if self._exclusive is None else self._exclusive():
            if self._model.dirty:
                raise Busy("The loaded model is merged live; restore it before a search.")

    def merge(self, recipe: Recipe, progress: Progress) -> None:
        """Make the loaded model the recipe's result; only what differs from the last one is written."""
        self._merger.apply(self.plan(recipe), Quiet(progress))

    def measure(self, recipe: Recipe, spec: BenchSpec, folder: Path, progress: Progress) -> Measure:
        """Draw and score ``spec`` with the model as it is; ``folder`` keeps what is drawn. Raises as ``bench.run`` does."""
        planned = plan(
            spec,
            [PlannedCheckpoint(self._first, recipe.digest)],
            self._catalogue,
            self._scorer.identity,
            self._host.name,
        )
        with disk_errors(folder), Store(folder) as store:
            run(planned, self._host, self._scorer, store, Quiet(progress))
            return self._read(store)

    def forget_pictures(self, folder: Path) -> None:
        """Drop the pictures of a finished candidate, while the next one is drawn; its scores stay."""
        self._end_sweeping()
        self._sweeping = threading.Thread(target=shutil.rmtree, args=(folder / IMAGES,), kwargs={"ignore_errors": True})
        self._sweeping.start()

    def _end_sweeping(self) -> None:
        if self._sweeping is not None:
            self._sweeping.join()
            self._sweeping = None

    def preview(self, prompts: Sequence[str], spec: BenchSpec, folder: Path, name: str, progress: Progress) -> tuple[str, ...]:
        """Draw ``prompts`` with the model as it is into ``folder``; their file names in the prompts' order."""
        folder.mkdir(parents=True, exist_ok=True)
        files: list[str] = []

        def keep(image: RenderedImage) -> None:
            files.append(f"{name}-{len(files) + 1}.png")
            write_whole(folder / files[-1], encode_png(image.image, image.infotext))

        requests = [RenderRequest(prompt, spec.negative, PREVIEW_SEED) for prompt in prompts]
        together = len({self._host.sampler.count_chunks(prompt) for prompt in prompts}) == 1 and spec.batch_size >= len(prompts)
        for batch in [requests] if together else [[request] for request in requests]:
            self._host.sampler.render(batch, spec.parameters, self._first, keep, progress)
        return tuple(files)

    def _read(self, store: Store) -> Measure:
        evaluation = evaluate(store)
        item: CheckpointScore = evaluation.checkpoints[0]
        cells = [stored for stored in store.cells() if stored.cell.tags]
        recalls = []
        for stored in cells:
            asked = dict(evaluation.seen[stored.cell.key].asked)
            seen = [asked[tag] >= evaluation.threshold for tag in stored.cell.tags if tag in asked]
            recalls.append(sum(seen) / len(seen) if seen else float("nan"))
        lift = Score(item.lift.value, item.lift.low, item.lift.high)
        pictures = evaluation.states["done"]
        return Measure(lift, {tag.tag: tag.lift for tag in item.tags}, tuple(recalls), pictures, self._diversity(store))

    def _diversity(self, store: Store) -> float:
        by_prompt: dict[str, list[str]] = {}
        for stored in store.cells():
            by_prompt.setdefault(stored.cell.prompt, []).append(stored.cell.key)
        found = []
        for keys in by_prompt.values():
            values = store.probabilities(self._scorer.identity, keys, list(self._scorer.labels))
            unit = values / numpy.maximum(numpy.linalg.norm(values, axis=1, keepdims=True), 1e-12)
            n = len(keys)
            if n > 1:
                total = float((numpy.linalg.norm(unit.sum(axis=0)) ** 2 - n) / (n * (n - 1)))  # mean cosine over pairs
                found.append(1 - total)
        return sum(found) / len(found) if found else float("nan")


class Stopwatch:
    """Seconds during which at least one of the timed things was going on."""

    def __init__(self) -> None:
        self._lock, self._inside, self._since, self._seconds = threading.Lock(), 0, 0.0, 0.0

    @property
    def seconds(self) -> float:
        """Since it was made."""
        with self._lock:
            return self._seconds

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the time inside."""
        with self._lock:
            if not self._inside:
                self._since = time.perf_counter()
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if not self._inside:
                    self._seconds += time.perf_counter() - self._since


class Quiet:
    """A progress that passes only the wish to stop on: the study counts candidates, not bytes and cells."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    @property
    def cancelled(self) -> bool:
        """Somebody pressed stop."""
        return self._progress.cancelled

    def begin(self, total: int, text: str = "") -> None:
        """Not shown."""

    def advance(self, steps: int = 1, text: str = "") -> None:
        """Not shown."""


class _TimedSampler:
    def __init__(self, sampler: Any, watch: Stopwatch) -> None:
        self._sampler, self._watch = sampler, watch

    def render(
        self,
        batch: Sequence[RenderRequest],
        parameters: SamplingParameters,
        checkpoint: Checkpoint,
        deliver: Callable[[RenderedImage], None],
        progress: Progress,
    ) -> None:
        with self._watch.running():
            self._sampler.render(batch, parameters, checkpoint, deliver, progress)

    def count_chunks(self, prompt: str) -> int:
        count: int = self._sampler.count_chunks(prompt)
        return count


class _TimedScorer:
    def __init__(self, scorer: Scorer, watch: Stopwatch) -> None:
        self._scorer, self._watch = scorer, watch

    @property
    def identity(self) -> str:
        return self._scorer.identity

    @property
    def labels(self) -> Sequence[str]:
        return self._scorer.labels

    def score(self, images: Any) -> Any:
        with self._watch.running():
            return self._scorer.score(images)
