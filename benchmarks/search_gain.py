"""Whether a search of sixty candidates beats the better parent on tags that it never saw: one JSON line a seed, one for all.

    python benchmarks/search_gain.py [--seeds 1,2,3,4,5] [--trials 60] [--sampler cma] [--out DIR]

The shipped study of the trained miniature world; a search's seed moves its candidates, not its prompts. ``lead`` is the
answer's lift less the better parent's on validation, paired, with its 95 % interval: tags resampled (``beats`` asks for this
one), and prompts resampled. Studies in DIR are taken up where they stopped.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch

from benchmarks.machine import machine
from tag_atelier.host.embedded import build
from tag_atelier.jobs.runner import Job
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.tagger import find_tagger
from tag_atelier.tune.easel import Workplace
from tag_atelier.tune.study import Study
from tag_atelier.tune.study_spec import SAMPLERS, StudySpec
from tag_atelier.world import miniature


def carry_out(spec: StudySpec, place: Workplace, folder: Path) -> dict[str, object]:
    """One seed's figures."""
    started = time.perf_counter()
    status = Study(spec, folder).work(place, Job("search", "", lambda _: {}))
    result = status.result
    assert result is not None, "a study that is done has a result"
    return {
        "benchmark": "search_gain",
        "seed": spec.seed,
        "beats": result.beats_best_parent,
        "lead": result.difference.as_list(),
        "lead_by_prompt": result.difference_by_prompt.as_list(),
        "best_parent": result.best_parent,
        "search": result.search.as_list(),
        "validation": result.validation.as_list(),
        "optimism": round(result.optimism, 4),
        "tags": result.tags,
        "pictures": result.pictures,
        "trials": status.finished_trials,
        "drawn": status.pictures_drawn,
        "seconds": round(time.perf_counter() - started),
        **machine(),
    }


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", default="1,2,3,4,5")
    arguments.add_argument("--trials", type=int, default=60)
    arguments.add_argument("--sampler", choices=SAMPLERS, default="cma")
    arguments.add_argument("--out", type=Path)
    given = arguments.parse_args()
    torch.set_num_threads(1)
    shipped = StudySpec.from_value("miniature")
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.out or Path(scratch)
        miniature.make(folder / "models")
        host = build(folder / "models", folder / "data")
        place = Workplace(host, find_tagger([miniature.WEIGHTS], shipped.plan.tagger), Catalogue.load())
        found = []
        for seed in (int(part) for part in given.seeds.split(",")):
            spec = dataclasses.replace(shipped, seed=seed, trials=given.trials, sampler=given.sampler)
            found.append(carry_out(spec, place, folder / f"seed-{seed}"))
            print(json.dumps(found[-1]), flush=True)
    print(json.dumps({"benchmark": "search_gain", "seeds": len(found), "beats": sum(bool(each["beats"]) for each in found)}))


if __name__ == "__main__":
    main()
