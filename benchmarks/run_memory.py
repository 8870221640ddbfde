"""Does a long run need more memory than a short one? One JSON line.

    python benchmarks/run_memory.py [--short 100 --long 2000 --width 640 --height 960 --batch 4]

Each run has a process of its own: a sampler that paints stripes at once, the real workers, PNG, tagger (the tiny one)
and database, then the report. ``*_mib`` is the peak memory of that process, ``more_mib`` the long run's beyond the
short one's (bound: 100).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from merge_file import peak_rss_mib

from tag_atelier.bench.plan import PlannedCheckpoint, plan
from tag_atelier.bench.report import write
from tag_atelier.bench.run import run
from tag_atelier.bench.spec import BenchSpec
from tag_atelier.bench.store import Store
from tag_atelier.jobs.runner import Job
from tag_atelier.ports import Checkpoint, Host, Progress, RenderedImage, RenderRequest, SamplingParameters
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.tagger import find_tagger
from tag_atelier.world import tiny_tagger

CHECKPOINT = Checkpoint("stripes", "stripes.safetensors")


class OneCheckpoint:
    """A folder with one checkpoint, always loaded."""

    def loaded(self) -> Checkpoint:
        return CHECKPOINT


class StripeSampler:
    """Paints stripes whose phase is the seed's, at the size asked for."""

    def render(
        self,
        batch: Sequence[RenderRequest],
        parameters: SamplingParameters,
        checkpoint: Checkpoint,
        deliver: Callable[[RenderedImage], None],
        progress: Progress,
    ) -> None:
        for index, request in enumerate(batch):
            column = numpy.arange(parameters.width, dtype=numpy.uint32)[None, :, None] * numpy.uint32([1, 2, 3])
            row = numpy.arange(parameters.height, dtype=numpy.uint32)[:, None, None]
            pixels = ((column + row + request.seed) % 256).astype(numpy.uint8)
            deliver(RenderedImage(index, Image.fromarray(pixels, "RGB"), request.prompt, checkpoint.name, "ok", {}))

    def count_chunks(self, prompt: str) -> int:
        return 1


def child(cells: int, given: argparse.Namespace) -> None:
    """Run ``cells`` cells in this process and print its peak memory in MiB."""
    tags = ["smile", "hat", "bow", "sitting", "from above", "glaring", "reaching", "apron", "outdoors"]
    spec = BenchSpec.from_value(
        {"name": "memory", "template": "1girl, {tag}", "tags": tags, "seeds": list(range(cells // (len(tags) + 1)))}
        | {"batch_size": given.batch, "self_test": 0, "checkpoints": [CHECKPOINT.name]}
        | {"parameters": {"steps": 1, "width": given.width, "height": given.height}}
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        tiny_tagger.make(folder / "taggers")
        scorer = find_tagger([folder / "taggers"])
        host = Host("stripes", StripeSampler(), OneCheckpoint(), folder, (), None, nullcontext, lambda: None)  # type: ignore[arg-type]
        planned = plan(spec, [PlannedCheckpoint(CHECKPOINT, "0" * 64)], Catalogue.load(), scorer.identity, host.name)
        started = time.perf_counter()
        with Store(folder / "run") as store:
            summary = run(planned, host, scorer, store, Job("run", "", lambda _: {}))
            seconds, peak = time.perf_counter() - started, round(peak_rss_mib())
            write(store, folder / "report")
        assert summary.drawn == summary.planned, summary
        figures = {"cells": summary.drawn, "seconds": round(seconds, 1), "mib": peak, "with_report_mib": round(peak_rss_mib())}
    print(json.dumps(figures))


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser()
    for name, value in (("short", 100), ("long", 2000), ("width", 640), ("height", 960), ("batch", 4), ("child", 0)):
        arguments.add_argument(f"--{name}", type=int, default=value)
    given = arguments.parse_args()
    if given.child:
        child(given.child, given)
        return
    found = {}
    for name in ("short", "long"):
        command = [sys.executable, __file__, *sys.argv[1:], "--child", str(getattr(given, name))]
        found[name] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    more = {f"more_{key}": found["long"][key] - found["short"][key] for key in ("mib", "with_report_mib")}
    print(json.dumps({**found, **more}))


if __name__ == "__main__":
    main()
