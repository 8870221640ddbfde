"""Searches as the doors ask for them: what one would cost, start, follow, pause, end, and make something of its answer."""

from __future__ import annotations

import dataclasses
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tag_atelier.bench.fields import read_mapping
from tag_atelier.errors import Busy, RequestError, SpecError, TagAtelierError, UnknownName, Unsupported, say
from tag_atelier.jobs.benchmarks import MERGED_LIVE, Benchmarks, FindScorer
from tag_atelier.jobs.extras import install, is_there
from tag_atelier.jobs.merges import Merges
from tag_atelier.jobs.prompts import Prompts
from tag_atelier.jobs.runner import Job, JobRunner
from tag_atelier.jobs.study_shelf import REPORT, StudyShelf
from tag_atelier.language import Language
from tag_atelier.merge.recipe import Recipe
from tag_atelier.ports import Host, Progress
from tag_atelier.settings import Options
from tag_atelier.tune.sentences import outcome
from tag_atelier.tune.status import StudyStatus
from tag_atelier.tune.study import SPEC_FILE, Study
from tag_atelier.tune.study_spec import StudySpec, list_studies

if TYPE_CHECKING:
    from tag_atelier.tune.easel import Workplace

logger = logging.getLogger(__name__)

KIND = "study"
PACKAGE, EXTRA = "optuna", "tune"
SERVED = ("postgresql://", "mysql://")
"""Storages that requests may name; a file's place is for the command line alone: no request writes where it likes."""
FRESH_S = 1.0
"""A study that was looked at so recently is not read again for another page."""
_PASSWORD = re.compile(r"(?<=://)\S+(?=@)")
"""User and password in a storage's URL."""
BENCHMARK_SEEDS = (3001, 3002)
"""Of a benchmark of the answer: neither searched nor validated on."""


@dataclasses.dataclass(frozen=True)
class Room:
    """What the searches share with the rest of the house."""

    host: Host
    prompts: Prompts
    runner: JobRunner
    benchmarks: Benchmarks
    merges: Merges
    options: Callable[[], Options]
    find_scorer: FindScorer


class Studies:
    """Searches on one host; each is a folder that can be taken up again, after a restart too."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._opened: dict[str, Study] = {}
        self._seen: dict[str, tuple[float, dict[str, object]]] = {}
        self._lock = threading.Lock()
        self.shelf = StudyShelf(lambda: self.studies_folder)

    @property
    def studies_folder(self) -> Path:
        """Where the studies lie, one folder each."""
        return self._room.host.data_folder / "studies"

    def read_spec(self, spec: object) -> StudySpec:
        """A spec from an object, a YAML or JSON text, or ``{"preset": name, …}`` with fields laid over the preset.

        What its plan does not say comes from the user's settings, as for a benchmark.

        Raises:
            SpecError: it is none of these, or cannot be searched.
            UnknownName: there is no such preset of a study or of a plan.
        """
        values = _as_mapping(spec)
        if "preset" in values:
            values = {**_preset(str(values["preset"])), **{key: value for key, value in values.items() if key != "preset"}}
        plan = values.get("plan")
        if isinstance(plan, (str, Mapping)):
            named: Mapping[str, object] = {"preset": plan} if isinstance(plan, str) else plan
            values["plan"] = self._room.benchmarks.read_spec({"name": "search", **named}).as_dict()
        read = StudySpec.from_value(values)
        if read.storage and not read.storage.startswith(SERVED):
            raise SpecError(
                "'storage' is '{storage}'; expected {served}… from page and HTTP, so leave it out, or start "
                "the study with: python -m tag_atelier tune start.",
                storage=read.storage,
                served=say("{one} or {other}", one=SERVED[0], other=SERVED[1]),
            )
        return read

    def plan(self, spec: object) -> dict[str, object]:
        """What a study would cost and could show, before anything is drawn; see ``tune.study.Study.cost``.

        ``seconds`` is added where this host finished a benchmark before, whose speed it is computed from; ``study`` is its
        id, and ``started`` whether it lies there already, to be taken up.
        """
        study = self._study(self.read_spec(spec))
        found = dict(study.cost(self._workplace(study.spec)))
        speed = self._room.benchmarks.speed()
        if speed is not None:
            found["seconds"] = round(float(str(found["megapixel_steps"])) / speed, 1)
        return {**found, "study": study.folder.name, "started": study.is_started, "models": list(study.spec.models)}

    def start(self, spec: object) -> Job:
        """Start a study, or take up the one of the same spec where it stopped; its errors are raised here, at once.

        Raises:
            Busy: it is at work already, or a merge is in the loaded model until it is restored.
            Unsupported: optuna is missing, or the host cannot change a loaded model.
        """
        return self._start(self._study(self.read_spec(spec)))

    def resume(self, study: str) -> Job:
        """Take a study up where it stopped. Raises as ``start`` does, UnknownName."""
        return self._start(Study.open(self.shelf.folder(study)))

    def pause(self, study: str) -> Job:
        """Ask the job that works on a study to leave off; what is finished stays. Raises SpecError where none does."""
        job = self._job(self.shelf.folder(study).name)
        if job is None:
            raise SpecError("The study '{name}' is not at work here; there is nothing to pause.", name=study)
        return self._room.runner.cancel(job.id)

    def stop(self, study: str) -> Job:
        """End the search early: what was tried is averaged, confirmed and validated, by the job at work or by a new one.

        Raises:
            SpecError: it is done, or nothing was tried yet.
        """
        folder = self.shelf.folder(study)
        self._seen.pop(study, None)
        found = self.status(study)
        if found["phase"] == "done":
            raise SpecError("The study '{name}' is done; there is nothing to end.", name=study)
        if found["answer"] is None:
            raise SpecError("The study '{name}' has tried no candidate yet; pause it, or delete it.", name=study)
        self._reader(folder).stop()
        return self._job(study) or self.resume(study)

    def listed(self) -> dict[str, object]:
        """``{studies, ready, presets}``, newest first: ``study_shelf.StudyShelf.entry`` with ``state`` as ``status`` says it.

        ``ready``: optuna is there. Of a study that was never left only id, state, files and size are known.
        """
        entries = [self.shelf.entry(folder) for folder in self.shelf.folders()]
        return {
            "studies": [{**entry, "state": self._state(str(entry["id"]), entry)} for entry in entries],
            "ready": is_there(PACKAGE),
            "presets": sorted(list_studies()),
        }

    def status(self, study: str) -> dict[str, object]:
        """All of one study: ``tune.status.StudyStatus`` as plain values, with ``id``, ``state``, ``job``, ``files``, ``spec``.

        ``outcome`` is the result's sentence as a template and its values, to be said in other languages; None before.

        ``state`` is ``queued``, ``running``, ``elsewhere`` (at work on another machine or process), ``paused`` or ``done``.

        Raises:
            UnknownName: there is no such study.
            SpecError: it was never started here.
            HostError: optuna is missing, or the storage stays away.
        """
        folder = self.shelf.folder(study)
        at, seen = self._seen.get(study, (0.0, {}))
        if not seen or time.monotonic() - at > FRESH_S:
            seen = _plain(self._reader(folder).status())
            self._seen[study] = (time.monotonic(), seen)
        job = self._job(study)
        return {
            **seen,
            "id": study,
            "state": self._state(study, seen),
            "job": job.id if job is not None else None,
            "files": self.shelf.files(folder),
            "spec": _PASSWORD.sub("…", (folder / SPEC_FILE).read_text(encoding="utf-8")),
        }

    def best(self, study: str) -> dict[str, object]:
        """``{recipe, final}``: the answer's recipe as YAML, and whether it will not change any more.

        Raises:
            SpecError: nothing was tried yet.
        """
        found = self.status(study)
        answer: Any = found["answer"]
        if answer is None:
            sentence = "The study '{name}' has no answer yet; expected at least one candidate to be finished."
            raise SpecError(sentence, name=study)
        return {"recipe": answer["recipe"], "final": found["phase"] == "done"}

    def save(self, study: str, name: str) -> Job:
        """Write the answer as a checkpoint called ``name``. Raises as ``best`` and ``Merges.start`` do."""
        return self._room.merges.start(self.best(study)["recipe"], name)

    def live(self, study: str) -> Job:
        """Merge the answer into the loaded model until it is restored. Raises as ``best`` and ``Merges.start_live`` do."""
        return self._room.merges.start_live(self.best(study)["recipe"])

    def benchmark(self, study: str) -> dict[str, object]:
        """``{spec}``: a plan as YAML that holds the saved answer against its parents with fresh seeds.

        Raises:
            SpecError: the answer was not saved as a checkpoint yet.
        """
        recipe = Recipe.from_value(str(self.best(study)["recipe"]))
        files = [str(entry["file"]) for entry in self._room.merges.shelf.history() if entry["digest"] == recipe.digest]
        if not files:
            raise SpecError("The answer is no checkpoint yet; save it as one first, then benchmark that.")
        spec = Study.open(self.shelf.folder(study)).spec
        checkpoints = (files[0].removesuffix(".safetensors"), *spec.models)
        plan = dataclasses.replace(
            spec.plan, name=f"{spec.name}: answer and parents", checkpoints=checkpoints, seeds=BENCHMARK_SEEDS, sets=None
        )
        import yaml

        text: str = yaml.safe_dump(plan.as_dict(), allow_unicode=True, sort_keys=False, width=120)
        return {"spec": text}

    def delete(self, study: str) -> dict[str, object]:
        """Delete a study's folder with its pictures for good; a storage elsewhere keeps its trials: ``{deleted, size_bytes}``.

        Raises:
            UnknownName: there is no such study.
            Busy: a job works on it.
        """
        if self._job(study) is not None:
            raise Busy("The study '{name}' is at work; pause it first.", name=study)
        self._forget(study)
        return self.shelf.delete(study)

    def file(self, study: str, name: str) -> Path:
        """A report or recipe of one study; the report as the study is now, or the last one where its storage is away.

        Raises:
            UnknownName: there is no such study, or no such file of it.
        """
        folder = self.shelf.folder(study)
        if name.startswith("report."):
            try:
                self.shelf.leave(self._reader(folder), self._language())
            except TagAtelierError:
                logger.warning("the study %s cannot be read; its last report is shown", study, exc_info=True)
        return self.shelf.file(study, name)

    def install(self) -> Job:
        """Start installing optuna with the constraints of ``install.py``: nothing that is installed already moves.

        Raises:
            RequestError: it is there.
        """
        if is_there(PACKAGE):
            raise RequestError("'{package}' is installed already; there is nothing to do.", package=PACKAGE)
        return self._room.runner.start("extra", PACKAGE, lambda progress: install(EXTRA, PACKAGE, progress))

    # --- the studies' own side -----------------------------------------------------------------------------------

    def _study(self, spec: StudySpec) -> Study:
        """The study of ``spec`` in its folder: the same search is the same study."""
        mark = Study(spec, Path()).key.rpartition(" ")[2]
        slug = re.sub(r"[^a-z0-9]+", "-", spec.name.lower()).strip("-")[:40] or KIND
        return Study(spec, self.studies_folder / f"{slug}-{mark}")

    def _start(self, study: Study) -> Job:
        name, room = study.folder.name, self._room
        if self._job(name) is not None:
            raise Busy("The study '{name}' is at work already; wait for it, or pause it.", name=name)
        if room.merges.stays and all(job.over for job in room.runner.list()):
            raise Busy(MERGED_LIVE)
        if not is_there(PACKAGE):
            sentence = "A search needs the package '{package}', which is not installed; press Install, then start again."
            raise Unsupported(sentence, package=PACKAGE)
        workplace = self._workplace(study.spec)
        study.begin(workplace)
        language = self._language()

        def work(progress: Progress) -> Mapping[str, object]:
            try:
                study.work(workplace, progress)
            finally:
                self._forget(name)
                if study.is_started:
                    self.shelf.leave_quietly(study, language)
            return {"study": name, "report": REPORT}

        return room.runner.start(KIND, study.spec.name, work, {"study": name})

    def _workplace(self, spec: StudySpec) -> Workplace:
        from tag_atelier.tune.easel import Workplace

        room = self._room
        scorer = room.find_scorer(room.host.tagger_folders, spec.plan.tagger)
        return Workplace(room.host, scorer, room.prompts.catalogue)

    def _reader(self, folder: Path) -> Study:
        """The study for looking at it; the one that works has a book of its own."""
        with self._lock:
            if folder.name not in self._opened:
                self._opened[folder.name] = Study.open(folder)
            return self._opened[folder.name]

    def _forget(self, study: str) -> None:
        with self._lock:
            self._opened.pop(study, None)
            self._seen.pop(study, None)

    def _job(self, study: str) -> Job | None:
        """The job that works on ``study`` or waits to."""
        jobs = self._room.runner.list()
        return next((job for job in jobs if job.kind == KIND and not job.over and job.result.get("study") == study), None)

    def _state(self, study: str, seen: Mapping[str, object]) -> str:
        job = self._job(study)
        if job is not None:
            return job.state
        if seen.get("phase") == "done":
            return "done"
        return "elsewhere" if seen.get("running") else "paused"

    def _language(self) -> Language:
        return "zh_CN" if str(self._room.options().get("language", "")).startswith("zh") else "en"


def _plain(found: StudyStatus) -> dict[str, object]:
    result = found.result
    said = None
    if result is not None:
        template, values = outcome(result.best_parent, result.difference, result.difference_by_prompt)
        said = {"sentence": template, "values": dict(values)}
    return {**found.as_dict(), "outcome": said}


def _as_mapping(spec: object) -> dict[str, object]:
    if isinstance(spec, Mapping):
        return {str(key): value for key, value in spec.items()}
    if isinstance(spec, str):
        return {"preset": spec.strip()} if spec.strip() in list_studies() else dict(read_mapping(spec, say("the study")))
    raise RequestError("The study is neither an object nor a text; expected a mapping with 'name', 'models' and 'plan'.")


def _preset(name: str) -> dict[str, object]:
    presets = list_studies()
    if name not in presets:
        raise UnknownName("study preset", name, sorted(presets))
    return dict(read_mapping(presets[name].read_text(encoding="utf-8"), name))
