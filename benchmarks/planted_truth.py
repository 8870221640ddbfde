"""Do the reported intervals hold the truth, and does the paired test cry wolf? One JSON line.

    python benchmarks/planted_truth.py [--runs 1000 --tags 300 --seeds 1]

Every run is a whole one: a sampler paints numbered pictures, a tagger throws coins of known rates for hits and false
alarms, drawn anew per run, and the report's own evaluation reads the database. ``covered`` is the share of 95 %
intervals that hold the mean rate of the tags' population, by kind and over all; ``false_positives`` the share of runs
in which the paired test tells two equal checkpoints apart at 5 %, and ``false_positives_95`` how well so many runs know it:
of 200 runs of a test that is right, one in ten gives less than 3 %.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import machine
from tag_atelier.bench.stats import wilson
from tests.bench.planted import tallied


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser()
    for name, value in (("runs", 1000), ("tags", 300), ("seeds", 1)):
        arguments.add_argument(f"--{name}", type=int, default=value)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        covered, false_positives = tallied(Path(folder), given.runs, given.tags, given.seeds)
    shares = {kind: round(share, 4) for kind, share in covered.items()}
    known = wilson(false_positives * given.runs, given.runs)
    alarms = {"false_positives": round(known.value, 4), "false_positives_95": [round(known.low, 4), round(known.high, 4)]}
    print(json.dumps({**vars(given), "covered": shares, **alarms, **machine()}))


if __name__ == "__main__":
    main()
