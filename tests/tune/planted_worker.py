"""Run as a process by ``test_many_workers``: works on a planted study and stands still in its first searched candidate.

python planted_worker.py STORAGE FOLDER MARKER
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tag_atelier.tune.worker import Worker
from tests.fakes import FakeProgress
from tests.tune.planted import PlantedPainter, planted_book, planted_plans, planted_spec


def main(storage: str, folder: Path, marker: Path) -> None:
    """Tell by ``marker`` that a candidate was begun, and never finish it."""

    def stand_still(name: str) -> None:
        if "search-" in name:
            marker.write_text(name, encoding="utf-8")
            time.sleep(600)

    spec = planted_spec(trials=14, storage=storage)
    Worker(planted_book(spec, folder), planted_plans(spec), PlantedPainter(before=stand_still), folder).work(FakeProgress())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
