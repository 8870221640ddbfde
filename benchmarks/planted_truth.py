"""Do the reported intervals hold the truth, and does the paired test cry wolf? One JSON line.

    python benchmarks/planted_truth.py [--runs 1000 --tags 300]

In every run each tag's true rate is drawn anew; hits are coin throws of that rate. ``wilson`` and ``bootstrap`` are the
shares of runs whose 95 % interval holds the mean rate (one seed, three seeds); ``paired`` and ``paired_seeds`` the
shares of runs in which two equal checkpoints are told apart at 5 %.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tag_atelier.bench import stats


def simulate(runs: int, tags: int, seed: int = 0) -> dict[str, float]:
    """Coverage of the intervals and false positives of the paired tests, 0…1 each."""
    generator = numpy.random.default_rng(seed)
    counts = dict.fromkeys(("wilson", "bootstrap", "paired", "paired_seeds"), 0)
    for _ in range(runs):
        low, high = sorted(generator.uniform(0.5, 4.0, 2))
        truth = low / (low + high)
        rates = generator.beta(low, high, tags)
        one, other = (generator.random(tags) < rates for _ in range(2))
        three, others = (generator.binomial(3, rates) / 3 for _ in range(2))
        interval = stats.wilson(int(one.sum()), tags)
        counts["wilson"] += interval.low <= truth <= interval.high
        interval = stats.bootstrap_mean(three)
        counts["bootstrap"] += interval.low <= truth <= interval.high
        counts["paired"] += stats.mcnemar(int((one & ~other).sum()), int((other & ~one).sum())) < 0.05
        counts["paired_seeds"] += stats.sign_flip(three - others) < 0.05
    return {name: count / runs for name, count in counts.items()}


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--runs", type=int, default=1000)
    arguments.add_argument("--tags", type=int, default=300)
    given = arguments.parse_args()
    print(json.dumps({"runs": given.runs, "tags": given.tags, **simulate(given.runs, given.tags)}))


if __name__ == "__main__":
    main()
