"""``demo``: the whole loop on the tiny world: messy prompt → arranged → benchmark → block merge → benchmark → one report."""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from tag_atelier.cli.progress import bar, embedded_host
from tag_atelier.jobs.atelier import Atelier

PROMPT = "blue eyes, masterpiece, (white dress:1.2), forest, 1girl, smile, from above, holding sword, twintails, cowboy shot"
FIRST, SECOND, MERGED = "tiny-sdxl-a", "tiny-sdxl-b", "tiny-sdxl-merged"
RECIPE: dict[str, object] = {
    "name": MERGED,
    "method": "weighted_sum",
    "models": [FIRST, SECOND],
    "alpha": {"BASE": 0, "IN04": 0.25, "IN07": 0.5, "IN08": 0.75, "M00": 0.5, "OUT00": 0.75, "OUT01": 0.5, "OUT03": 0.25},
}
PLAN = "rare-8"


def add_commands(commands: Any) -> None:
    """Add the command."""
    demo = commands.add_parser("demo", help="run the whole loop once on tiny checkpoints and write one report")
    demo.add_argument("--out", metavar="DIR", type=Path, default=Path("demo/out"), help="(default: demo/out)")
    demo.add_argument("--language", choices=("en", "zh_CN"), default="en", help="language of the report")
    demo.set_defaults(run=_demo)


def make_world(folder: Path, names: tuple[str, ...] = (FIRST, SECOND)) -> Path:
    """Tiny checkpoints ``names`` in ``folder`` and a tiny tagger in its ``tagger`` folder; quick when they are there already."""
    from tag_atelier.world import tiny_checkpoints, tiny_tagger

    tiny_checkpoints.make(folder, names)
    tiny_tagger.make(folder / "tagger")
    return folder


def _demo(given: argparse.Namespace) -> int:
    from tag_atelier.merge.plan import plan as plan_merge
    from tag_atelier.merge.recipe import Recipe
    from tag_atelier.merge.stream import write

    started, out = time.monotonic(), given.out
    logging.getLogger("tag_atelier").setLevel(logging.ERROR)
    _say("1/5 Making two tiny checkpoints and a tiny tagger")
    world = make_world(out / "world")
    merged = world / f"{MERGED}.safetensors"
    merged.unlink(missing_ok=True)
    shutil.rmtree(out / "run", ignore_errors=True)
    atelier = Atelier(embedded_host(world, world / "tagger", out / "data"))

    _say("2/5 Arranging a messy prompt")
    arranged = str(atelier.arrange({"text": PROMPT, "profile": "aidxl"})["text"])
    _say(f"  from  {PROMPT}\n  to    {arranged}")

    _say("3/5 Benchmark of two checkpoints")
    with bar() as progress:
        atelier.benchmarks.run_now(_plan(FIRST, SECOND), out / "run", progress, given.language)

    _say("4/5 Block-weight merge of the two")
    recipe = Recipe.from_value(RECIPE)
    with bar() as progress:
        write(plan_merge(recipe, lambda name: world / f"{name}.safetensors"), merged, progress)
    atelier.host.checkpoints.refresh()

    _say("5/5 Benchmark of the merge beside its parents, whose pictures are kept")
    with bar() as progress:
        atelier.benchmarks.run_now(_plan(FIRST, SECOND, MERGED), out / "run", progress, given.language)
    report = _write_report(out, arranged, recipe.to_yaml(), given.language)
    print(f"Done in {time.monotonic() - started:.0f} s: {report}")
    return 0


def _plan(*checkpoints: str) -> dict[str, object]:
    return {"preset": PLAN, "name": "Demo", "checkpoints": list(checkpoints)} | {
        "note": "A demonstration on tiny checkpoints with random weights: the pictures are noise and the numbers mean nothing.",
        "parameters": {"sampler": "Euler", "steps": 6, "width": 128, "height": 128, "cfg_scale": 5.0},
    }


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
