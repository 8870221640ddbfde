"""``tune start | worker | best``: search for merge weights on our own host, alone or as one of several machines."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tag_atelier.cli.progress import bar, data_folder, embedded_host
from tag_atelier.errors import SpecError
from tag_atelier.language import sentence, system_language

if TYPE_CHECKING:
    from tag_atelier.tune.easel import Workplace
    from tag_atelier.tune.study import Study


def add_commands(commands: Any) -> None:
    """Add the command and its three actions."""
    tune = commands.add_parser("tune", help="let the benchmark choose the merge: search for block weights, live")
    actions = tune.add_subparsers(dest="action", required=True, metavar="start|worker|best")
    start = actions.add_parser("start", help="start a search, or go on with the one in DIR")
    start.add_argument("study", metavar="STUDY", help="a study file (YAML or JSON), or the name of a shipped study")
    start.add_argument("--check", action="store_true", help="only say what it would cost and can show")
    start.set_defaults(run=_start)
    worker = actions.add_parser("worker", help="help with a search that another machine started")
    worker.add_argument("--storage", metavar="STORAGE", required=True, help="its database's URL, or its journal file (.log)")
    worker.add_argument("--study", metavar="NAME", default="", help="its name, where the storage holds several")
    worker.set_defaults(run=_worker)
    for action in (start, worker):
        action.add_argument("--checkpoints", metavar="FOLDER", type=Path, default=Path(), help="folder of the checkpoints")
        action.add_argument("--tagger", metavar="FOLDER", type=Path, help="folder of the tagger (model.onnx, labels)")
        action.add_argument("--out", metavar="DIR", type=Path, required=True, help="folder of the study on this machine")
    best = actions.add_parser("best", help="print the recipe that the search recommends, as of now")
    best.add_argument("folder", metavar="DIR", type=Path, help="folder of the study")
    best.add_argument("--out", metavar="FILE", type=Path, help="write it to a new file instead")
    best.set_defaults(run=_best)


def _start(given: argparse.Namespace) -> int:
    from tag_atelier.tune.study import Study
    from tag_atelier.tune.study_spec import StudySpec, list_studies

    path = Path(given.study)
    spec = StudySpec.from_value(path if path.is_file() or given.study not in list_studies() else given.study)
    study, workplace = Study(spec, given.out), _workplace(given, spec.plan.tagger)
    cost = study.cost(workplace)
    if given.check:
        print(json.dumps(cost, ensure_ascii=False, indent=2))
        return 0
    template = "{name}: {trials} candidates, at most {pictures} pictures of {megapixel_steps} megapixel steps in all."
    counts = {key: cost[key] for key in ("trials", "pictures", "megapixel_steps")}
    print(sentence(template, system_language(), name=spec.name, **counts), file=sys.stderr)
    return _work(study, workplace)


def _worker(given: argparse.Namespace) -> int:
    from tag_atelier.tune.study import Study

    study = Study.join(given.storage, given.study, given.out)
    return _work(study, _workplace(given, study.spec.plan.tagger))


def _best(given: argparse.Namespace) -> int:
    from tag_atelier.bench.store import disk_errors, write_whole
    from tag_atelier.tune.study import Study

    recipe = Study.open(given.folder).best()
    if given.out is None:
        print(recipe, end="")
        return 0
    if given.out.exists():
        raise SpecError("'{out}' is there already; name a new file, nothing is overwritten.", out=given.out)
    with disk_errors(given.out.parent):
        write_whole(given.out, recipe.encode("utf-8"))
    return 0


def _workplace(given: argparse.Namespace, tagger: str) -> Workplace:
    from tag_atelier.prompt.catalogue import Catalogue
    from tag_atelier.tagger import find_tagger
    from tag_atelier.tune.easel import Workplace

    host = embedded_host(given.checkpoints, given.tagger, data_folder())
    return Workplace(host, find_tagger(host.tagger_folders, tagger), Catalogue.load())


def _work(study: Study, workplace: Workplace) -> int:
    from tag_atelier.bench.store import disk_errors
    from tag_atelier.tune.report import write
    from tag_atelier.tune.sentences import outcome
    from tag_atelier.tune.study import BEST_FILE

    with bar() as progress:
        status = study.work(workplace, progress)
    with disk_errors(study.folder):
        write(study.spec, status, study.folder, system_language())
    for trial in status.trials:
        score = "-" if trial.score is None else f"{trial.score.value:.4f}\t[{trial.score.low:.4f}, {trial.score.high:.4f}]"
        print(f"{trial.number}\t{trial.candidate}\t{trial.state}\t{score}")
    if status.result is not None:
        result = status.result
        template, values = outcome(result.best_parent, result.difference, result.difference_by_prompt)
        print(f"{sentence(template, system_language(), **values)} {study.folder / BEST_FILE}", file=sys.stderr)
    return 0
