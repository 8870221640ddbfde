"""What a benchmark costs beyond its sampling: one JSON line.

    python benchmarks/grid_overhead.py [--tags 23 --batch 8 --size 128 --steps 8 --repeats 3]

``over_sampling`` is the wall time of a whole run (sampling, PNG, tagger, database) over that of handing the same
batches to the same sampler and throwing the pictures away; decoding counts as sampling. Medians of alternating repeats.
The tags and the baseline fill whole batches.
Where a WebUI is at hand (SD_WEBUI_DIR), ``cells_per_second_over_xyz`` compares with its own X/Y/Z plot: ``webui_grid``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from webui_grid import measure

from benchmarks.machine import machine
from tag_atelier.bench.plan import Plan, PlannedCheckpoint, plan
from tag_atelier.bench.run import run
from tag_atelier.bench.spec import BenchSpec
from tag_atelier.bench.store import Store
from tag_atelier.host.embedded import build
from tag_atelier.jobs.runner import Job
from tag_atelier.ports import Host, RenderRequest, Scorer
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.tagger import find_tagger
from tag_atelier.world import tiny_checkpoints, tiny_tagger

NAME = "tiny-sdxl-a"


def sampling_s(planned: Plan, host: Host) -> float:
    """Seconds that the sampler alone needs for the plan's batches, filled up as a run fills them."""
    size = planned.spec.batch_size
    cells = [*planned.cells, *([planned.cells[0]] * (-len(planned.cells) % size))]
    requests = [RenderRequest(cell.prompt, cell.negative, cell.seed) for cell in cells]
    checkpoint, progress = planned.checkpoints[0].checkpoint, Job("draw", "", lambda _: {})
    started = time.perf_counter()
    for start in range(0, len(requests), size):
        batch = requests[start : start + size]
        host.sampler.render(batch, planned.parameters(0), checkpoint, lambda _image: None, progress)
    return time.perf_counter() - started


def run_s(planned: Plan, host: Host, scorer: Scorer, folder: Path) -> float:
    """Seconds of a whole run into an empty folder."""
    with Store(folder) as store:
        started = time.perf_counter()
        summary = run(planned, host, scorer, store, Job("run", "", lambda _: {}))
        seconds = time.perf_counter() - started
    assert summary.drawn == summary.planned, summary
    return seconds


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser()
    for name, value in (("tags", 23), ("batch", 8), ("size", 128), ("steps", 8), ("repeats", 3)):
        arguments.add_argument(f"--{name}", type=int, default=value)
    given = arguments.parse_args()
    catalogue = Catalogue.load()
    tags = [
        entry.text for entry in sorted(catalogue.entries.values(), key=lambda entry: -entry.posts) if entry.slot == "clothing"
    ]
    parameters = {"sampler": "Euler", "steps": given.steps, "width": given.size, "height": given.size}
    spec = BenchSpec.from_value(
        {"name": "overhead", "template": "1girl, {tag}, white background", "tags": tags[: given.tags], "self_test": 0}
        | {"batch_size": given.batch, "parameters": parameters, "escape": False}
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        tiny_checkpoints.make(folder / "models", (NAME,))
        tiny_tagger.make(folder / "taggers")
        host, scorer = build(folder / "models", folder / "data"), find_tagger([folder / "taggers"])
        checkpoint = host.checkpoints.resolve(NAME)
        planned = plan(
            spec, [PlannedCheckpoint(checkpoint, host.checkpoints.identify(checkpoint))], catalogue, scorer.identity, host.name
        )
        sampling_s(planned, host)  # loads the checkpoint and warms up
        pairs = [
            (sampling_s(planned, host), run_s(planned, host, scorer, folder / f"run-{number}"))
            for number in range(given.repeats)
        ]
    sampling, whole = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    print(
        json.dumps(
            {
                "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
                "cells": len(planned.cells),
                "batch": given.batch,
                "sampling_s": round(sampling, 3),
                "run_s": round(whole, 3),
                "cells_per_second": round(len(planned.cells) / whole, 3),
                "over_sampling": round(statistics.median(run / alone for alone, run in pairs), 3),
                **measure(tags[: given.tags], parameters, given.batch, given.repeats),
                **machine(),
            }
        )
    )


if __name__ == "__main__":
    main()
