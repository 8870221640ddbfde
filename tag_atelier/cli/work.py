"""``bench`` and ``merge``: long work on the embedded host, or on other machines."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from tag_atelier.cli.progress import add_remote_options, bar, data_folder, embedded_host, other_machines
from tag_atelier.errors import RecipeError, SpecError, UnknownName, say
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.language import sentence, system_language


def add_commands(commands: Any) -> None:
    """Add the two commands."""
    bench = commands.add_parser("bench", help="run a rare-tag benchmark and write its report")
    bench.add_argument("plan", metavar="PLAN", help="a plan file (YAML or JSON), or the name of a shipped plan")
    bench.add_argument("--out", metavar="DIR", type=Path, required=True, help="folder of the run and its report")
    add_remote_options(bench)
    bench.add_argument("--resume", action="store_true", help="take up the run in DIR; finished cells are kept")
    bench.add_argument(
        "--language", choices=("en", "zh_CN"), default=system_language(), help="language of the report (default: the system's)"
    )
    bench.set_defaults(run=_bench)
    merge = commands.add_parser("merge", help="merge checkpoints block by block into a new file")
    merge.add_argument("recipe", metavar="RECIPE", type=Path, help="a recipe file (YAML or JSON)")
    merge.add_argument("--out", metavar="FILE", type=Path, help="the new checkpoint; must not exist")
    merge.add_argument("--check", action="store_true", help="only say what would be done, from the files' headers")
    merge.set_defaults(run=_merge)
    for command in (bench, merge):
        command.add_argument("--checkpoints", metavar="FOLDER", type=Path, default=Path(), help="folder of the checkpoints")
    bench.add_argument("--tagger", metavar="FOLDER", type=Path, help="folder of the tagger (model.onnx, labels)")


def _text(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(
            "The {what} '{path}' cannot be read ({error}); expected a text file in YAML or JSON.",
            what=what,
            path=path,
            error=str(error),
        ) from error


def read_plan(name: str) -> object:
    """A plan file's text, or the shipped plan of that name."""
    from tag_atelier.bench.spec import list_presets

    if Path(name).is_file():
        return _text(Path(name), say("plan"))
    if name in list_presets():
        return {"preset": name}
    raise UnknownName("plan", name, sorted(list_presets()), remedy="Give a plan file or one of these names.")


def _bench(given: argparse.Namespace) -> int:
    from tag_atelier.bench.store import DATABASE
    from tag_atelier.jobs.runs import REPORT_FILES

    is_run = (given.out / DATABASE).exists()
    if is_run and not given.resume:
        raise SpecError("'{out}' holds a run already; add --resume to take it up, or choose another folder.", out=given.out)
    taken = [name for name in REPORT_FILES if not is_run and (given.out / name).exists()]
    if taken:
        raise SpecError(
            "'{out}' holds {taken} but no run; choose another folder, nothing is overwritten.",
            out=given.out,
            taken=", ".join(taken),
        )
    host = other_machines(given) or embedded_host(given.checkpoints, given.tagger, data_folder())
    plan = read_plan(given.plan)
    with bar() as progress:
        summary = Atelier(host).benchmarks.run_now(plan, given.out, progress, given.language)
    print(json.dumps({**summary, "report": str(given.out / "report.html")}, default=str))
    errors = summary["errors"]
    if isinstance(errors, list) and errors:
        template = "Error: {missing} of {planned} pictures are missing; put this right and add --resume: {reason}"
        counts = {key: summary[key] for key in ("missing", "planned")}
        print(sentence(template, system_language(), **counts, reason=errors[0]), file=sys.stderr)
        return 1
    return 0


def _merge(given: argparse.Namespace) -> int:
    from tag_atelier.jobs.merges import read_recipe, write_checkpoint
    from tag_atelier.merge.plan import plan

    if given.out is None and not given.check:
        raise RecipeError("There is no --out; expected the new checkpoint's file name, or --check to only look.")
    planned = plan(read_recipe(_text(given.recipe, say("recipe"))), FolderFiles(given.checkpoints).path)
    if given.check:
        print(json.dumps(planned.as_dict(), ensure_ascii=False, indent=2, default=str))
        return 0
    with bar() as progress:
        result = write_checkpoint(planned, given.out, progress)
    print(f"{given.out}\t{result.sha256}")
    return 0


class FolderFiles:
    """Checkpoints by name in a folder: what ``merge`` needs of a host, without loading one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, name: str) -> Path:
        """A path as given, or a file or diffusers folder of the folder by its name, with or without ending."""
        from tag_atelier.merge.model_files import find_below

        if Path(name).is_file() or (Path(name) / "model_index.json").is_file():
            return Path(name)
        found = find_below((self._folder,), name)
        if found is not None:
            return found
        known = sorted(path.stem for path in self._folder.glob("*.safetensors"))
        raise UnknownName("checkpoint", name, known, remedy="Name the folder with --checkpoints.")
