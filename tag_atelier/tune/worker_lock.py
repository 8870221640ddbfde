"""Which workers of one folder are alive, whatever ended them: each holds a lock that goes with its process.

Used by ``tune.ledger``.
"""

from __future__ import annotations

import contextlib
import socket
import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path


class WorkerLock:
    """The locks of the workers on this machine that share one folder."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is made when a worker first holds a lock in it."""
        self._folder = folder

    @contextlib.contextmanager
    def held(self) -> Iterator[str]:
        """Hold a lock under a new name, which is given; a killed worker's file stays, and tells that it is dead."""
        name = f"{socket.gethostname()[:40]}-{uuid.uuid4().hex[:8]}"
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{name}.lock"
        lock = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            lock.execute("BEGIN EXCLUSIVE")
            yield name
        finally:
            lock.close()
            path.unlink(missing_ok=True)

    def is_known(self, name: str) -> bool:
        """Whether ``name`` is or was a worker of this folder."""
        return (self._folder / f"{name}.lock").exists()

    def is_free(self, name: str) -> bool:
        """Whether nobody holds the lock of ``name``."""
        probe = sqlite3.connect(self._folder / f"{name}.lock", timeout=0.0, isolation_level=None)
        try:
            probe.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            return False
        finally:
            probe.close()
        return True
