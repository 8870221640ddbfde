"""Merging as the doors ask for it: check, write to a file, apply to the loaded model, restore."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from tag_atelier.errors import Busy, HostError, RecipeError, TagAtelierError
from tag_atelier.jobs.runner import Job, JobRunner
from tag_atelier.merge.recipe import Recipe
from tag_atelier.ports import Host, LiveModel, Progress

if TYPE_CHECKING:
    from tag_atelier.merge.live import LiveMerger
    from tag_atelier.merge.plan import MergePlan
    from tag_atelier.merge.stream import MergeResult

_FILE_NAME = re.compile(r"[^\x00-\x1f<>:\"/\\|?*.\ud800-\udfff][^\x00-\x1f<>:\"/\\|?*\ud800-\udfff]{0,120}")
"""A name that every file system takes, without a folder in it."""
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
"""What Windows takes for a device, whatever follows the dot."""
_KEPT_PLANS = 4
_LONGEST_NAME = 200
"""Bytes in UTF-8; most file systems take 255, and what is written beside the file has a longer name."""


def output_path(folder: Path, name: str) -> Path:
    """Where a merge called ``name`` is written.

    Raises:
        RecipeError: the name is no plain file name, or the file exists already.
    """
    stem = name[: -len(".safetensors")] if name.lower().endswith(".safetensors") else name
    if not _FILE_NAME.fullmatch(stem) or stem.endswith((" ", ".")) or len(stem.encode()) > _LONGEST_NAME:
        raise RecipeError(f"'{name}' is no file name; expected a short one of letters, digits, spaces, '-', '_' and no folder.")
    if _DEVICE.fullmatch(stem):
        raise RecipeError(f"'{name}' is a device's name on Windows; choose another one.")
    path = folder / f"{stem}.safetensors"
    if path.exists():
        raise RecipeError(f"'{path.name}' exists already; choose another name, nothing is overwritten.")
    return path


class Merges:
    """Merges with the checkpoints of one host."""

    def __init__(self, host: Host, runner: JobRunner) -> None:
        self._host, self._runner = host, runner
        self._live_merger: LiveMerger | None = None
        self._plans: list[MergePlan] = []
        self._live_recipe: Recipe | None = None
        self._for_one_job = False

    def check(self, recipe: object) -> dict[str, object]:
        """Everything that can be said before a tensor is read: models, blocks, bytes, warnings."""
        planned = self._plan(read_recipe(recipe))
        return dict(planned.as_dict())

    def start(self, recipe: object, name: str) -> Job:
        """Start writing a new checkpoint; every error of recipe, headers and name is raised here, at once."""
        read = read_recipe(recipe)
        planned = self._plan(read)
        destination = output_path(self._host.checkpoints.output_folder(), name)

        def work(progress: Progress) -> Mapping[str, object]:
            result = write_checkpoint(planned, destination, progress)
            self._host.checkpoints.refresh()
            return {"file": destination.name, "name": destination.stem, "digest": read.digest, "sha256": result.sha256}

        return self._runner.start("merge", destination.name, work)

    def start_live(self, recipe: object) -> Job:
        """Start applying a recipe to the loaded model until ``start_restore``."""
        read = read_recipe(recipe)
        planned = self._plan(read)
        self._live_model()

        def work(progress: Progress) -> Mapping[str, object]:
            with self._exclusive():
                if self._host.checkpoints.loaded() is None:
                    self._host.checkpoints.load(self._host.checkpoints.resolve(planned.files[0].name))
                # Of an earlier merge ``apply`` undoes what differs, once it is sure that this one fits the loaded model.
                result = self._merger().apply(planned, progress)
                self._live_recipe, self._for_one_job = read, False
            return dict(result.as_dict())

        return self._runner.start("live", f"live merge {read.digest[:10]}", work)

    def start_restore(self) -> Job:
        """Start putting the loaded model's own weights back."""
        model = self._live_model()

        def work(progress: Progress) -> Mapping[str, object]:
            progress.begin(1, "Restoring the loaded model")
            with self._exclusive():
                self._merger().restore()
                self._live_recipe = None
            progress.advance(1)
            return {"dirty": model.dirty}

        return self._runner.start("restore", "restore the loaded model", work)

    def apply_for_job(self, recipe: Mapping[str, object], progress: Progress) -> None:
        """Apply inside a generation that already holds the host's queue, until ``end_job``.

        Raises:
            Busy: the loaded model is merged until further notice already.
        """
        read = read_recipe(recipe)
        planned = self._plan(read)
        if self._live_model().dirty:
            raise Busy("The loaded model is merged already; restore it before merging for a single job.")
        self._merger().apply(planned, progress)
        self._live_recipe, self._for_one_job = read, True

    def end_job(self) -> None:
        """Undo what ``apply_for_job`` did, also for a job that crashed. A merge until further notice stays."""
        if self._for_one_job:
            self._merger().restore()
            self._live_recipe, self._for_one_job = None, False

    @property
    def stays(self) -> bool:
        """A merge is in the loaded model until somebody restores it."""
        return self.live_recipe is not None and not self._for_one_job

    @property
    def live_recipe(self) -> Recipe | None:
        """The recipe in the loaded model, or None when the model is its own."""
        model = self._host.live_model
        return self._live_recipe if model is not None and model.dirty else None

    def _plan(self, recipe: Recipe) -> MergePlan:
        """The recipe's plan; one of the last few where its files are still what they were."""
        from tag_atelier.merge.plan import plan

        known = next((planned for planned in self._plans if planned.recipe == recipe and self._still_fits(planned)), None)
        planned = known or plan(recipe, self._host.checkpoint_file)
        self._plans = [planned, *(other for other in self._plans if other.recipe != recipe)][:_KEPT_PLANS]
        return planned

    def _still_fits(self, planned: MergePlan) -> bool:
        try:
            planned.check_sources()
            return all(self._host.checkpoint_file(file.name) == file.header.path for file in planned.files)
        except TagAtelierError:
            return False

    def _merger(self) -> LiveMerger:
        from tag_atelier.merge.live import LiveMerger

        if self._live_merger is None:
            self._live_merger = LiveMerger(self._live_model())
        return self._live_merger

    def _live_model(self) -> LiveModel:
        if self._host.live_model is None:
            raise HostError(f"The host '{self._host.name}' cannot change a loaded model; merge to a file instead.")
        return self._host.live_model

    def _exclusive(self) -> AbstractContextManager[object]:
        return self._host.exclusive() if self._host.exclusive is not None else nullcontext()


def write_checkpoint(planned: MergePlan, destination: Path, progress: Progress) -> MergeResult:
    """Write the merge, and beside it what its first model needs to be loaded. Raises as ``merge.stream.write`` does."""
    from tag_atelier.merge.stream import write

    result = write(planned, destination, progress)
    _copy_configuration(planned.sources[0].header.path, destination)
    return result


def _copy_configuration(source: Path, destination: Path) -> None:
    """A WebUI builds a model of unusual layout by the ``.yaml`` beside its file; a merge has the layout of its first model."""
    given, wanted = source.with_suffix(".yaml"), destination.with_suffix(".yaml")
    if not given.is_file() or wanted.exists():
        return
    beside = wanted.with_name(f"{wanted.name}.part")
    beside.write_bytes(given.read_bytes())
    beside.replace(wanted)


def read_recipe(recipe: object) -> Recipe:
    """A recipe from an object, a JSON or a YAML text.

    Raises:
        RecipeError: it is neither, or cannot be carried out.
    """
    if isinstance(recipe, (str, Mapping)):
        return Recipe.from_value(recipe)
    raise RecipeError("The recipe is neither an object nor a text; expected a mapping with 'method' and 'models'.")
