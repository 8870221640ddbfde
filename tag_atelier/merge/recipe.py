"""A merge recipe: which models, which method, which weights; read from YAML, JSON or a mapping, with a canonical form.

Called by plan, the merge page, HTTP and the command line. Loads without torch and never opens a checkpoint.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from tag_atelier.errors import RecipeError, UnknownName, say
from tag_atelier.merge.adjust import read_adjust
from tag_atelier.merge.elements import Element, read_elements
from tag_atelier.merge.methods import Method, get_method
from tag_atelier.merge.options import NAMES as OPTION_NAMES
from tag_atelier.merge.options import Options, read_options
from tag_atelier.merge.weights import BlockWeights, read_weights
from tag_atelier.plain_values import Unreadable, read_yaml
from tag_atelier.settings import PRESETS_FOLDER

LETTERS = "abcdefghijklmnopqrstuvwxyz"
"""Models are called a, b, c … in the order of the recipe; so 26 is the most there can be."""

_LONGEST_TEXT = 65_536
_MIX = ("models", "base", "method", "alpha", "layout", "parameters", "elements")
_FIELDS = (*_MIX, "loras", "options", "name", "notes", "steps")
_MOST_STEPS = 25


@dataclass(frozen=True)
class Recipe:
    """A recipe that makes sense by itself; whether the files fit it is found by ``plan``."""

    models: tuple[str, ...]
    """Names of the models that are mixed; the first, A, gives the keys, the shapes and everything of weight 0."""
    weights: tuple[BlockWeights, ...]
    """One per model after A."""
    method: str = "weighted_sum"
    base: str | None = None
    parameters: tuple[tuple[str, BlockWeights], ...] = ()
    elements: tuple[Element, ...] = ()
    dtype: str = "keep"
    vae: str | None = None
    """Letter of the model, or name of the file, whose VAE is taken whole; None: what the weights say, and that is A's
    unless they name the VAE."""
    adjust: tuple[tuple[str, float], ...] = ()
    """Names of ``adjust.NAMES`` and their values, none of them 0."""
    options: Options = field(default_factory=Options)
    """What else is said about the result: dtypes of its parts, text encoders, networks, pruning, format."""
    name: str = ""
    notes: str = ""
    steps: tuple[Recipe, ...] = ()
    """Recipes carried out before this one, whose results its models and base may name as if they were checkpoints."""

    @staticmethod
    def from_value(value: str | Mapping[str, Any]) -> Recipe:
        """The recipe in a YAML or JSON text, or in a mapping.

        Fields: models (names; or mappings of model and weight), base, method, alpha (number, preset, pasted line, mapping of
        blocks; a list with one of these per model after the first where there are several), layout, parameters, elements,
        options (dtype, vae, adjust), name, notes, steps (recipes with a name that later ones use as a model).

        Raises:
            RecipeError: a field is missing, unknown, of the wrong form or does not fit the method.
            UnknownName: no such method, preset, layout or block.
        """
        table = _parse(value) if isinstance(value, str) else value
        if not isinstance(table, Mapping):
            raise RecipeError("The recipe is no mapping; expected fields such as 'models: [a, b]' and 'alpha: 0.5'.")
        return _read(dict(table))

    @staticmethod
    def from_file(path: Path) -> Recipe:
        """The recipe in a YAML or JSON file, UTF-8. Raises RecipeError, UnknownName."""
        try:
            return Recipe.from_value(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(
                "The recipe '{name}' cannot be read ({error}); expected a text file in UTF-8.", name=path.name, error=str(error)
            ) from error

    def as_dict(self) -> dict[str, object]:
        """The canonical form: plain values, every default filled in; ``from_value`` reads it back."""
        alphas = [weights.as_value() for weights in self.weights]
        given = {"vae": self.vae, "adjust": dict(self.adjust)}
        return {
            **({"steps": [{"name": step.name, **step.as_dict()} for step in self.steps]} if self.steps else {}),
            "models": list(self.models),
            **({"base": self.base} if self.base is not None else {}),
            "method": self.method,
            "alpha": alphas[0] if len(alphas) == 1 else alphas,
            "parameters": {name: weights.as_value() for name, weights in self.parameters},
            "elements": [element.as_value() for element in self.elements],
            **({"loras": [lora.as_value() for lora in self.options.loras]} if self.options.loras else {}),
            "options": {**self.options.as_dict(self.dtype), **{name: value for name, value in given.items() if value}},
        }

    def to_yaml(self) -> str:
        """The canonical form with name and notes as YAML text; what is empty is left out."""
        told = {"name": self.name, "notes": self.notes, **self.as_dict()}
        given = {key: value for key, value in told.items() if value not in ("", [], {})}
        return yaml.safe_dump(given, sort_keys=False, allow_unicode=True, width=100)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical form as JSON, 64 hex digits; name and notes do not count."""
        text = json.dumps(self.as_dict(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8")).hexdigest()

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of everything that is read: the models, then the base where there is one."""
        return self.models if self.base is None else (*self.models, self.base)

    def letter_of(self, index: int) -> str:
        """What reports call model ``index``: its letter, or ``base`` for the one after the last."""
        return LETTERS[index] if index < len(self.models) else "base"


def list_recipes() -> dict[str, Path]:
    """Shipped recipes by name; their models are called A, B, C and have to be chosen."""
    return {path.stem: path for path in sorted((PRESETS_FOLDER / "merges").glob("*.yaml"))}


class _Loader(yaml.SafeLoader):
    """Refuses a name that is given twice, of which PyYAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        names = [key.value for key, _ in node.value]
        twice = next((name for name in names if isinstance(name, str) and names.count(name) > 1), None)
        if twice is not None:
            raise RecipeError("The recipe gives '{twice}' twice; give it once.", twice=twice)
        return super().construct_mapping(node, deep)


def _parse(text: str) -> object:
    if len(text) > _LONGEST_TEXT:
        raise RecipeError(
            "The recipe is {count} characters long; expected at most {most}.", count=len(text), most=_LONGEST_TEXT
        )
    try:
        value: object = read_yaml(text, _Loader)
    except Unreadable as error:
        where = say(" at line {line}", line=error.line) if error.line else ""
        raise RecipeError(
            "The recipe is neither YAML nor JSON{where}; expected a mapping such as 'models: [a, b]'.", where=where
        ) from error
    return value


def _read(table: dict[Any, Any]) -> Recipe:
    method = get_method(str(table.get("method", "weighted_sum")))
    parameter_names = tuple(parameter.name for parameter in method.parameters)
    _refuse_unknown(say("The recipe"), table, _FIELDS + parameter_names)
    names, entry_weights = _read_models(table.get("models"))
    base = table.get("base")
    if method.base and base is None and len(names) > 2:
        base, given = names.pop(), entry_weights.pop()
        if given is not None:
            raise RecipeError(
                "The last of three models, '{base}', is the base of '{name}' and takes no weight.", base=base, name=method.name
            )
    _check_counts(method, names, base)
    layout = str(table.get("layout", ""))
    weights = _read_alphas(table, names, entry_weights, layout)
    parameters = _read_parameters(method, table, layout)
    elements = read_elements(table.get("elements") or ())
    for element in elements:
        if _index_of(element.model or "b", names, say("An element")) == 0:
            raise RecipeError("An element gives the first model a weight; expected the letter of a later one.")
    options = table.get("options") or {}
    if not isinstance(options, Mapping):
        raise RecipeError("'options' is {value!r}; expected a mapping such as {{dtype: fp16}}.", value=options)
    _refuse_unknown("'options'", options, OPTION_NAMES)
    dtype, others = read_options(options, table.get("loras"), partial(_letter_or_file, names))
    vae = options.get("vae")
    if vae is not None:
        if any(block == "VAE" for each in weights for block, _ in each.blocks):
            raise RecipeError("The VAE has a weight and 'options.vae' names a model as well; give only one of them.")
        vae = _letter_or_file(names, str(vae), "'options.vae'")
    recipe = Recipe(
        models=tuple(names),
        weights=weights,
        method=method.name,
        base=None if base is None else str(base),
        parameters=parameters,
        elements=elements,
        dtype=dtype,
        vae=vae,
        adjust=read_adjust(options.get("adjust") or {}),
        options=others,
        name=str(table.get("name") or ""),
        notes=str(table.get("notes") or ""),
        steps=_read_steps(table.get("steps") or ()),
    )
    _check_steps(recipe)
    return recipe


def _read_steps(value: object) -> tuple[Recipe, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > _MOST_STEPS:
        raise RecipeError("'steps' is no list of at most {most} recipes; expected each to have a 'name'.", most=_MOST_STEPS)
    steps = []
    for entry in value:
        name = str(entry.get("name") or "").strip() if isinstance(entry, Mapping) else ""
        if not name or "steps" in entry:
            raise RecipeError("A step has no name, or steps of its own; expected a recipe with a 'name' and without 'steps'.")
        step = _read({**entry, "name": name})
        if step.dtype != "keep" or step.options.dtypes or step.options.format != "safetensors":
            raise RecipeError(
                "The step '{name}' gives a dtype or a format; steps are exact, so give them once, for the whole recipe.",
                name=name,
            )
        steps.append(step)
    return tuple(steps)


def _check_steps(recipe: Recipe) -> None:
    """Every step has a name of its own, uses only earlier ones, and is used."""
    names = [step.name for step in recipe.steps]
    for i, step in enumerate(recipe.steps):
        if names.count(step.name) > 1:
            raise RecipeError("Two steps are called '{name}'; give each a name of its own.", name=step.name)
        later = next((name for name in step.inputs if name in names[i:]), None)
        if later is not None:
            raise RecipeError(
                "The step '{name}' uses '{later}', which is not done by then; expected only earlier steps.",
                name=step.name,
                later=later,
            )
        if not any(step.name in each.inputs for each in (*recipe.steps, recipe)):
            raise RecipeError(
                "The step '{name}' is used nowhere; name it among 'models' or as 'base', or leave it out.", name=step.name
            )


def _refuse_unknown(where: str, table: Mapping[Any, Any], known: Sequence[str]) -> None:
    unknown = sorted(set(map(str, table)) - set(known))
    if unknown:
        raise RecipeError(
            "{where} has an unknown field '{unknown}'; expected only: {known}.",
            where=where,
            unknown=unknown[0],
            known=", ".join(known),
        )


def _read_models(value: object) -> tuple[list[str], list[object]]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise RecipeError(
            "'models' is {value!r}; expected a list of checkpoint names, the one to start from first.", value=value
        )
    names: list[str] = []
    weights: list[object] = []
    for entry in value:
        if isinstance(entry, Mapping):
            _refuse_unknown(say("A model"), entry, ("model", "weight"))
        name, weight = (entry.get("model"), entry.get("weight")) if isinstance(entry, Mapping) else (entry, None)
        if isinstance(name, bool) or not isinstance(name, (str, int, float)) or not str(name).strip():
            raise RecipeError(
                "A model is {name!r}; expected a checkpoint's name, in quotes where YAML reads it otherwise.", name=name
            )
        names.append(str(name).strip())
        weights.append(weight)
    if weights and weights[0] is not None:
        raise RecipeError(
            "The first model, '{name}', has a weight; expected weights only from the second model on.", name=names[0]
        )
    return names, weights


def _check_counts(method: Method, names: Sequence[str], base: object) -> None:
    least, most = method.models
    if len(names) < least or len(names) > (most or len(LETTERS)):
        template = "'{name}' was given {count} models; expected {expected}."
        if method.base:
            template = "'{name}' was given {count} models; expected {expected}, and a base beside them."
        raise RecipeError(template, name=method.name, count=len(names), expected=_spoken_range(least, most))
    if method.base and not isinstance(base, str):
        raise RecipeError("'{name}' needs a base: name it under 'base', or as the third model.", name=method.name)
    if not method.base and base is not None:
        raise RecipeError(
            "'{name}' has no base but '{base}' was given; leave it out or choose another method.", name=method.name, base=base
        )


def _spoken_range(least: int, most: int | None) -> str:
    if most is None:
        return say("at least {least}", least=least)
    return str(least) if least == most else say("{least} to {most}", least=least, most=most)


def _read_alphas(
    table: Mapping[str, object], names: Sequence[str], entry_weights: Sequence[object], layout: str
) -> tuple[BlockWeights, ...]:
    mixed = len(names) - 1
    alpha = table.get("alpha")
    given = [weight for weight in entry_weights[1:] if weight is not None]
    if given and alpha is not None:
        raise RecipeError("Weights stand both beside the models and under 'alpha'; give them in one place.")
    values: Sequence[object] = entry_weights[1:]
    if alpha is not None:
        per_model = isinstance(alpha, Sequence) and not isinstance(alpha, str) and len(alpha) == mixed
        values = list(alpha) if per_model and isinstance(alpha, Sequence) else [alpha]
    if len(values) != mixed or any(value is None for value in values):
        found = len([value for value in values if value is not None])
        template = "{found} weights were given for {mixed} models after the first; expected 'alpha' to be a list of {mixed}."
        if mixed == 1:
            template = (
                "{found} weights were given for 1 models after the first; expected 'alpha' to be a list of 1 or a single value."
            )
        raise RecipeError(template, found=found, mixed=mixed)
    return tuple(read_weights(value, layout) for value in values)


def _read_parameters(method: Method, table: Mapping[str, object], layout: str) -> tuple[tuple[str, BlockWeights], ...]:
    nested = table.get("parameters") or {}
    if not isinstance(nested, Mapping):
        raise RecipeError("'parameters' is {value!r}; expected a mapping of the method's own parameters.", value=nested)
    known = tuple(parameter.name for parameter in method.parameters)
    _refuse_unknown(say("'parameters' of '{method}'", method=method.name), nested, known)
    twice = next((name for name in known if name in table and name in nested), None)
    if twice:
        raise RecipeError("The recipe gives '{twice}' and 'parameters' gives it again; give it once.", twice=twice)
    values = {parameter.name: table.get(parameter.name, nested.get(parameter.name)) for parameter in method.parameters}
    return tuple(
        (p.name, BlockWeights(number=p.default) if values[p.name] is None else read_weights(values[p.name], layout))
        for p in method.parameters
    )


def _letter_or_file(names: Sequence[str], name: str, where: str) -> str:
    """The letter of the model ``name``, or ``name`` itself where it is the name of a file; no file is called by one letter."""
    if name in names or len(name) == 1:
        return LETTERS[_index_of(name, names, where)]
    return name


def _index_of(model: str, names: Sequence[str], where: str) -> int:
    letters = LETTERS[: len(names)]
    if len(model) == 1 and model.lower() in letters:
        return letters.index(model.lower())
    if model in names:
        return list(names).index(model)
    raise UnknownName("model", model, tuple(letters), say("{where} names a model of the recipe by its letter.", where=where))
