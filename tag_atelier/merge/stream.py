"""Carries a plan out: pieces computed on threads, put at their places in a new file and hashed in order; or whole tensors.

Called by jobs and the command line (``write``) and by live (``results``). Memory does not grow with the models.
"""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tag_atelier.errors import Cancelled, RecipeError, say
from tag_atelier.merge.evaluate import PIECE, Buffer, Computed, Evaluator, Reader, Run
from tag_atelier.merge.header import DTYPE_BYTES, render_header
from tag_atelier.merge.inputs import Source
from tag_atelier.merge.metadata import header_texts
from tag_atelier.merge.plan import MergePlan, Step
from tag_atelier.merge.step_reader import StepReader
from tag_atelier.merge.steps import in_full_precision
from tag_atelier.merge.tensor_file import NewFile, TensorReader
from tag_atelier.ports import Progress

WORKERS = 2
"""Two threads reach what disk and memory give; more only need more memory."""

_AHEAD = 2
"""Pieces per worker that are in its hands, wait for it, or are finished and not yet counted."""
_IN_FLIGHT_BYTES = 64 << 20
_SPARE_BYTES = 64 << 20
"""Left free on the disk beyond the file itself."""


@dataclass(frozen=True)
class MergeResult:
    """What was written."""

    path: Path
    sha256: str
    """64 hex digits; empty when it was not asked for."""
    size_bytes: int
    seconds: float
    digest: str
    """Of the recipe."""
    changed_keys: int
    replaced: dict[str, str] = field(default_factory=dict)
    """Key → why A's tensor was taken instead of the mixed one."""
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Plain values for HTTP and the page."""
        return {**self.__dict__, "path": str(self.path), "notes": list(self.notes)}


def write(plan: MergePlan, destination: Path, progress: Progress, hashed: bool = True) -> MergeResult:
    """Write the merge as the new file ``destination`` (.safetensors); progress counts bytes of the result.

    The file appears whole or not at all: it is written beside its name, brought to the disk, then renamed.

    Raises:
        RecipeError: the name is taken or no .safetensors, the folder is missing, or there is not enough space.
        CheckpointError: a source has changed or cannot be read.
        Cancelled: somebody pressed stop; nothing stays behind.
    """
    started = time.monotonic()
    header = render_header([(step.key, step.dtype, step.shape) for step in plan.steps], header_texts(plan))
    size_bytes = len(header) + plan.write_bytes
    if destination.suffix != ".safetensors":
        raise RecipeError("'{name}' does not end in .safetensors; expected a name that does.", name=destination.name)
    check_space(destination, size_bytes)
    plan.check_sources()
    progress.begin(plan.write_bytes, say("Merging {models}", models=" + ".join(plan.recipe.models)))
    with NewFile(destination) as file:
        file.reserve(size_bytes)
        file.write_at(header, 0)
        digest = _Digest(header) if hashed else None
        replaced = _fill(plan, file, len(header), progress, digest)
        # What was replaced had been hashed before it was known to be no good.
        sha256 = "" if digest is None else file.sha256() if replaced else digest.hexdigest()
        plan.check_sources()
        file.commit()
    return MergeResult(
        path=destination,
        sha256=sha256,
        size_bytes=size_bytes,
        seconds=time.monotonic() - started,
        digest=plan.recipe.digest,
        changed_keys=len(plan.changed_keys) - len(replaced),
        replaced=replaced,
        notes=plan.notes + plan.warnings,
    )


class _Digest:
    """SHA-256 of pieces in their order, each fed by the thread that has just made it, whose processor still holds it in cache.

    Hashing on a thread of its own took a third more of the processors' time, and starved beside other work.
    """

    def __init__(self, start: bytes) -> None:
        self._hash = hashlib.sha256(start)
        self._turn = threading.Condition()
        self._fed = 0

    def feed(self, number: int, piece: memoryview) -> None:
        """Wait until the pieces before ``number`` are in, then take this one; an empty one only passes the turn on."""
        with self._turn:
            self._turn.wait_for(lambda: self._fed == number)
        self._hash.update(piece)
        with self._turn:
            self._fed += 1
            self._turn.notify_all()

    def hexdigest(self) -> str:
        """64 hex digits."""
        return self._hash.hexdigest()


def _fill(plan: MergePlan, file: NewFile, start: int, progress: Progress, digest: _Digest | None) -> dict[str, str]:
    """Write all tensors from byte ``start`` on, hash them in order; key → why A's tensor was taken instead."""
    replaced: dict[str, str] = {}
    spoilt = False
    with _evaluator(plan, progress) as evaluator, closing(_pieces(evaluator, _runs(plan, start), file, digest)) as pieces:
        for piece in pieces:
            if progress.cancelled:
                raise Cancelled("The merge was stopped; nothing was changed.")
            spoilt |= not piece.finite
            if spoilt and piece.high == piece.run.count:
                replaced.update(_give_up(evaluator, piece.run, file))
                spoilt = False
            progress.advance(len(piece.written()), piece.run.step.block or "")
        replaced.update(evaluator.replaced_earlier())
    return replaced


def _give_up(evaluator: Evaluator, run: Run, file: NewFile) -> dict[str, str]:
    """Write A's tensors over those of ``run`` that are not finite; key → why."""
    replaced, offset = {}, run.offset
    for step in run.steps:
        computed = evaluator.compute(step)
        if computed.replaced:
            file.write_at(memoryview(computed.data), offset)
            replaced[step.key] = computed.replaced
        offset += step.size_bytes
    return replaced


@dataclass
class _Piece:
    """Values ``low`` … ``high`` of a run, on their way into the file."""

    number: int
    """Its place in the file's order, from 0."""
    run: Run
    low: int
    high: int
    buffer: Buffer
    finite: bool = True

    def written(self) -> memoryview:
        """Their bytes."""
        return memoryview(self.buffer.data)[: (self.high - self.low) * DTYPE_BYTES[self.run.step.dtype]]

    def carry_out(self, evaluator: Evaluator, file: NewFile, digest: _Digest | None) -> None:
        """Compute, write and hash; on a worker thread, which has begun all earlier pieces or given them to another."""
        done = memoryview(b"")
        try:
            self.finite = evaluator.fill(self.run.step, self.low, self.high, self.buffer)
            file.write_at(self.written(), self.run.offset + self.low * DTYPE_BYTES[self.run.step.dtype])
            done = self.written()
        finally:
            if digest is not None:  # after a failure too, or later pieces would wait for ever
                digest.feed(self.number, done)


def _runs(plan: MergePlan, start: int) -> list[Run]:
    """The plan's steps from byte ``start`` of the file on, neighbours of which joined where they can be treated as one."""
    groups: list[list[Step]] = []
    for step in plan.steps:
        if groups and _continues(plan, groups[-1][-1], step):
            groups[-1].append(step)
        else:
            groups.append([step])
    runs = []
    for steps in groups:
        size_bytes = sum(step.size_bytes for step in steps)
        runs.append(Run(tuple(steps), start, size_bytes // DTYPE_BYTES[steps[0].dtype]))
        start += size_bytes
    return runs


def _continues(plan: MergePlan, before: Step, step: Step) -> bool:
    """Whether ``step`` is mixed as the one before it and lies behind it in every source."""
    alike = (before.dtype, before.block, before.sources, before.weights, before.parameters)
    if alike != (step.dtype, step.block, step.sources, step.weights, step.parameters):
        return False
    if before.change or step.change or (len(step.sources) > 1 and not plan.method.fused_pair):
        return False
    pairs = [(tensors[before.key], tensors[step.key]) for tensors in (plan.sources[i].header.tensors for i in step.sources)]
    return all(a.dtype == b.dtype and a.start + a.size_bytes == b.start for a, b in pairs)


def _pieces(evaluator: Evaluator, runs: Sequence[Run], file: NewFile, digest: _Digest | None) -> Generator[_Piece, None, None]:
    """All pieces in order, each when it has been computed, written and hashed; it is valid until the next."""
    usual = PIECE * max((DTYPE_BYTES[run.step.dtype] for run in runs), default=0)
    free = [Buffer(usual) for _ in range(_AHEAD * WORKERS)]
    pending: deque[tuple[_Piece, Future[None]]] = deque()
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="merge") as pool, ExitStack() as stack:
        stack.callback(lambda: [future.cancel() for _, future in pending])
        for number, (run, low, high) in enumerate(_cut(evaluator, runs)):
            size_bytes = (high - low) * DTYPE_BYTES[run.step.dtype]
            while pending and (not free or _is_large(pending, size_bytes)):
                piece, future = pending.popleft()
                future.result()
                yield piece
                if len(piece.buffer.data) == usual:
                    free.append(piece.buffer)
            piece = _Piece(number, run, low, high, free.pop() if size_bytes <= usual else Buffer(size_bytes))
            pending.append((piece, pool.submit(piece.carry_out, evaluator, file, digest)))
        while pending:
            piece, future = pending.popleft()
            future.result()
            yield piece


def _cut(evaluator: Evaluator, runs: Sequence[Run]) -> Generator[tuple[Run, int, int], None, None]:
    for run in runs:
        stretch = evaluator.stretch(run.step)
        for low in range(0, run.count, stretch):
            yield run, low, min(low + stretch, run.count)


def _is_large(pending: Sequence[tuple[_Piece, Future[None]]], size_bytes: int) -> bool:
    return size_bytes + sum(len(piece.written()) for piece, _ in pending) > _IN_FLIGHT_BYTES


def check_space(destination: Path, size_bytes: int) -> None:
    """Raises RecipeError when the folder of ``destination`` is missing, or has no room for ``size_bytes``."""
    if not destination.parent.is_dir():
        raise RecipeError("The folder '{name}' for the merged file is not there; make it first.", name=destination.parent.name)
    free = shutil.disk_usage(destination.parent).free
    if free < size_bytes + _SPARE_BYTES:
        raise RecipeError(
            "The merged file needs {needed:.2f} GB but only {free:.2f} GB are free; free some space first.",
            needed=size_bytes / 1e9,
            free=free / 1e9,
        )


@contextmanager
def _evaluator(plan: MergePlan, progress: Progress, positional: bool | None = None) -> Generator[Evaluator, None, None]:
    """What computes the plan's steps, its files open."""
    with ExitStack() as stack:
        readers: list[Reader] = []
        for source in (*plan.sources, *plan.networks):
            readers.append(_open(source, progress, stack, positional))
        evaluator = Evaluator(plan, readers)
        evaluator.survey(progress)
        yield evaluator


def _open(source: Source, progress: Progress, stack: ExitStack, positional: bool | None) -> Reader:
    """What reads the source, its file or the earlier step that makes it, closed with ``stack``."""
    if source.plan is not None:
        inner = stack.enter_context(_evaluator(in_full_precision(source.plan), progress, positional))
        return StepReader(source.header, inner)
    reader = TensorReader(source.header, positional)
    stack.callback(reader.close)
    return reader


def results(
    plan: MergePlan, steps: Sequence[Step], progress: Progress, positional: bool | None = None
) -> Generator[Computed, None, None]:
    """The tensors of ``steps``, computed on ``WORKERS`` threads and handed over in order; at most a few are in memory.

    Close the iterator when leaving it early. ``positional`` is ``TensorReader``'s.

    Raises:
        CheckpointError: a source cannot be read.
        Cancelled: somebody pressed stop.
    """
    with _evaluator(plan, progress, positional) as evaluator, ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(WORKERS, thread_name_prefix="merge"))
        pending: deque[Future[Computed]] = deque()
        stack.callback(lambda: [future.cancel() for future in pending])
        waiting_bytes = 0
        for step in (*steps, None):
            while pending and (step is None or _is_full(len(pending), waiting_bytes + step.size_bytes)):
                done = pending.popleft().result()
                waiting_bytes -= done.step.size_bytes
                if progress.cancelled:
                    raise Cancelled("The merge was stopped; nothing was changed.")
                yield done
            if step is not None:
                pending.append(pool.submit(evaluator.compute, step))
                waiting_bytes += step.size_bytes


def _is_full(count: int, size_bytes: int) -> bool:
    return count > 4 * WORKERS or size_bytes > _IN_FLIGHT_BYTES
