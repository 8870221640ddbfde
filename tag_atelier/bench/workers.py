"""The threads that turn a finished picture into a stored cell: check, PNG, tagger, database. Used by ``bench.run`` only."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from tag_atelier.bench.plan import Cell, Plan
from tag_atelier.bench.store import CellState, Outcome, Store, StoredCell, disk_errors
from tag_atelier.language import say
from tag_atelier.ports import RenderedImage, SamplingParameters, Scorer

if TYPE_CHECKING:
    import numpy
    import numpy.typing
    from PIL.Image import Image

THREADS = 2
UNSTORED = 2
"""Pictures that may wait to be written; a kill costs these and the batch in the sampler, whatever the tagger takes."""
PNG_LEVEL = 1
"""A quarter of the default level's time for a tenth more bytes (measured at 1024²)."""
FLAT_RANGE = 2
"""A picture whose every channel spans at most this many of 255 levels shows nothing."""


class Workers:
    """A bounded pool: ``take`` waits while ``capacity`` pictures are in the works, so memory stays flat."""

    def __init__(self, plan: Plan, scorer: Scorer, store: Store, capacity: int) -> None:
        self._plan, self._scorer, self._store = plan, scorer, store
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="tag-atelier-bench")
        self._places = threading.BoundedSemaphore(max(THREADS, capacity))
        self._writing = threading.BoundedSemaphore(UNSTORED)
        self._scoring = threading.Lock()  # the Scorer port promises nothing about threads
        self._counting = threading.Lock()
        self._futures: list[Future[None]] = []
        self._told = 0
        self.drawn: set[str] = set()
        """Keys of the cells whose picture this run drew and scored."""
        self.rescored: set[str] = set()
        self._settled: set[str] = set()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        # What was delivered is finished even when the run is being cancelled: it was paid for.
        self._pool.shutdown(wait=True)

    def take(self, cell: Cell, image: RenderedImage) -> None:
        """Queue a finished picture. After a worker failed, pictures are dropped; the run is about to stop."""
        self._writing.acquire()
        if not self._submit(self._settle, cell, image):
            self._writing.release()

    def rescore(self, stored: StoredCell) -> None:
        """Queue a stored picture for this run's scorer."""
        self._submit(self._settle_stored, stored)
        self.raise_failures()

    def fail(self, cell: Cell, reason: str) -> None:
        """Store that a cell could not be drawn, unless its picture came through all the same."""
        if cell.key not in self.drawn:
            with disk_errors(self._store.folder):
                self._store.put(Outcome(cell.key, "failed", reason))
            self._settle_key(cell.key)

    def finish(self) -> None:
        """Wait until everything queued is stored. Raises what a worker raised."""
        futures, self._futures = self._futures, []
        with disk_errors(self._store.folder):
            for future in futures:
                future.result()

    def raise_failures(self) -> None:
        """Raise what a worker raised, if one did; forget those that ended well."""
        ended = [future for future in self._futures if future.done()]
        self._futures = [future for future in self._futures if future not in ended]
        with disk_errors(self._store.folder):
            for future in ended:
                future.result()

    def take_settled(self) -> int:
        """How many more cells were settled since the last call; a cell that is drawn twice counts once."""
        with self._counting:
            fresh, self._told = len(self._settled) - self._told, len(self._settled)
        return fresh

    def _submit(self, work: Callable[..., None], *values: object) -> bool:
        if any(future.done() and future.exception() is not None for future in self._futures):
            return False
        self._places.acquire()
        future = self._pool.submit(work, *values)
        future.add_done_callback(lambda _: self._places.release())
        self._futures.append(future)
        return True

    def _settle(self, cell: Cell, image: RenderedImage) -> None:
        try:
            reason = self._write(cell, image)
        finally:
            self._writing.release()
        if not reason:
            self._store.put_score(cell.key, self._scorer.identity, self._score(image.image))
            self.drawn.add(cell.key)
        self._settle_key(cell.key)

    def _write(self, cell: Cell, image: RenderedImage) -> str:
        """Store the picture before the tagger has its turn, so that a kill leaves it to be scored; why it is rejected."""
        reason = reject_reason(image, self._plan, cell)
        state: CellState = "rejected" if reason else "done"
        name, digest = self._store.write_image(cell, encode_png(image.image, image.infotext))
        outcome = Outcome(cell.key, state, reason, name, digest, image.infotext, image.used)
        self._store.put(outcome)
        return reason

    def _settle_stored(self, stored: StoredCell) -> None:
        from PIL import Image as pillow

        assert stored.image is not None, "only cells with a picture are queued"
        with pillow.open(stored.image) as opened:
            probabilities = self._score(opened.convert("RGB"))
        self._store.put_score(stored.cell.key, self._scorer.identity, probabilities)
        self.rescored.add(stored.cell.key)
        self._settle_key(stored.cell.key)

    def _score(self, image: Image) -> numpy.typing.NDArray[numpy.float32]:
        with self._scoring:
            probabilities: numpy.typing.NDArray[numpy.float32] = self._scorer.score([image])[0]  # (labels,)
        return probabilities

    def _settle_key(self, key: str) -> None:
        with self._counting:
            self._settled.add(key)


def reject_reason(image: RenderedImage, plan: Plan, cell: Cell) -> str:
    """Why this picture must not be scored, as one clause; empty when it may."""
    planned = plan.checkpoints[cell.checkpoint].checkpoint
    if image.checkpoint not in (planned.name, planned.title):
        return say("drawn with '{used}' instead of '{planned}'", used=image.checkpoint, planned=planned.name)
    if image.status != "ok":
        return say("the host says that it is not a valid picture (NaN or flat)")
    expected = _size(plan.parameters(cell.checkpoint))
    if expected is not None and image.image.size != expected:
        sentence = "{width}×{height} pixels instead of {wanted_width}×{wanted_height}"
        width, height = image.image.size
        return say(sentence, width=width, height=height, wanted_width=expected[0], wanted_height=expected[1])
    if all(high - low <= FLAT_RANGE for low, high in _extrema(image.image)):
        return say("it is of one flat colour")
    return ""


def encode_png(image: Image, infotext: str) -> bytes:
    """PNG bytes at level 1 with the generation parameters where the WebUI's PNG Info looks for them."""
    from PIL.PngImagePlugin import PngInfo

    information = PngInfo()
    add = information.add_text if infotext.isascii() else information.add_itxt
    add("parameters", infotext)
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "PNG", compress_level=PNG_LEVEL, pnginfo=information)
    return buffer.getvalue()


def _extrema(image: Image) -> tuple[tuple[int, int], ...]:
    return image.convert("RGB").getextrema()  # type: ignore[no-any-return]


def _size(parameters: SamplingParameters) -> tuple[int, int] | None:
    # A second pass may round the enlarged size in the upscaler's own way.
    return None if parameters.hires else (parameters.width, parameters.height)
