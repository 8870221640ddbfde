"""The one service behind page, HTTP and command line: a host, the prompt room, and a worker for long jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from tag_atelier.bench.spec import list_presets
from tag_atelier.errors import Busy
from tag_atelier.jobs.benchmarks import MERGED_LIVE, Benchmarks, FindScorer
from tag_atelier.jobs.families import Families
from tag_atelier.jobs.merges import Merges
from tag_atelier.jobs.panel_prompts import PanelPrompts
from tag_atelier.jobs.prompt_memory import PromptMemory
from tag_atelier.jobs.prompts import Prompts
from tag_atelier.jobs.runner import Job, JobRunner
from tag_atelier.jobs.surroundings import surroundings
from tag_atelier.jobs.taggers import Taggers
from tag_atelier.ports import Host, Scorer
from tag_atelier.settings import DEFAULTS, Options
from tag_atelier.tagger import find_tagger, list_taggers

if TYPE_CHECKING:
    from tag_atelier.jobs.prompt_room import PromptRoom
    from tag_atelier.jobs.studies import Studies


class Atelier:
    """Everything the doors offer. The doors translate; they decide nothing."""

    def __init__(
        self,
        host: Host,
        options: Callable[[], Options] = lambda: DEFAULTS,
        find_scorer: FindScorer | None = None,
    ) -> None:
        self.host = host
        self.options = options
        self.runner = JobRunner()
        self._find_scorer = find_scorer = find_scorer or self._find_tagger
        labels = (*host.prompt_files.labels, *host.tagger_folders)
        self.prompts = Prompts(host.data_folder / "profiles", PromptMemory(host.data_folder), labels)
        self.benchmarks = Benchmarks(host, self.prompts, self.runner, options, find_scorer)
        self.taggers = Taggers(host, self.runner, options)
        self.merges = Merges(host, self.runner)
        self.families = Families(host, options, self.prompts.profile_folder)
        self.panel = PanelPrompts(self.prompts, self.families, options, host.data_folder)
        self.prompts.automatic = lambda: self.families.current().profile_id
        self.prompts.live = partial(surroundings, host)
        # The names page and routes use.
        self.arrange = self.prompts.arrange
        self.lint = self.prompts.lint
        self.slots = self.prompts.slots
        self.plan_benchmark = self.benchmarks.plan
        self.check_merge = self.merges.check
        self.start_merge = self.merges.start
        self.start_live_merge = self.merges.start_live
        self.restore_live = self.merges.start_restore

    def _find_tagger(self, folders: Sequence[Path], name: str) -> Scorer:
        return find_tagger(folders, name, use_gpu=bool(self.options().get("tagger_gpu", False)))

    @cached_property
    def prompt_room(self) -> PromptRoom:
        """All that the prompt page asks for, loaded when it first does."""
        from tag_atelier.jobs.prompt_room import PromptRoom

        return PromptRoom(self.host, self.prompts, self.families, self.options, self._find_scorer)

    @cached_property
    def studies(self) -> Studies:
        """All searches, loaded when somebody first asks for them."""
        from tag_atelier.jobs.studies import Room, Studies

        room = Room(self.host, self.prompts, self.runner, self.benchmarks, self.merges, self.options, self._find_scorer)
        return Studies(room)

    def names(self) -> dict[str, object]:
        """What can be chosen: checkpoints, profiles, taggers, merge methods, benchmark presets."""
        from tag_atelier.merge.methods import METHODS

        return {
            "checkpoints": [checkpoint.name for checkpoint in self.host.checkpoints.list()],
            "profiles": sorted(self.prompts.profiles),
            "taggers": list_taggers(self.host.tagger_folders),
            "methods": sorted(METHODS),
            "benchmarks": sorted(list_presets()),
        }

    def status(self) -> dict[str, object]:
        """Where things stand: host, loaded checkpoint, what is merged into it, running jobs."""
        loaded = self.host.checkpoints.loaded()
        recipe = self.merges.live_recipe
        model = self.host.live_model
        return {
            "host": self.host.name,
            "loaded": loaded.name if loaded else None,
            "in_memory_only": bool(loaded and loaded.in_memory_only),
            "dirty": bool(model and model.dirty),
            "live_merge": recipe.digest if recipe else None,
            "recipe": recipe.to_yaml() if recipe else None,
            "jobs": [job.as_dict() for job in self.runner.list() if not job.over],
        }

    def start_benchmark(self, spec: object) -> Job:
        """Start a run, or take up the run of the same spec where it stopped.

        Raises:
            Busy: a merge is in the loaded model, ours or another extension's, and no queued job is going to undo it.
        """
        if all(job.over for job in self.runner.list()):
            self.benchmarks.refuse_made_in_memory()
            if self.merges.stays:
                raise Busy(MERGED_LIVE)
        return self.benchmarks.start(spec)

    def job(self, job_id: str) -> Job:
        """The job of this id. Raises UnknownName."""
        return self.runner.get(job_id)
