"""What a candidate of a search costs beyond drawing and tagging its pictures; prints one JSON line.

    python benchmarks/tune.py [--trials 8 --prompts 31]

On the trained miniature world, CPU, one thread. Our way: candidates of ``tune.study`` as a user runs them (live merge,
batches, database, SQLite storage). The file way, as ConfusionXL's author searched: write a merged file, load it, draw one
prompt at a time, tag each picture; with our own writer, so that only the way differs. Same recipes, same pictures.

candidate_overhead           ours: seconds outside sampling and tagging / all seconds, summed over the candidates
outside_over_file_per_trial  seconds outside sampling and tagging per candidate, ours / the file way's
ours_s, file_s               all seconds per candidate, sampling and tagging included
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch

from benchmarks.machine import machine
from tag_atelier.bench.plan import PlannedCheckpoint, plan
from tag_atelier.host.embedded import build
from tag_atelier.jobs.runner import Job
from tag_atelier.merge.plan import plan as plan_merge
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.stream import write
from tag_atelier.ports import RenderedImage, RenderRequest
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.tagger import find_tagger
from tag_atelier.tune.easel import Stopwatch, Workplace
from tag_atelier.tune.split import split
from tag_atelier.tune.status import Trial
from tag_atelier.tune.study import Study
from tag_atelier.tune.study_spec import StudySpec
from tag_atelier.world import miniature


def by_file(recipe: Recipe, spec: StudySpec, place: Workplace, folder: Path) -> tuple[float, float]:
    """All seconds of one candidate the author's way, and of these the ones outside sampling and tagging."""
    watch, progress = Stopwatch(), Job("draw", "", lambda _: {})
    plans = split(spec, place.catalogue)
    started = time.perf_counter()
    file = folder / "candidate.safetensors"
    write(plan_merge(recipe, place.host.checkpoint_file), file, progress, hashed=False)
    (folder / "candidate.yaml").write_bytes(place.host.checkpoint_file(miniature.BASE).with_suffix(".yaml").read_bytes())
    place.host.checkpoints.refresh()
    checkpoint = place.host.checkpoints.resolve("candidate")
    place.host.checkpoints.load(checkpoint)
    planned = plan(plans.search, [PlannedCheckpoint(checkpoint, "")], place.catalogue, place.scorer.identity)
    for cell in planned.cells:
        images: list[RenderedImage] = []
        with watch.running():
            request = RenderRequest(cell.prompt, cell.negative, cell.seed)
            place.host.sampler.render([request], spec.plan.parameters, checkpoint, images.append, progress)
            place.scorer.score([images[0].image])
    seconds = time.perf_counter() - started
    place.host.checkpoints.load(place.host.checkpoints.resolve(miniature.BASE))
    file.unlink()
    place.host.checkpoints.refresh()
    return seconds, seconds - watch.seconds


def median(values: Sequence[float]) -> float:
    """To the millisecond."""
    return round(statistics.median(values), 3)


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--trials", type=int, default=8)
    arguments.add_argument("--prompts", type=int, default=31)
    given = arguments.parse_args()
    torch.set_num_threads(1)
    shipped = StudySpec.from_value("miniature")
    # The first half of every candidate is not asked for apart, so that both ways draw the same pictures.
    fields = {"trials": len(shipped.models) + given.trials, "prompts": given.prompts, "halving": (1.0,), "preview": ("1girl",)}
    spec = dataclasses.replace(shipped, **fields)
    spec = dataclasses.replace(spec, validation=dataclasses.replace(spec.validation, prompts=12))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        miniature.make(folder / "models")
        host = build(folder / "models", folder / "data")
        place = Workplace(host, find_tagger([miniature.WEIGHTS], spec.plan.tagger), Catalogue.load())
        status = Study(spec, folder / "study").work(place, Job("search", "", lambda _: {}))
        ours = [trial for trial in status.trials if trial.phase == "search"]
        theirs = [by_file(Recipe.from_value(trial.recipe), spec, place, folder / "models") for trial in ours]
    print(json.dumps(line(ours, theirs)))


def line(ours: Sequence[Trial], theirs: Sequence[tuple[float, float]]) -> dict[str, object]:
    """The figures."""
    outside, other = median([trial.overhead_s for trial in ours]), median([outside for _, outside in theirs])
    return {
        "benchmark": "tune",
        "candidate_overhead": round(sum(t.overhead_s for t in ours) / sum(t.seconds for t in ours), 4),
        "outside_over_file_per_trial": round(outside / other, 3),
        "outside_s": outside,
        "file_outside_s": other,
        "ours_s": median([trial.seconds for trial in ours]),
        "file_s": median([seconds for seconds, _ in theirs]),
        "candidates": len(ours),
        **machine(),
        "torch": torch.__version__,
    }


if __name__ == "__main__":
    main()
