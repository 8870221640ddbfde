"""Saved recipes in the WebUI's own checkpoint list: choosing one loads its first model, and the next job merges into that.

No file is written and none of the WebUI's functions works differently, but that its list holds more. Called by ``callbacks``
and ``merge_in_job``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from modules import sd_models, shared

from tag_atelier.merge.recipe import Recipe

logger = logging.getLogger(__name__)

Recipes = Callable[[], Mapping[str, Recipe]]
"""All saved recipes by name."""

MARK = ".merge"
"""Behind a recipe's name in the list."""


class VirtualCheckpoint(sd_models.CheckpointInfo):
    """A list entry of its own over the file of the recipe's first model; so the WebUI loads that file as ever.

    ``hash`` is the first model's too: Forge compares it to know whether anything must be loaded (modules/sd_models.py:473).
    """

    def __init__(self, name: str, recipe: Recipe, first: Any) -> None:
        # Not super().__init__: that reads and hashes the file under this entry's name.
        self.recipe, self.first = recipe, first
        self.filename, self.hash, self.is_safetensors = first.filename, first.hash, first.is_safetensors
        self.metadata: dict[str, str] = {}
        self.modelspec_thumbnail = None
        self.name = self.name_for_extra = self.model_name = f"{name}{MARK}"
        self.sha256, self.shorthash = recipe.digest, recipe.digest[:10]
        self.title = self.short_title = f"{self.name} [{self.shorthash}]"
        self.ids = [self.title, self.name, self.shorthash, self.sha256]

    def calculate_shorthash(self) -> str:
        """Of the recipe; nothing is read."""
        return self.shorthash


def install(recipes: Recipes) -> None:
    """Let every reading of the checkpoint folders add the saved recipes. Again after "Reload UI" it does nothing.

    The first reading comes before the extensions are loaded (A1111 and Forge modules/initialize.py:103, :96).
    """
    list_models = sd_models.list_models
    if getattr(list_models, "adds_recipes", False):
        return

    def list_models_and_recipes() -> None:
        list_models()
        register(recipes)

    list_models_and_recipes.adds_recipes = True  # type: ignore[attr-defined]
    sd_models.list_models = list_models_and_recipes
    register(recipes)


def register(recipes: Recipes) -> None:
    """Bring the list up to date with the saved recipes; those whose first model is not there are left out."""
    for title, info in list(sd_models.checkpoints_list.items()):
        if isinstance(info, VirtualCheckpoint):
            del sd_models.checkpoints_list[title]
    for alias, info in list(sd_models.checkpoint_aliases.items()):
        if isinstance(info, VirtualCheckpoint):
            del sd_models.checkpoint_aliases[alias]
    for name, recipe in recipes().items():
        first = _first_file(recipe)
        if first is None:
            logger.info("the recipe '%s' is not in the checkpoint list: its first model is not there", name)
        else:
            VirtualCheckpoint(name, recipe, first).register()


def chosen() -> Recipe | None:
    """The recipe of the virtual checkpoint that the WebUI draws with next; None where it is a real one."""
    info = sd_models.checkpoint_aliases.get(shared.opts.sd_model_checkpoint)
    return info.recipe if isinstance(info, VirtualCheckpoint) else None


def unmask(model: Any) -> None:
    """Let a model that was loaded by choosing a recipe say what its weights are: the first model's, until they are merged."""
    info = getattr(model, "sd_checkpoint_info", None)
    if isinstance(info, VirtualCheckpoint):
        model.sd_checkpoint_info = info.first
        model.sd_model_hash = info.first.calculate_shorthash()


def _first_file(recipe: Recipe) -> Any:
    """The real list entry of the model that the recipe, or the first of its steps, starts from."""
    steps = {step.name: step for step in recipe.steps}
    name = recipe.models[0]
    while name in steps:
        name = steps[name].models[0]
    info = sd_models.checkpoint_aliases.get(name)
    if info is None:
        info = next((each for each in sd_models.checkpoints_list.values() if each.name_for_extra == name), None)
    return None if isinstance(info, VirtualCheckpoint) else info
