"""What is kept of merges in the user's data folder: saved recipes, own block presets, the history. Used by ``jobs.merges``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from tag_atelier.errors import HostError, RecipeError, TagAtelierError, UnknownName
from tag_atelier.jobs.file_names import plain_name
from tag_atelier.jobs.kept_files import Form, NewerFile, read_lines
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.weights import read_weights

_PRESETS, _HISTORY = "block_presets.json", "history.jsonl"
_PRESETS_FORM = Form(1, {0: lambda table: {"presets": table}})
_HISTORY_FORM = Form(1, {0: lambda entry: entry})
LONGEST_HISTORY = 500
"""Merges that are remembered; older ones are left out when the history is next written."""


class RecipeShelf:
    """Files in one folder, which is made when something is first kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._recipes: dict[Path, tuple[int, Recipe]] = {}

    def recipes(self) -> dict[str, Recipe]:
        """Saved recipes by name; files that are no recipe any more are left out."""
        found: dict[str, Recipe] = {}
        for path in sorted((self._folder / "recipes").glob("*.yaml")):
            try:
                modified = path.stat().st_mtime_ns
                if self._recipes.get(path, (0,))[0] != modified:
                    self._recipes[path] = (modified, Recipe.from_file(path))
                found[path.stem] = self._recipes[path][1]
            except (OSError, TagAtelierError):
                continue
        return found

    def recipe(self, name: str) -> Recipe:
        """The saved recipe of this name. Raises UnknownName."""
        found = self.recipes()
        if name not in found:
            raise UnknownName("saved recipe", name, tuple(found))
        return found[name]

    def save_recipe(self, name: str, recipe: Recipe) -> None:
        """Keep ``recipe`` under ``name``; one of the same name is replaced.

        Raises:
            RecipeError: the name is no file name.
            HostError: the folder cannot be written.
        """
        self._write(Path("recipes") / f"{plain_name(name)}.yaml", recipe.to_yaml())

    def delete_recipe(self, name: str) -> None:
        """Raises UnknownName, HostError."""
        self.recipe(name)
        self._delete(Path("recipes") / f"{name}.yaml")

    def block_presets(self) -> dict[str, dict[str, float]]:
        """The user's own block weights by name: block, group or range → weight."""
        try:
            return self._block_presets()
        except NewerFile:
            return {}

    def save_block_preset(self, name: str, blocks: Mapping[str, object]) -> None:
        """Keep block weights under ``name``; without any, the preset of this name is forgotten.

        Raises:
            RecipeError: the name is empty or long, or a weight is no number.
            UnknownName: there is no such block.
            NewerFile: a newer version wrote the presets.
            HostError: the folder cannot be written.
        """
        if not name.strip() or len(name) > 60:
            raise RecipeError("'{name}' is no name for block weights; expected 1 to 60 characters.", name=name[:60])
        table = self._block_presets()
        table.pop(name.strip(), None)
        if blocks:
            weights = read_weights(dict(blocks))
            everywhere = {"ALL": weights.number} if weights.number or not weights.blocks else {}
            table[name.strip()] = {**everywhere, **dict(weights.blocks)}
        self._write(Path(_PRESETS), _PRESETS_FORM.render({"presets": table}).decode("utf-8"))

    def _block_presets(self) -> dict[str, dict[str, float]]:
        """Raises NewerFile; a file that holds something else counts as none."""
        try:
            table = _PRESETS_FORM.parse((self._folder / _PRESETS).read_text(encoding="utf-8"), _PRESETS)["presets"]
            return {
                str(name): {str(block): float(weight) for block, weight in blocks.items()} for name, blocks in table.items()
            }
        except (OSError, ValueError, RecursionError, LookupError, AttributeError, TypeError):
            return {}

    def history(self) -> Sequence[Mapping[str, object]]:
        """Merges that were written, the newest first: date, file, digest, sha256 and the recipe's text."""
        return list(reversed(read_lines(self._folder / _HISTORY, _HISTORY_FORM)[1]))

    def remember(self, recipe: Recipe, file: str, sha256: str) -> None:
        """Add a written merge to the history. Raises HostError when it cannot be written."""
        entry = {
            _HISTORY_FORM.key: _HISTORY_FORM.schema,
            "date": datetime.now().astimezone().isoformat(timespec="seconds"),
            "file": file,
            "digest": recipe.digest,
            "sha256": sha256,
            "recipe": recipe.to_yaml(),
        }
        before, _ = read_lines(self._folder / _HISTORY, _HISTORY_FORM)
        lines = [*before, json.dumps(entry, ensure_ascii=False)][-LONGEST_HISTORY:]
        self._write(Path(_HISTORY), "".join(f"{line}\n" for line in lines))

    def _write(self, name: Path, text: str) -> None:
        from tag_atelier.bench.store import write_whole

        path = self._folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text.encode("utf-8"))
        except OSError as error:
            sentence = "'{name}' cannot be written ({reason}); make room in the data folder."
            raise HostError(sentence, name=path.name, reason=str(error.strerror)) from error

    def _delete(self, name: Path) -> None:
        try:
            (self._folder / name).unlink()
        except OSError as error:
            sentence = "'{name}' cannot be deleted ({reason}); close what uses it."
            raise HostError(sentence, name=name.name, reason=str(error.strerror)) from error
