"""One worker thread that carries out long work in order and tells where it is. Used by ``jobs.atelier`` only."""

from __future__ import annotations

import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Literal

from tag_atelier.errors import Cancelled, TagAtelierError, UnknownName
from tag_atelier.ports import Progress

logger = logging.getLogger(__name__)

State = Literal["queued", "running", "done", "failed", "cancelled"]
Work = Callable[[Progress], Mapping[str, object]]

KEPT_JOBS = 100
"""Finished jobs that are remembered; older ones are forgotten (their results are files, not memory)."""


class Job:
    """One piece of long work; it is also the ``Progress`` that the work reports to."""

    def __init__(self, kind: str, title: str, work: Work) -> None:
        self.id = uuid.uuid4().hex[:12]
        self.kind, self.title = kind, title
        self.state: State = "queued"
        self.done, self.total, self.text = 0, 0, ""
        self.error = ""
        self.result: Mapping[str, object] = {}
        self._work: Work | None = work
        self._lock = threading.Lock()
        self._cancel = threading.Event()
        self._finished = threading.Event()
        self._begun_at = 0.0
        self._begun_done = 0

    # Progress port
    def begin(self, total: int, text: str = "") -> None:
        """Start counting ``total`` steps."""
        self.total, self.done, self.text = total, 0, text
        self._begun_at, self._begun_done = time.monotonic(), 0

    def advance(self, steps: int = 1, text: str = "") -> None:
        """Count ``steps`` as done."""
        self.done += steps
        self.text = text or self.text

    @property
    def cancelled(self) -> bool:
        """Somebody pressed stop."""
        return self._cancel.is_set()

    # The job's own side
    @property
    def over(self) -> bool:
        """It will not change any more."""
        return self.state in ("done", "failed", "cancelled")

    @property
    def eta_s(self) -> float | None:
        """Seconds left at the pace so far; None before the first step."""
        if self.state != "running" or self.done <= 0 or self.total <= 0:
            return None
        pace = (time.monotonic() - self._begun_at) / self.done
        return max(0.0, pace * (self.total - self.done))

    def request_cancel(self) -> None:
        """Ask the work to stop at its next safe point."""
        self._cancel.set()
        with self._lock:
            if self.state == "queued":
                self.state, self._work = "cancelled", None
                self._finished.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until it is over; False when the time ran out first."""
        return self._finished.wait(timeout_s)

    def carry_out(self) -> None:
        """Run the work in this thread; never raises."""
        with self._lock:
            # A job is remembered long after it is over; what it worked with (a tagger, a plan) is not.
            work, self._work = self._work, None
            if work is None:
                return
            self.state = "running"
        try:
            self.result = dict(work(self))
            self.state = "done"
        except Cancelled as error:
            self.state, self.error = "cancelled", error.said
        except TagAtelierError as error:
            self.state, self.error = "failed", error.said
        except Exception as error:
            logger.exception("job %s (%s) failed", self.id, self.kind)
            self.state, self.error = "failed", f"{type(error).__name__}: {error}"
        finally:
            self._finished.set()

    def as_dict(self) -> dict[str, object]:
        """What page and API show of it."""
        return {
            "id": self.id,
            "kind": self.kind,
            "title": self.title,
            "state": self.state,
            "done": self.done,
            "total": self.total,
            "text": self.text,
            "eta_s": None if self.eta_s is None else round(self.eta_s, 1),
            "error": self.error,
            "result": dict(self.result),
        }


class JobRunner:
    """Carries jobs out one after the other: they all want the same model."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._queue: queue.Queue[Job] = queue.Queue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self, kind: str, title: str, work: Work, known: Mapping[str, object] | None = None) -> Job:
        """Queue ``work`` and return its job at once; ``known`` is what its result already holds while it runs."""
        job = Job(kind, title, work)
        job.result = dict(known or {})
        with self._lock:
            self._jobs[job.id] = job
            self._forget_old()
            self._queue.put(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="tag-atelier-jobs", daemon=True)
                self._thread.start()
        return job

    def get(self, job_id: str) -> Job:
        """The job of this id.

        Raises:
            UnknownName: there is none (or it was forgotten).
        """
        job = self._jobs.get(job_id)
        if job is None:
            raise UnknownName("job", job_id, remedy="List the jobs to see which ones there are.")
        return job

    def list(self) -> list[Job]:
        """All remembered jobs, newest first."""
        with self._lock:
            return list(reversed(self._jobs.values()))

    def cancel(self, job_id: str) -> Job:
        """Ask a job to stop; one that is over stays as it is."""
        job = self.get(job_id)
        if not job.over:
            job.request_cancel()
        return job

    def stop(self, timeout_s: float) -> None:
        """Cancel everything and wait for the running job's safe point, so that it can put away what it holds."""
        ends_at = time.monotonic() + timeout_s
        for job in self.list():
            job.request_cancel()
        for job in self.list():
            job.wait(max(0.0, ends_at - time.monotonic()))

    def _serve(self) -> None:
        while True:
            self._queue.get().carry_out()

    def _forget_old(self) -> None:
        over = [job.id for job in self._jobs.values() if job.over]
        for job_id in over[: max(0, len(self._jobs) - KEPT_JOBS)]:
            del self._jobs[job_id]
