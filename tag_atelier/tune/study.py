"""A search on disk: its spec, its trials in an Optuna storage, and the work on it. Used by jobs and the command line.

Reading a study needs no host; several workers, on one machine or on many, may work on it at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tag_atelier.errors import SpecError, say
from tag_atelier.ports import Progress
from tag_atelier.tune.status import StudyStatus, Trial
from tag_atelier.tune.study_spec import StudySpec

if TYPE_CHECKING:
    from tag_atelier.merge.layout import Architecture
    from tag_atelier.tune.book import Book
    from tag_atelier.tune.easel import Easel, Workplace
    from tag_atelier.tune.ledger import Ledger
    from tag_atelier.tune.space import Space
    from tag_atelier.tune.split import Split

SPEC_FILE, BEST_FILE, COST_FILE = "study.yaml", "best.yaml", "cost.json"


class Study:
    """One search in one folder: ``study.yaml``, pictures and previews of this machine, ``best.yaml`` at the end."""

    def __init__(self, spec: StudySpec, folder: Path) -> None:
        """Take the study in ``folder``; nothing is written before ``work``."""
        self.spec, self.folder = spec, folder
        self._book: Book | None = None

    @classmethod
    def open(cls, folder: Path) -> Study:
        """The study that lies in ``folder``. Raises SpecError where there is none."""
        if not (folder / SPEC_FILE).is_file():
            sentence = "'{folder}' holds no study; expected a folder with a '{file}' in it."
            raise SpecError(sentence, folder=folder.name, file=SPEC_FILE)
        return cls(StudySpec.from_value(folder / SPEC_FILE), folder)

    @classmethod
    def join(cls, storage: str, name: str, folder: Path) -> Study:
        """The study ``name`` of a shared storage, to be worked on from ``folder``; ``name`` empty: the only one there.

        Raises:
            SpecError: there is no such study, or several where none is named.
            HostError: optuna or a driver is missing, or the storage stays away.
        """
        from tag_atelier.tune.ledger import Ledger, studies_in

        known = studies_in(storage, folder)
        found = [each for each in known if name in ("", each, each.rpartition(" ")[0])]
        if len(found) != 1:
            sentence = "The storage holds {count} studies called '{name}'; expected one of its names: {known}."
            raise SpecError(sentence, count=len(found), name=name, known=", ".join(known) or say("none"))
        notes = Ledger(storage, found[0], folder).notes()
        if "spec" not in notes:
            sentence = "The study '{name}' was never started; start it on one machine before others join."
            raise SpecError(sentence, name=found[0])
        return cls(StudySpec.from_value(json.loads(str(notes["spec"])) | {"storage": storage}), folder)

    @property
    def key(self) -> str:
        """Name within a shared storage: the study's own, and a mark that differs where anything in its spec does."""
        plain = {key: value for key, value in self.spec.as_dict().items() if key not in ("storage", "note")}
        return f"{self.spec.name} {hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:8]}"

    @property
    def is_started(self) -> bool:
        """Whether ``work`` ever began in this folder."""
        return (self.folder / SPEC_FILE).is_file()

    def cost(self, workplace: Workplace) -> Mapping[str, object]:
        """What the study will cost and can show, before it starts, as plain values.

        ``pictures`` (at most), ``pictures_per_trial`` (list, one per rung of the halving), ``trials``, ``dimensions``,
        ``groups``, ``search_tags``, ``validation_tags``, ``unknown_tags`` (of the tagger: left out),
        ``validation_pictures``, ``resolvable_difference`` (lift, 80 % power, search and validation), ``megapixel_steps``,
        ``preview_prompts``.

        Raises:
            SpecError, RecipeError, UnknownName, CheckpointError: whatever would stop it later.
            HostError: the host cannot change a loaded model.
        """
        return self._lay_out(workplace)[-1]

    def _lay_out(self, workplace: Workplace) -> tuple[Easel, Split, dict[str, Space], dict[str, Any]]:
        """Everything a worker needs; every error of the spec is found here, before anything is drawn."""
        from tag_atelier.tune.cost import cost
        from tag_atelier.tune.easel import Easel
        from tag_atelier.tune.split import split

        if workplace.host.check_parameters is not None:
            workplace.host.check_parameters(self.spec.plan.parameters)
        plans = split(self.spec, workplace.catalogue, frozenset(workplace.scorer.labels))
        easel = Easel(workplace, self.spec.models[0])
        spaces = self._spaces(easel.architecture(self.spec.models))
        easel.plan(spaces["search"].recipe(spaces["search"].start(), "start"))
        return easel, plans, spaces, cost(self.spec, plans, spaces, workplace.catalogue)

    def _spaces(self, architecture: Architecture) -> dict[str, Space]:
        from tag_atelier.tune.space import Space

        spaces = {"search": Space(self.spec, architecture, self.spec.space.groups)}
        if self.spec.space.refine:
            spaces["refine"] = Space(self.spec, architecture, self.spec.space.refine)
        return spaces

    def _ledger(self, spaces: Mapping[str, Space]) -> Ledger:
        from tag_atelier.tune.ledger import Ledger
        from tag_atelier.tune.samplers import sampler_of

        objectives = 2 if self.spec.sampler == "nsga2" else 1
        return Ledger(self.spec.storage, self.key, self.folder, sampler_of(self.spec, spaces["search"]), objectives)

    def begin(self, workplace: Workplace) -> None:
        """Write the study into its folder, where it can be looked at before a worker comes to it. Raises as ``cost`` does."""
        easel, _, _, costs = self._lay_out(workplace)
        self._write_down({**costs, "architecture": easel.architecture(self.spec.models).id})

    def _write_down(self, costs: Mapping[str, Any]) -> None:
        from tag_atelier.bench.store import disk_errors, write_whole

        with disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(self.folder / COST_FILE, json.dumps(costs, ensure_ascii=False).encode("utf-8"))
            write_whole(self.folder / SPEC_FILE, self.spec.to_yaml().encode("utf-8"))

    def work(self, workplace: Workplace, progress: Progress) -> StudyStatus:
        """Start, resume or help with the study until it is done; the loaded model is restored whatever happens.

        Raises:
            Cancelled: paused: what is finished stays, ``work`` goes on from there.
            Busy: the loaded model is merged live.
            SpecError, RecipeError, UnknownName, CheckpointError: found before anything is drawn.
            HostError: the storage stayed away, or the host cannot draw or change its model.
        """
        from tag_atelier.bench.store import disk_errors, write_whole
        from tag_atelier.tune.book import Book
        from tag_atelier.tune.worker import Worker

        if self.is_started and Study.open(self.folder).key != self.key:
            sentence = "'{folder}' holds another study; choose another folder, or start that one's own file."
            raise SpecError(sentence, folder=self.folder.name)
        easel, plans, spaces, costs = self._lay_out(workplace)
        easel.refuse_merged()
        self._write_down({**costs, "architecture": easel.architecture(self.spec.models).id})
        self._book = Book(self.spec, spaces, self._ledger(spaces))
        self._agree(self._book.ledger, workplace)
        Worker(self._book, plans, easel, self.folder).work(progress)
        with disk_errors(self.folder):
            write_whole(self.folder / BEST_FILE, self.best().encode("utf-8"))
        return self.status()

    def _agree(self, ledger: Ledger, workplace: Workplace) -> None:
        """Write down what the study is drawn with, or see that this machine has the same.

        Raises:
            SpecError: another tagger or other files, whose scores would not compare.
        """
        catalogue = workplace.host.checkpoints
        ours = {"tagger": workplace.scorer.identity}
        ours |= {name: catalogue.identify(catalogue.resolve(name)) for name in self.spec.models}
        theirs = ledger.notes().get("drawn_with", ours)
        other = next((name for name, identity in ours.items() if theirs.get(name) != identity), None)
        if other is not None:
            if other == "tagger":
                raise SpecError("This machine has another tagger than the study was started with; bring the same one here.")
            sentence = "This machine has another file '{name}' than the study was started with; bring the same one here."
            raise SpecError(sentence, name=other)
        ledger.note(spec=json.dumps(self.spec.as_dict()), drawn_with=ours)

    def stop(self) -> None:
        """End the search early, for all workers: what was tried so far is averaged, confirmed and validated."""
        self._opened().ledger.note(stop=True)

    def trials(self) -> tuple[Trial, ...]:
        """All trials, finished first. Raises HostError where the storage cannot be reached."""
        return self.status().trials

    def best(self) -> str:
        """The answer's recipe as YAML, as of now. Raises SpecError before anything was searched."""
        recipe = self._opened().read().answer_recipe()
        if recipe is None:
            sentence = "The study '{name}' has no answer yet; expected at least one candidate to be finished."
            raise SpecError(sentence, name=self.spec.name)
        return recipe.to_yaml()

    def status(self) -> StudyStatus:
        """Everything a door shows. Raises HostError where the storage cannot be reached, SpecError before it was started."""
        from tag_atelier.tune.overview import overview

        return overview(self._opened().read(), self._costs())

    def _costs(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / COST_FILE).read_text(encoding="utf-8"))
        return found

    def _opened(self) -> Book:
        """The book; of a study that nobody works on here, read from its folder."""
        if self._book is None:
            from tag_atelier.merge.layout import architectures
            from tag_atelier.tune.book import Book

            if not (self.folder / COST_FILE).is_file():
                sentence = "The study '{name}' was not started in '{folder}'; start it first."
                raise SpecError(sentence, name=self.spec.name, folder=self.folder.name)
            spaces = self._spaces(architectures()[str(self._costs()["architecture"])])
            self._book = Book(self.spec, spaces, self._ledger(spaces))
        return self._book
