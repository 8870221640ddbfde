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
from tag_atelier.errors import SpecError
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.jobs.benchmarks import REPORT_FILES
from tag_atelier.language import Language

PROMPT = "blue eyes, masterpiece, (white dress:1.2), forest, 1girl, smile, from above, holding sword, twintails, cowboy shot"
FIRST, SECOND, MERGED = "tiny-sdxl-a", "tiny-sdxl-b", "tiny-sdxl-merged"
RECIPE: dict[str, object] = {
    "name": MERGED,
    "method": "weighted_sum",
    "models": [FIRST, SECOND],
    "alpha": {"BASE": 0, "IN04": 0.25, "IN07": 0.5, "IN08": 0.75, "M00": 0.5, "OUT00": 0.75, "OUT01": 0.5, "OUT03": 0.25},
}
PLAN = "rare-8"
NOTE = (
    "A demonstration on tiny checkpoints with random weights: the pictures are coloured noise and the numbers say nothing "
    "about any real checkpoint."
)


def add_commands(commands: Any) -> None:
    """Add the command."""
    demo = commands.add_parser("demo", help="run the whole loop once on tiny checkpoints and write one report")
    demo.add_argument("--out", metavar="DIR", type=Path, default=Path("demo/out"), help="(default: demo/out)")
    demo.add_argument("--language", choices=("en", "zh_CN"), default="en", help="language of the report")
    demo.set_defaults(run=_demo)


def make_world(folder: Path, names: tuple[str, ...] = (FIRST, SECOND)) -> Path:
    """Tiny checkpoints ``names`` in ``folder``, a tiny tagger in its ``tagger`` folder; quick when they are there."""
    from tag_atelier.world import tiny_checkpoints, tiny_tagger

    tiny_checkpoints.make(folder, names)
    tiny_tagger.make(folder / "tagger")
    return folder


def _demo(given: argparse.Namespace) -> int:
    started, out, language = time.monotonic(), given.out, given.language
    logging.getLogger("tag_atelier").setLevel(logging.ERROR)
    _forget_last(out)
    _say("1/5 Making two tiny checkpoints and a tiny tagger")
    world = make_world(out / "world")
    atelier = Atelier(embedded_host(world, world / "tagger", out / "data"))

    _say("2/5 Arranging a messy prompt")
    arranged = str(atelier.arrange({"text": PROMPT, "profile": "aidxl"})["text"])
    _say(f"  from  {PROMPT}\n  to    {arranged}")

    _say("3/5 Benchmark of two checkpoints")
    with bar() as progress:
        atelier.benchmarks.run_now(_plan(FIRST, SECOND), out, progress, language)

    _say("4/5 Block-weight merge of the two")
    recipe = _merge(world)
    atelier.host.checkpoints.refresh()

    _say("5/5 Benchmark of the merge beside its parents, whose pictures are kept")
    with bar() as progress:
        atelier.benchmarks.run_now(_plan(FIRST, SECOND, MERGED), out, progress, language)
    report = _write_report(out, arranged, recipe, language)
    print(f"Done in {time.monotonic() - started:.0f} s: {report}")
    return 0


def _forget_last(out: Path) -> None:
    """Remove what the last demo drew and merged; the tiny checkpoints stay.

    Raises:
        SpecError: the folder holds a run or report of somebody else's: only a demo's world says that it is a demo's.
    """
    from tag_atelier.bench.store import DATABASE

    taken = [name for name in (*REPORT_FILES, DATABASE, "images", "thumbs") if (out / name).exists()]
    if taken and not (out / "world" / f"{FIRST}.safetensors").is_file():
        raise SpecError(f"'{out}' holds {', '.join(taken)} of no demo; choose another folder, nothing of yours is removed.")
    for suffix in (".safetensors", ".yaml"):
        (out / "world" / f"{MERGED}{suffix}").unlink(missing_ok=True)
    for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", "writer.lock"):
        (out / name).unlink(missing_ok=True)
    for name in ("images", "thumbs"):
        shutil.rmtree(out / name, ignore_errors=True)


def _merge(world: Path) -> str:
    """Merge the two to a file; the recipe as YAML."""
    from tag_atelier.jobs.merges import write_checkpoint
    from tag_atelier.merge.plan import plan
    from tag_atelier.merge.recipe import Recipe

    recipe = Recipe.from_value(RECIPE)
    with bar() as progress:
        write_checkpoint(plan(recipe, lambda name: world / f"{name}.safetensors"), world / f"{MERGED}.safetensors", progress)
    return recipe.to_yaml()


def _write_report(out: Path, arranged: str, recipe: str, language: Language) -> Path:
    """The benchmark's report once more, with what came before it at its head."""
    from tag_atelier.bench.report import write
    from tag_atelier.bench.report_data import Passage
    from tag_atelier.bench.store import Store

    passages = (
        Passage("The prompt as it was written", PROMPT),
        Passage("The same prompt in the order AIDXL was trained on", arranged),
        Passage("The recipe of the merge", recipe),
    )
    with Store(out) as store:
        return write(store, out, language, passages)


def _plan(*checkpoints: str) -> dict[str, object]:
    return {"preset": PLAN, "name": "Demo", "checkpoints": list(checkpoints), "note": NOTE} | {
        "parameters": {"sampler": "Euler", "steps": 6, "width": 128, "height": 128, "cfg_scale": 5.0},
    }


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
