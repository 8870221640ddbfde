"""Draws a plan's missing cells batch by batch while worker threads encode, score and store what is finished.

Called by the jobs. Stopping or killing it at any moment leaves a store that the next run takes up.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tag_atelier import __version__
from tag_atelier.bench import self_test
from tag_atelier.bench.fit import Draw, fitted, out_of_memory
from tag_atelier.bench.plan import Cell, Plan, megapixel_steps
from tag_atelier.bench.store import Store, disk_errors, now
from tag_atelier.bench.tag_text import networks
from tag_atelier.bench.workers import Workers, reject_reason
from tag_atelier.errors import Cancelled, SpecError, TagAtelierError, say
from tag_atelier.ports import Checkpoint, Host, Progress, RenderedImage, RenderRequest, SamplingParameters, Scorer

logger = logging.getLogger(__name__)

ATTEMPTS = 2
"""How often a cell is tried in one run before it is left as rejected or failed."""
FAILURES_BEFORE_GIVING_UP = 2
"""Batches in a row that may fail before the rest of a checkpoint is left out."""


@dataclass(frozen=True)
class RunSummary:
    """What one call of ``run`` did."""

    planned: int
    stored_before: int
    drawn: int
    rescored: int
    rejected: int
    failed: int
    skipped_tags: int
    seconds: float
    errors: tuple[str, ...] = ()

    @property
    def missing(self) -> int:
        """Cells without a scored picture after this run."""
        return self.planned - self.stored_before - self.drawn - self.rescored

    def as_dict(self) -> dict[str, object]:
        """Plain values for HTTP and the command line."""
        return {**dataclasses.asdict(self), "errors": list(self.errors), "missing": self.missing}


@dataclass(frozen=True)
class Batch:
    """Cells that may share one call of the sampler, and the cell that fills the places left over."""

    cells: tuple[Cell, ...]
    filler: Cell | None
    """None where the host draws each picture by itself."""
    size: int

    @property
    def requests(self) -> list[RenderRequest]:
        """Always ``size`` requests where there is a filler, so that every batch of a run is computed alike."""
        fillers = [] if self.filler is None else [self.filler] * (self.size - len(self.cells))
        return [RenderRequest(cell.prompt, cell.negative, cell.seed) for cell in (*self.cells, *fillers)]


def run(plan: Plan, host: Host, scorer: Scorer, store: Store, progress: Progress) -> RunSummary:
    """Draw, score and store every cell of ``plan`` that ``store`` does not hold yet.

    A picture from another checkpoint, of another size, NaN or flat is rejected and drawn once more; a batch the host
    cannot draw is tried once more, then listed as failed. The checkpoint loaded before is loaded again at the end.

    Raises:
        Cancelled: somebody pressed stop; what is stored stays stored.
        Busy: another job writes the same run.
        HostError: the host could draw nothing at all.
        TagAtelierError: the tagger or the disk failed; the sentence says how.
    """
    if scorer.identity != plan.scorer_identity:
        sentence = "The plan was made for the tagger '{planned}' but '{given}' was given."
        raise SpecError(sentence, planned=plan.scorer_identity, given=scorer.identity)
    with store.writing(), _loaded_again(host):
        known = store.manifest().get("batch_size")
        found = fitted(plan, host, known if isinstance(known, int) else 0, _thrown_away(plan, host, progress))
        return _Run(found, host, scorer, store, progress).carry_out()


class _Run:
    """The state of one call of ``run``."""

    def __init__(self, plan: Plan, host: Host, scorer: Scorer, store: Store, progress: Progress) -> None:
        self.plan, self.host, self.scorer, self.store, self.progress = plan, host, scorer, store, progress
        self.chunks: dict[str, int] = {}
        self.errors: list[str] = []
        self.last_error: TagAtelierError | None = None
        self.size = plan.batch_size * max(1, host.machines)
        self.work, self.drawing_s = 0.0, 0.0
        self.started = time.monotonic()

    def carry_out(self) -> RunSummary:
        plan, store = self.plan, self.store
        with disk_errors(store.folder):
            store.begin(plan, _manifest(plan, self.host, self.scorer))
            store.put_scorer(self.scorer.identity, self.scorer.labels)
            finished = store.done_keys(self.scorer.identity)
            missing = [stored for stored in store.cells() if stored.cell.key not in finished]
        unscored = [stored for stored in missing if stored.state == "done" and stored.image and stored.image.is_file()]
        undrawn = {stored.cell.key for stored in missing} - {stored.cell.key for stored in unscored}
        self.progress.begin(len(missing), plan.spec.name)
        with Workers(plan, self.scorer, store, capacity=2 * plan.batch_size) as workers:
            self.workers = workers
            for stored in unscored:
                self._stop_if_cancelled()
                workers.rescore(stored)
                self._advance("")
            for position in range(len(plan.checkpoints)):
                self._draw_checkpoint(position, [cell for cell in self._of(position) if cell.key in undrawn])
                if position == 0:
                    self._test_batching()
            workers.finish()
            self._advance("")
        if self.last_error is not None and not finished and not workers.drawn and not workers.rescored:
            raise self.last_error
        with disk_errors(store.folder):
            speed = {"megapixel_steps_per_second": round(self.work / self.drawing_s, 4)} if self.drawing_s else {}
            store.update_manifest({"finished_at": now(), "errors": self.errors, **speed})
        return self._summary(len(plan.cells) - len(missing))

    def _summary(self, stored_before: int) -> RunSummary:
        states = [stored.state for stored in self.store.cells()]
        return RunSummary(
            planned=len(self.plan.cells),
            stored_before=stored_before,
            drawn=len(self.workers.drawn),
            rescored=len(self.workers.rescored),
            rejected=states.count("rejected"),
            failed=states.count("failed"),
            skipped_tags=len(self.plan.skipped),
            seconds=round(time.monotonic() - self.started, 3),
            errors=tuple(self.errors),
        )

    def _of(self, position: int) -> list[Cell]:
        return [cell for cell in self.plan.cells if cell.checkpoint == position]

    def _draw_checkpoint(self, position: int, cells: list[Cell]) -> None:
        """Draw ``cells``, and once more those that were rejected or never came."""
        for _ in range(ATTEMPTS):
            if not cells or not self._draw(position, cells):
                return
            self.workers.finish()
            self._advance("")
            left = {stored.cell.key for stored in self.store.cells() if stored.state in ("rejected", "planned")}
            cells = [cell for cell in cells if cell.key in left]
        rejected = {stored.cell.key for stored in self.store.cells() if stored.state == "rejected"}
        for cell in cells:
            if cell.key not in rejected:
                self.workers.fail(cell, say("the host delivered no picture of it"))

    def _draw(self, position: int, cells: Sequence[Cell]) -> bool:
        """Draw ``cells`` in batches; False when the checkpoint was given up."""
        failures_in_row = 0
        for batch in self._batches(cells):
            error = self._render(position, batch)
            if error is not None and self._may_halve(error):
                error = self._halve(position, batch)
            failures_in_row = failures_in_row + 1 if error else 0
            if error:
                self._note_failure(position, batch, error)
            if failures_in_row >= FAILURES_BEFORE_GIVING_UP:
                return False
            tags = ", ".join(batch.cells[-1].tags) or say("baseline")
            self._advance(say("{checkpoint}: {tags}", checkpoint=self._name(position), tags=tags))
        return True

    def _may_halve(self, error: TagAtelierError) -> bool:
        """Once per run, and only where a batch is drawn as one."""
        whole = self.size == self.plan.batch_size > 1
        return whole and not self.host.machines and out_of_memory(error)

    def _halve(self, position: int, batch: Batch) -> TagAtelierError | None:
        """Go on with half the batch size; draws ``batch`` so, and gives the last error."""
        self.size //= 2
        sentence = say(
            "{checkpoint}: the memory did not suffice for {count} pictures at once, so from {tags} on they were drawn "
            "{fewer} at a time.",
            checkpoint=self._name(position),
            count=batch.size,
            tags=", ".join(batch.cells[0].tags) or say("the baseline"),
            fewer=self.size,
        )
        logger.warning("benchmark: %s", sentence)
        self.errors.append(sentence)
        starts = range(0, len(batch.cells), self.size)
        halves = [Batch(batch.cells[start : start + self.size], batch.filler, self.size) for start in starts]
        errors = [(half, self._render(position, half)) for half in halves]
        for half, error in errors[:-1]:
            if error is not None:
                self._note_failure(position, half, error)
        return errors[-1][1]

    def _test_batching(self) -> None:
        """Draw a few cells alone, once per run; a failure is listed and ends nothing."""
        self.workers.finish()
        if self.host.machines or not self.workers.drawn or self_test.up_to_date(self.plan, self.store):
            return  # other machines draw every picture alone
        try:
            with disk_errors(self.store.folder):
                self_test.carry_out(self.plan, self.store, self.scorer, self._alone)
        except Cancelled:
            raise
        except TagAtelierError as error:
            self.errors.append(say("The comparison with pictures drawn alone failed: {reason}", reason=error.said))

    def _alone(self, cell: Cell) -> RenderedImage | None:
        self._stop_if_cancelled()
        found: list[RenderedImage] = []
        planned = self.plan.checkpoints[cell.checkpoint].checkpoint
        parameters = self.plan.parameters(cell.checkpoint)
        requests = [RenderRequest(cell.prompt, cell.negative, cell.seed)]
        with _exclusive(self.host):
            self.host.sampler.render(requests, parameters, planned, found.append, self.progress)
        return next((image for image in found if not reject_reason(image, self.plan, cell)), None)

    def _render(self, position: int, batch: Batch) -> TagAtelierError | None:
        """Hand one batch to the sampler, twice if need be; gives the error when both attempts failed."""
        error: TagAtelierError | None = None
        parameters = self.plan.parameters(position)
        for _ in range(ATTEMPTS):
            self._stop_if_cancelled()
            error, started = None, time.monotonic()
            try:
                with _exclusive(self.host):
                    self.host.sampler.render(
                        batch.requests,
                        parameters,
                        self.plan.checkpoints[position].checkpoint,
                        lambda image: self._deliver(batch, image),
                        self.progress,
                    )
            except Cancelled:
                raise
            except TagAtelierError as found:
                error = found
            if error is None:
                self.drawing_s += time.monotonic() - started
                self.work += len(batch.requests) * megapixel_steps(parameters)
                self.workers.raise_failures()
                break
            self.workers.finish()  # before anything is drawn again: one cell, one writer
            if batch.size > 1 and out_of_memory(error):
                break
        return error

    def _deliver(self, batch: Batch, image: RenderedImage) -> None:
        # Fillers have been drawn already or will be; only the cells of this batch are kept.
        if 0 <= image.index < len(batch.cells):
            self.workers.take(batch.cells[image.index], image)

    def _note_failure(self, position: int, batch: Batch, error: TagAtelierError) -> None:
        sentence = say("{checkpoint}: {reason}", checkpoint=self._name(position), reason=error.said)
        logger.warning("benchmark batch failed: %s", sentence)
        self.last_error = error
        if sentence not in self.errors:
            self.errors.append(sentence)
        for cell in batch.cells:
            self.workers.fail(cell, error.said)

    def _batches(self, cells: Iterable[Cell]) -> Iterator[Batch]:
        """Equal chunk counts and networks in one batch, always the same length, in the plan's order."""
        groups: dict[tuple[object, ...], list[Cell]] = {}
        for cell in cells:
            groups.setdefault(self._group(cell), []).append(cell)
        for group, members in groups.items():
            filler, start = self._filler(group, members), 0
            while start < len(members):
                size = self.size  # may have been halved since the last batch
                yield Batch(tuple(members[start : start + size]), filler, size)
                start += size

    def _group(self, cell: Cell) -> tuple[object, ...]:
        if cell.prompt not in self.chunks:
            self.chunks[cell.prompt] = self.host.sampler.count_chunks(cell.prompt)
        return self.chunks[cell.prompt], networks(cell.prompt)

    def _filler(self, group: tuple[object, ...], members: Sequence[Cell]) -> Cell | None:
        if self.host.machines:
            return None
        baseline = next(cell for cell in self._of(members[0].checkpoint) if not cell.tags)
        return baseline if self._group(baseline) == group else members[0]

    def _advance(self, text: str) -> None:
        settled = self.workers.take_settled()
        if settled or text:
            self.progress.advance(settled, text)

    def _stop_if_cancelled(self) -> None:
        if self.progress.cancelled:
            raise Cancelled("The benchmark was stopped; run it again to go on where it stopped.")

    def _name(self, position: int) -> str:
        return self.plan.checkpoints[position].name


def _thrown_away(plan: Plan, host: Host, progress: Progress) -> Draw:
    """Draws with the plan's first checkpoint, to see how long it takes."""

    def draw(requests: list[RenderRequest], parameters: SamplingParameters) -> None:
        with _exclusive(host):
            host.sampler.render(requests, parameters, plan.checkpoints[0].checkpoint, lambda _image: None, progress)

    return draw


@contextlib.contextmanager
def _loaded_again(host: Host) -> Iterator[None]:
    """Load the checkpoint again that was loaded before, whatever happened in between."""
    before = host.checkpoints.loaded()
    try:
        yield
    finally:
        if before is not None:
            _load_again(host, before)


def _load_again(host: Host, before: Checkpoint) -> None:
    try:
        loaded = host.checkpoints.loaded()
        if loaded is None or loaded.name != before.name:
            with _exclusive(host):
                host.checkpoints.load(before)
    except TagAtelierError as error:
        logger.warning("could not load '%s' again after the benchmark: %s", before.name, error)


def _exclusive(host: Host) -> contextlib.AbstractContextManager[object]:
    return host.exclusive() if host.exclusive is not None else contextlib.nullcontext()


def _manifest(plan: Plan, host: Host, scorer: Scorer) -> dict[str, object]:
    return {
        "tag_atelier": __version__,
        "host": host.name,
        "machines": host.machines,
        "scorer": plan.scorer_identity,
        # What the tagger really runs on, where it says so: onnxruntime falls back to the CPU silently.
        "scorer_providers": list(getattr(scorer, "providers", ())),
        "scorer_note": str(getattr(scorer, "note", "")),
        "batch_size": plan.batch_size,
        "threshold": plan.spec.threshold,
        "parameters": dataclasses.asdict(plan.spec.parameters),
        "seeds": list(plan.spec.seeds),
    }
