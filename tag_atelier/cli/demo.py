"""``demo``: the whole loop on the miniature world: messy prompt → arranged → benchmark → block merge → benchmark → report."""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tag_atelier.cli.progress import bar, embedded_host
from tag_atelier.errors import SpecError
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.jobs.runs import REPORT_FILES
from tag_atelier.language import Language, Said, say, system_language, tell

PROMPT = "blue eyes, masterpiece, (red dress:1.1), sunset, 1girl, smile, holding sword, twintails, cat ears, blonde hair"
BASE, FIRST, SECOND, MERGED = "miniature-base", "miniature-face", "miniature-outfit", "miniature-merged"
PARENTS = (BASE, FIRST, SECOND)
FILES = Path(__file__).resolve().parents[2] / "demo"
"""Where ``merge.yaml`` lies."""
PLAN = "miniature"
"""The shipped plan that is drawn."""
NOTE = (
    "A miniature: checkpoints of a hundredth of the usual size that know 45 tags, trained on drawn portraits of 64 × 64 pixels "
    "and judged by a tagger trained on the same. The loop is the real one; the numbers say nothing about any real checkpoint."
)
BANDS = ((0.25, 1.0), (0.10, 0.25), (0.03, 0.10), (0.0, 0.03))
"""Shares of the training pictures from common to rare."""
_BAR = 20


def add_commands(commands: Any) -> None:
    """Add the command."""
    demo = commands.add_parser("demo", help="run the whole loop once on trained miniature checkpoints and write one report")
    demo.add_argument("--out", metavar="DIR", type=Path, default=Path("demo/out"), help="(default: demo/out)")
    demo.add_argument(
        "--language",
        choices=("en", "zh_CN"),
        default=system_language(),
        help="language of report and messages (default: the system's)",
    )
    demo.set_defaults(run=_demo)


def make_world(folder: Path) -> Path:
    """The miniature checkpoints in ``folder``; quick when they are there."""
    from tag_atelier.world import miniature

    miniature.make(folder)
    return folder


def tagger_folder() -> Path:
    """The folder the miniature tagger stands in."""
    from tag_atelier.world import miniature

    return miniature.WEIGHTS


def _demo(given: argparse.Namespace) -> int:
    log = logging.getLogger("tag_atelier")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        return _tell(given)
    finally:
        log.setLevel(before)


def _tell(given: argparse.Namespace) -> int:
    started, out, language = time.monotonic(), given.out, given.language
    _forget_last(out)
    _say(say("1/5 Unpacking three miniature checkpoints"), language)
    world = make_world(out / "world")
    atelier = Atelier(embedded_host(world, tagger_folder(), out / "data"))

    _say(say("2/5 Arranging a messy prompt"), language)
    arranged = str(atelier.arrange({"text": PROMPT, "profile": "aidxl"})["text"])
    _say(say("  from  {before}\n  to    {after}", before=PROMPT, after=arranged), language)

    _say(say("3/5 Benchmark of a base and its two specialists"), language)
    with bar() as progress:
        atelier.benchmarks.run_now(_plan(*PARENTS), out, progress, language)

    _say(say("4/5 Block-weight merge of the two specialists"), language)
    recipe = _merge(world)
    atelier.host.checkpoints.refresh()

    _say(say("5/5 Benchmark of the merge beside its parents, whose pictures are kept"), language)
    with bar() as progress:
        atelier.benchmarks.run_now(_plan(*PARENTS, MERGED), out, progress, language)
    report = _write_report(out, arranged, recipe, language)
    print(tell(say("Done in {seconds} s: {report}", seconds=round(time.monotonic() - started), report=report), language))
    return 0


def _forget_last(out: Path) -> None:
    """Remove what the last demo drew and merged; the miniature checkpoints stay.

    Raises:
        SpecError: the folder holds a run or report of somebody else's: only a demo's world says that it is a demo's.
    """
    from tag_atelier.bench.store import DATABASE

    taken = [name for name in (*REPORT_FILES, DATABASE, "images", "thumbs") if (out / name).exists()]
    if taken and not (out / "world" / f"{BASE}.safetensors").is_file():
        raise SpecError(
            "'{out}' holds {taken} of no demo; choose another folder, nothing of yours is removed.",
            out=out,
            taken=", ".join(taken),
        )
    for suffix in (".safetensors", ".yaml"):
        (out / "world" / f"{MERGED}{suffix}").unlink(missing_ok=True)
    for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", "writer.lock"):
        (out / name).unlink(missing_ok=True)
    for name in ("images", "thumbs"):
        shutil.rmtree(out / name, ignore_errors=True)


def _merge(world: Path) -> str:
    """Merge the specialists to a file; the recipe as YAML."""
    from tag_atelier.jobs.merges import write_checkpoint
    from tag_atelier.merge.plan import plan
    from tag_atelier.merge.recipe import Recipe

    recipe = Recipe.from_file(FILES / "merge.yaml")
    with bar() as progress:
        write_checkpoint(plan(recipe, lambda name: world / f"{name}.safetensors"), world / f"{MERGED}.safetensors", progress)
    return recipe.to_yaml()


def _write_report(out: Path, arranged: str, recipe: str, language: Language) -> Path:
    """The benchmark's report once more, with what came before it and the way from common to rare tags at its head."""
    from tag_atelier.bench.report import read, write
    from tag_atelier.bench.report_data import Passage
    from tag_atelier.bench.store import Store

    with Store(out) as store:
        accuracies = {
            score.name: {tag.tag: tag.hits / tag.drawn for tag in score.tags if tag.drawn}
            for score in read(store, out, language).evaluation.checkpoints
        }
        passages = (
            Passage("The prompt as it was written", PROMPT),
            Passage("The same prompt in the order AIDXL was trained on", arranged),
            Passage("The recipe of the merge", recipe),
            Passage("Accuracy by how many of the base's training pictures show a tag", rarity_curve(accuracies)),
        )
        return write(store, out, language, passages)


def rarity_curve(accuracies: Mapping[str, Mapping[str, float]]) -> str:
    """Bars of the mean accuracy of the tags of each band of training shares, common first, one line a checkpoint.

    ``accuracies``: checkpoint → tag, with or without underscores → 0 … 1.
    """
    from tag_atelier.world.portrait_tags import SHARES

    lines: list[str] = []
    for low, high in BANDS:
        tags = [tag for tag, share in SHARES.items() if low <= share < high]
        lines.append(f"{low:.0%} – {high:.0%}  ({len(tags)})")
        for name, of in accuracies.items():
            known = [of[spelling] for tag in tags for spelling in {tag, tag.replace("_", " ")} if spelling in of]
            lines.append(f"  {name:<18}{_bar(known)}")
    return "\n".join(lines)


def _bar(shares: Sequence[float]) -> str:
    if not shares:
        return "–"
    mean = sum(shares) / len(shares)
    full = round(mean * _BAR)
    return f"{'█' * full}{'░' * (_BAR - full)} {mean:.0%}"


def _plan(*checkpoints: str) -> dict[str, object]:
    from tag_atelier.bench.fields import read_mapping
    from tag_atelier.bench.spec import list_presets

    plan = dict(read_mapping(list_presets()[PLAN].read_text(encoding="utf-8"), PLAN))
    return plan | {"name": "Demo", "checkpoints": list(checkpoints), "note": NOTE}


def _say(text: Said, language: Language) -> None:
    print(tell(text, language), file=sys.stderr, flush=True)
