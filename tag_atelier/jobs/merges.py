"""Merging as the doors ask for it: check, write to a file, apply to the loaded model, restore."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tag_atelier.errors import Busy, HostError, RecipeError, TagAtelierError, say
from tag_atelier.jobs.live_state import LiveState
from tag_atelier.jobs.merge_files import destination
from tag_atelier.jobs.recipe_shelf import RecipeShelf
from tag_atelier.jobs.runner import Job, JobRunner
from tag_atelier.merge.model_files import ModelFiles
from tag_atelier.merge.notices import by_reason
from tag_atelier.merge.recipe import Recipe
from tag_atelier.ports import Host, Progress

if TYPE_CHECKING:
    from tag_atelier.merge.plan import MergePlan
    from tag_atelier.merge.stream import MergeResult

logger = logging.getLogger(__name__)

_KEPT_PLANS = 4
_USUAL_BYTES_PER_S = 500e6
"""Read and written together, until this machine's own merges have shown better."""


class Merges:
    """Merges with the checkpoints of one host."""

    def __init__(self, host: Host, runner: JobRunner) -> None:
        self._host, self._runner = host, runner
        self._plans: list[MergePlan] = []
        self._files = ModelFiles(host)
        self._live = LiveState(host)
        self._bytes_per_s = _USUAL_BYTES_PER_S
        self.shelf = RecipeShelf(host.data_folder / "merges")

    def check(self, recipe: object) -> dict[str, object]:
        """Everything that can be said before a tensor is read: models, blocks, bytes, seconds to a file, warnings."""
        planned = self._plan(read_recipe(recipe))
        return {**planned.as_dict(), "seconds": round((planned.read_bytes + planned.write_bytes) / self._bytes_per_s, 1)}

    def start(self, recipe: object, name: str) -> Job:
        """Start writing a new checkpoint; every error of recipe, headers and name is raised here, at once."""
        read = read_recipe(recipe)
        planned = self._plan(read)
        path = destination(self._host, read, name)

        def work(progress: Progress) -> Mapping[str, object]:
            result = write_checkpoint(planned, path, progress)
            self._bytes_per_s = (planned.read_bytes + planned.write_bytes) / max(result.seconds, 1e-3)
            if self._host.remember_hash is not None and read.options.format == "safetensors":
                self._host.remember_hash(path, result.sha256)
            self._host.checkpoints.refresh()
            self._remember(read, path.name, result.sha256)
            return {
                "file": path.name,
                "name": path.name.removesuffix(".safetensors"),
                "format": read.options.format,
                "models": [] if read.steps else list(read.models),
                "digest": read.digest,
                "sha256": result.sha256,
                "replaced": by_reason(result.replaced),
                "notes": list(result.notes),
            }

        return self._runner.start("merge", path.name, work)

    def start_live(self, recipe: object) -> Job:
        """Start applying a recipe to the loaded model until ``start_restore``."""
        read = read_recipe(recipe)
        planned, _ = self._plan(read), self._live.model

        def work(progress: Progress) -> Mapping[str, object]:
            with self._exclusive():
                if self._host.checkpoints.loaded() is None:
                    self._host.checkpoints.load(self._host.checkpoints.resolve(planned.files[0].name))
                # Of an earlier merge what differs is undone, once it is sure that this one fits the loaded model.
                result = self._live.put(planned, "restored", progress)
            return {**result.as_dict(), "replaced": by_reason(result.replaced)}

        return self._runner.start("live", say("live merge {digest}", digest=read.digest[:10]), work)

    def start_restore(self) -> Job:
        """Start putting the loaded model's own weights back; a chosen virtual checkpoint is left for its first model."""
        model = self._live.model

        def work(progress: Progress) -> Mapping[str, object]:
            progress.begin(1, say("Restoring the loaded model"))
            with self._exclusive():
                chosen, loaded = self._live.until == "unchosen", self._host.checkpoints.loaded()
                self._live.restore()
                if chosen and loaded is not None:
                    self._host.checkpoints.load(loaded)
            progress.advance(1)
            return {"dirty": model.dirty}

        return self._runner.start("restore", say("restore the loaded model"), work)

    def apply_for_job(self, recipe: object, progress: Progress, over_another: bool = False) -> None:
        """Apply inside a generation that already holds the host's queue, until ``end_job``.

        Raises:
            Busy: the loaded model is merged otherwise until further notice, and this one shall not stand ``over_another``.
        """
        read = read_recipe(recipe)
        present = self._live.recipe
        if present is not None and present.digest == read.digest:
            return
        planned, _ = self._plan(read), self._live.model
        if self._live.model.dirty and self._live.until not in ("unchosen", "job's end") and not over_another:
            raise Busy("The loaded model is merged already; restore it before merging for a single job.")
        self._live.put(planned, "job's end", progress)

    def end_job(self) -> None:
        """Undo what ``apply_for_job`` did, also for a job that crashed. A merge until further notice stays."""
        self._live.end_job(_Silent())

    def follow(self, chosen: Recipe | None, progress: Progress) -> None:
        """Make the loaded model what the chosen virtual checkpoint says, inside a job; with None, leave the one left behind.

        A merge that somebody applied by hand stays over the choice until it is restored.
        """
        if chosen is None:
            if self._live.until == "unchosen":
                self._live.restore()
        elif self._live.recipe != chosen and self._live.until != "restored":
            self._live.put(self._plan(chosen), "unchosen", progress)

    def kept(self) -> dict[str, object]:
        """The history, newest first; saved recipes as texts and own block presets, both by name."""
        return {
            "history": list(self.shelf.history()),
            "recipes": {name: recipe.to_yaml() for name, recipe in self.shelf.recipes().items()},
            "block_presets": self.shelf.block_presets(),
        }

    def part_names(self, kind: str) -> list[str]:
        """Names of the networks (``lora``) or VAE files (``vae``) that a recipe may name."""
        return self._files.names(kind)

    def save_recipe(self, recipe: object, name: str) -> dict[str, object]:
        """Keep a recipe; a WebUI lists it among its checkpoints.

        Raises:
            RecipeError, UnknownName: it cannot be read, or the name is no file name.
            HostError: the data folder cannot be written.
        """
        read = replace(read_recipe(recipe), name=name)
        self.shelf.save_recipe(name, read)
        self._host.checkpoints.refresh()
        return {"name": name, "digest": read.digest}

    def delete_recipe(self, name: str) -> dict[str, object]:
        """Forget a saved recipe. Raises UnknownName, HostError."""
        self.shelf.delete_recipe(name)
        self._host.checkpoints.refresh()
        return {"name": name}

    @property
    def stays(self) -> bool:
        """A merge is in the loaded model until somebody restores it."""
        return self._live.until in ("restored", "unchosen")

    @property
    def live_recipe(self) -> Recipe | None:
        """The recipe in the loaded model, or None when the model is its own."""
        return self._live.recipe

    def _remember(self, recipe: Recipe, file: str, sha256: str) -> None:
        try:
            self.shelf.remember(recipe, file, sha256)
        except HostError:
            logger.exception("the merge is written, but not in the history")

    def _plan(self, recipe: Recipe) -> MergePlan:
        """The recipe's plan; one of the last few where its files are still what they were."""
        from tag_atelier.merge.plan import plan

        known = next((planned for planned in self._plans if planned.recipe == recipe and self._still_fits(planned)), None)
        planned = known or plan(recipe, self._files.model, self._files.known_hash, self._files.part)
        self._plans = [planned, *(other for other in self._plans if other.recipe != recipe)][:_KEPT_PLANS]
        return planned

    def _still_fits(self, planned: MergePlan) -> bool:
        try:
            planned.check_sources()
            return all(self._files.is_same(file) for file in planned.files)
        except TagAtelierError:
            return False

    def _exclusive(self) -> AbstractContextManager[object]:
        return self._host.exclusive() if self._host.exclusive is not None else nullcontext()


class _Silent:
    """A progress for what a job's end does."""

    cancelled = False

    def begin(self, total: int, text: str = "") -> None:
        """Nothing to show."""

    def advance(self, steps: int = 1, text: str = "") -> None:
        """Nothing to show."""


def write_checkpoint(planned: MergePlan, destination: Path, progress: Progress) -> MergeResult:
    """Write the merge, and beside it what its first model needs to be loaded. Raises as ``merge.output.write_result`` does."""
    from tag_atelier.merge.output import write_result

    result = write_result(planned, destination, progress)
    if planned.recipe.options.format == "safetensors":
        _copy_configuration(planned.files[0].header.path, destination)
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
