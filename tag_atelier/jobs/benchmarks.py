"""Benchmarks as the doors ask for them: show the plan, run it, resume it, read its report."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from tag_atelier.bench.fields import read_mapping
from tag_atelier.bench.judge import judge_notes
from tag_atelier.bench.published import published
from tag_atelier.bench.spec import BenchSpec, list_presets
from tag_atelier.errors import Busy, Cancelled, SpecError, TagAtelierError, TaggerError, UnknownName, say
from tag_atelier.jobs.prompts import Prompts
from tag_atelier.jobs.runner import Job, JobRunner
from tag_atelier.jobs.runs import Runs
from tag_atelier.language import Language
from tag_atelier.ports import Host, Progress, Scorer
from tag_atelier.settings import DEFAULTS, Options
from tag_atelier.tagger import find_tagger

if TYPE_CHECKING:
    from tag_atelier.bench.plan import Plan
    from tag_atelier.bench.store import Store

logger = logging.getLogger(__name__)

FindScorer = Callable[[Sequence[Path], str], Scorer]
"""Folders and a name ("" for the first found) → a tagger; raises TaggerError when there is none."""
SETTINGS_OF_A_PLAN = ("batch_size", "threshold", "tagger")
"""Settings that fill what a plan leaves out."""
JUDGING_FIELDS = ("tagger", "threshold", "verdicts", "note", "self_test", "grid", "titles")
"""Fields of a plan that shape no picture."""
MERGED_LIVE = "The loaded model is merged live; restore it, or save the merge as a checkpoint and benchmark that."
RUNS_LOOKED_AT = 20
"""So many of the newest runs are asked how fast this host draws."""


class Benchmarks:
    """Runs plans on one host; every run is a folder that can be taken up again."""

    def __init__(
        self,
        host: Host,
        prompts: Prompts,
        runner: JobRunner,
        options: Callable[[], Options] = lambda: DEFAULTS,
        find_scorer: FindScorer = find_tagger,
    ) -> None:
        self._host, self._prompts, self._runner = host, prompts, runner
        self._options, self._find_scorer = options, find_scorer
        self.stored = Runs(lambda: self.runs_folder, self._language)

    @property
    def runs_folder(self) -> Path:
        """Where the runs lie, one folder each."""
        return self._host.data_folder / "runs"

    def read_spec(self, spec: object) -> BenchSpec:
        """A spec from an object, a YAML or JSON text, or ``{"preset": name, …}`` with fields laid over the preset.

        What neither the plan nor its preset says comes from the user's settings.

        Raises:
            SpecError: it is none of these, or cannot be run.
            UnknownName: there is no such preset.
        """
        values = _as_mapping(spec)
        if "preset" in values:
            values = _from_preset(values)
        settings = {key: value for key, value in self._options().items() if key in SETTINGS_OF_A_PLAN}
        return BenchSpec.from_value({**settings, **values})

    def plan(self, spec: object) -> dict[str, object]:
        """What a run would do, before anything is drawn: cells, batches, skipped tags with reasons.

        Its ``estimate`` holds ``seconds`` where this host finished a run before, whose speed it is computed from.
        """
        read = self.read_spec(spec)
        scorer = self._scorer(read)
        planned = self._plan(read, scorer)
        estimate = {**planned.estimate, **self._expected_time(planned)}
        shown, tags = planned.as_dict(), {tag.name: tag.implies for tag in planned.tags}
        return {**shown, "estimate": estimate, "notes": [*planned.notes, *judge_notes(read, scorer, tags)]}

    def start(self, spec: object) -> Job:
        """Start a run, or take up the run of the same spec where it stopped."""
        read = self.read_spec(spec)
        scorer = self._scorer(read)
        planned = self._plan(read, scorer)
        folder, language = self.runs_folder / run_id(read), self._language()
        return self._runner.start(
            "benchmark",
            read.name,
            lambda progress: self.carry_out(planned, scorer, folder, progress, language),
            {"run": folder.name},
        )

    def run_now(
        self, spec: object, folder: Path | None, progress: Progress, language: Language | None = None
    ) -> Mapping[str, object]:
        """Run in the caller's thread; ``folder`` None takes the same folder as ``start`` would."""
        read = self.read_spec(spec)
        scorer = self._scorer(read)
        planned = self._plan(read, scorer)
        folder = folder or self.runs_folder / run_id(read)
        return self.carry_out(planned, scorer, folder, progress, language or self._language())

    def carry_out(
        self, planned: Plan, scorer: Scorer, folder: Path, progress: Progress, language: Language
    ) -> Mapping[str, object]:
        """Draw, score, store, report. The report is written even when the run is stopped half way.

        A run that fails before its first picture leaves no folder behind.

        Raises:
            Busy: the loaded model is merged live or in no file, so its pictures would be scored under another's name.
        """
        from tag_atelier.bench.report import write
        from tag_atelier.bench.run import run
        from tag_atelier.bench.store import Store, disk_errors

        self._refuse_merged()
        is_new, states = not folder.exists(), set[str]()
        try:
            with disk_errors(folder), Store(folder) as store:
                try:
                    summary = run(planned, self._host, scorer, store, progress)
                    self._embed(store, progress)
                finally:
                    states = {stored.state for stored in store.cells()}
                    path = write(store, folder, language)
        except TagAtelierError as error:
            worth_keeping = states if isinstance(error, Cancelled) else "done" in states
            if is_new and not worth_keeping:
                shutil.rmtree(folder, ignore_errors=True)  # a run of which there is nothing to take up
            raise
        return {"run": folder.name, "report": path.name, "folder": str(folder), **summary.as_dict()}

    def _embed(self, store: Store, progress: Progress) -> None:
        """Fill the optional columns where a CLIP model lies beside the taggers; its failure spoils no run."""
        from tag_atelier.tagger.clip import find_clip

        try:
            model = find_clip(self._host.tagger_folders)
            if model is not None:
                from tag_atelier.bench.diversity import embed

                embed(store, model, progress)
        except TaggerError as error:
            logger.warning("no diversity and no CLIP score for '%s': %s", store.folder.name, error)

    def _refuse_merged(self) -> None:
        """Raises Busy. Waits for the host's queue, since a merge for a single job is gone when that job is over."""
        with self._host.exclusive() if self._host.exclusive is not None else nullcontext():
            if self._host.live_model is not None and self._host.live_model.dirty:
                raise Busy(MERGED_LIVE)
            self.refuse_made_in_memory()

    def refuse_made_in_memory(self) -> None:
        """Raises Busy where the loaded model is in no file: a run could neither name it nor load it again afterwards."""
        loaded = self._host.checkpoints.loaded()
        if loaded is not None:
            loaded.need_file()

    def speed(self) -> float | None:
        """Megapixel steps a second of the newest run that this host drew; None where there is none."""
        from tag_atelier.bench.store import read_summary

        summaries = (read_summary(folder) for folder in self.stored.folders()[:RUNS_LOOKED_AT])
        speeds = (found.get("megapixel_steps_per_second") for found in summaries if found.get("host") == self._host.name)
        return next((float(found) for found in speeds if isinstance(found, (int, float)) and found > 0), None)

    def _expected_time(self, planned: Plan) -> dict[str, float]:
        speed = self.speed()
        return {} if speed is None else {"seconds": round(planned.estimate["megapixel_steps"] / speed, 1)}

    def _language(self) -> Language:
        return "zh_CN" if str(self._options().get("language", "")).startswith("zh") else "en"

    def _scorer(self, spec: BenchSpec) -> Scorer:
        return self._find_scorer(self._host.tagger_folders, spec.tagger)

    def _plan(self, spec: BenchSpec, scorer: Scorer) -> Plan:
        from tag_atelier.bench.plan import PlannedCheckpoint, plan

        if spec.verdicts:
            published(spec.verdicts)  # or it would only be missed in the report, after everything is drawn
        if self._host.check_parameters is not None:
            self._host.check_parameters(spec.parameters)
        catalogue = self._host.checkpoints
        found = [catalogue.resolve(name) for name in spec.checkpoints]
        if not found:
            loaded = catalogue.loaded()
            if loaded is None:
                raise SpecError(
                    "The plan names no checkpoint and none is loaded; expected 'checkpoints: [name, …]' in it, "
                    "for a shipped plan beside 'preset: NAME'."
                )
            found = [loaded]
        planned = [PlannedCheckpoint(checkpoint, catalogue.identify(checkpoint)) for checkpoint in found]
        return plan(spec, planned, self._prompts.catalogue, scorer.identity, self._host.name)


def run_id(spec: BenchSpec) -> str:
    """Folder name of the run of ``spec``: the same pictures are the same run, so it is taken up where it stopped.

    What only judges pictures (tagger, threshold, verdicts, note) is left out: changing it scores stored pictures again.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", spec.name.lower()).strip("-")[:40] or "run"
    shaping = {key: value for key, value in dataclasses.asdict(spec).items() if key not in JUDGING_FIELDS}
    text = json.dumps(shaping, sort_keys=True, ensure_ascii=False, default=str)
    return f"{slug}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def _as_mapping(spec: object) -> Mapping[str, object]:
    if isinstance(spec, Mapping):
        return {str(key): value for key, value in spec.items()}
    if isinstance(spec, str):
        return {"preset": spec.strip()} if spec.strip() in list_presets() else read_mapping(spec, say("the plan"))
    raise SpecError("The plan is neither an object nor a text; expected a mapping with 'template' and 'tags'.")


def _from_preset(spec: Mapping[str, object]) -> dict[str, object]:
    name = str(spec["preset"])
    presets = list_presets()
    if name not in presets:
        raise UnknownName("benchmark preset", name, sorted(presets))
    values = read_mapping(presets[name].read_text(encoding="utf-8"), name)
    return {**values, **{key: value for key, value in spec.items() if key != "preset"}}
