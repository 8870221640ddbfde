"""``StudySpec``: what a search is to try, read from YAML, JSON or a mapping. Loads without optuna, numpy and torch.

Used by ``tune.study``, the jobs behind every door, and the command line. Files and tags are looked at by ``tune.space`` and
``tune.split``, not here.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tag_atelier.bench.fields import integer, number, only_known, read_mapping, seeds_of, text, texts, truth
from tag_atelier.bench.spec import BenchSpec, SetRule
from tag_atelier.errors import SpecError, say
from tag_atelier.settings import PRESETS_FOLDER

SAMPLERS: Mapping[str, str] = {
    "cma": "CMA-ES: a cloud of candidates that moves and narrows; the answer is its middle",
    "tpe": "TPE: Optuna's tree of Parzen estimators",
    "gp": "GP: Optuna's Gaussian process (needs scipy and torch)",
    "nsga2": "NSGA-II: accuracy and diversity at once",
    "theatre": "Theatre: mixes a random partner into the best so far by a small step, and goes on from the better",
}
"""Ways to choose the next candidate, with the sentence the page shows."""
GROUPINGS = ("eight", "eleven", "blocks", "model")
"""eight: the UNet cut into eight parts; eleven: ConfusionXL's groups; blocks: each block alone; model: one weight a model."""
METHODS = ("weighted_sum", "add_difference")
FIRST, SEARCHED = "first", "searched"
LEAST_TRIALS, MOST_TRIALS = 4, 5000


@dataclass(frozen=True)
class SpaceSpec:
    """Which weights are searched, and between which bounds."""

    groups: str | Mapping[str, tuple[str, ...]] = "eight"
    """One of ``GROUPINGS``, or name → blocks and ranges such as ``IN04-IN06``."""
    refine: str = ""
    """Grouping of the second, finer stage; empty: there is none."""
    low: float = -0.2
    high: float = 1.0
    """Bounds of every searched weight."""
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Group → its own low and high."""
    rest: tuple[float, float] = (-0.2, 1.0)
    """Bounds of the first model's share, which is 1 less the sum of the others' (``weighted_sum`` only)."""
    negative_penalty: float = 0.05
    """Lift taken off per 1.0 of negative weight that a block holds on average: negative weights break pictures."""
    text_encoders: str = FIRST
    """``first``: the first model's; the name of another model: that one's; ``searched``."""
    vae: str = FIRST
    """As ``text_encoders``."""
    keep_style: bool = False
    """Keep the first model's output blocks and text encoders, which carry its style."""


@dataclass(frozen=True)
class ValidationSpec:
    """What nobody searched on: tags, prompts and seeds of its own."""

    tags: tuple[str, ...] = ()
    """Empty: ``share`` of the plan's tags are set aside, and the search never asks for them."""
    share: float = 0.4
    """Share of the plan's tags that is set aside, 0…1."""
    prompts: int = 32
    seeds: tuple[int, ...] = ()
    """Empty: as many as the search's, from 1001 on."""


@dataclass(frozen=True)
class StudySpec:
    """One search as a person writes it; every field but name, models and plan has a default."""

    name: str
    models: tuple[str, ...]
    """Names of the models that are mixed, the one that is loaded and changed first."""
    plan: BenchSpec
    """Template, tags or rule, seeds, sampling and tagger; the sizes of its sets are ``tags_per_prompt`` and ``prompts``."""
    method: str = "weighted_sum"
    """One of ``METHODS``. ``weighted_sum``: a block's weights sum to 1, the first model takes what is left."""
    base: str = ""
    """Base of ``add_difference``, by default the first model."""
    space: SpaceSpec = field(default_factory=SpaceSpec)
    sampler: str = "cma"
    """One of ``SAMPLERS``."""
    trials: int = 60
    """Candidates that are tried, the parents among them; confirmation and validation come on top."""
    seed: int = 1
    """Of everything random in ``cma`` and ``theatre``, which repeat exactly; Optuna's own samplers do not."""
    tags_per_prompt: int = 32
    prompts: int = 16
    """Prompts of a full evaluation; each is drawn with every seed of the plan."""
    halving: tuple[float, ...] = (0.5, 1.0)
    """Growing shares of the prompts; after each but the last only the better half goes on. (1.0,): everything is drawn."""
    start: float | None = None
    """Weight at which every searched model starts; None: all models alike."""
    step: float = 0.2
    """First spread of the candidates, as a share of the bounds' width, 0.01…1."""
    validation: ValidationSpec = field(default_factory=ValidationSpec)
    preview: tuple[str, ...] = ()
    """Up to four prompts drawn at every improvement; empty: the first four of the plan."""
    storage: str = ""
    """Empty: an SQLite file in the study's folder; a path ending in ``.log``: a journal file; or a database's URL."""
    note: str = ""

    @classmethod
    def from_value(cls, value: str | Path | Mapping[str, object]) -> StudySpec:
        """Read a study from a mapping, a preset's name, a file's path or YAML/JSON text.

        Raises:
            SpecError: an unknown key, a wrong type, a value out of range, or bounds that cannot be met.
        """
        if isinstance(value, Path):
            return _from_mapping(read_mapping(_read_file(value), str(value)))
        if isinstance(value, str):
            preset = list_studies().get(value.strip())
            return _from_mapping(read_mapping(_read_file(preset) if preset else value, say("the study")))
        if not isinstance(value, Mapping):
            sentence = "The study is of type {kind}; expected a mapping with name, models and plan."
            raise SpecError(sentence, kind=type(value).__name__)
        return _from_mapping(value)

    def as_dict(self) -> dict[str, object]:
        """Plain mapping that ``from_value`` reads back to an equal study; defaults are left out."""
        return {"name": self.name, "models": list(self.models), **_changed(self), "plan": self.plan.as_dict()}

    def to_yaml(self) -> str:
        """The study as YAML that ``from_value`` reads back."""
        import yaml

        written: str = yaml.safe_dump(self.as_dict(), allow_unicode=True, sort_keys=False, width=120)
        return written


def list_studies(folder: Path = PRESETS_FOLDER / "studies") -> dict[str, Path]:
    """The studies that come along, by name; their models are called A, B … and have to be chosen."""
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def _from_mapping(value: Mapping[str, object]) -> StudySpec:
    only_known(value, [entry.name for entry in dataclasses.fields(StudySpec)], say("the study"))
    given = {key: item for key, item in value.items() if item is not None}
    for key in ("name", "models", "plan"):
        if key not in given:
            raise SpecError("The study has no '{key}'; expected at least name, models and plan.", key=key)
    readers: dict[str, Callable[[Any], object]] = {
        "name": lambda item: text(item, "name", 1, 120),
        "models": lambda item: texts(item, "models"),
        "plan": _plan,
        "method": lambda item: _one_of(item, "method", METHODS),
        "base": lambda item: text(item, "base", 0, 500),
        "space": _space,
        "sampler": lambda item: _one_of(item, "sampler", tuple(SAMPLERS)),
        "trials": lambda item: integer(item, "trials", LEAST_TRIALS, MOST_TRIALS),
        "seed": lambda item: integer(item, "seed", 0, 2**31 - 1),
        "tags_per_prompt": lambda item: integer(item, "tags_per_prompt", 1, 512),
        "prompts": lambda item: integer(item, "prompts", 1, 1000),
        "halving": _halving,
        "start": lambda item: number(item, "start", -10, 10),
        "step": lambda item: number(item, "step", 0.01, 1),
        "validation": _validation,
        "preview": _preview,
        "storage": lambda item: text(item, "storage", 0, 1000),
        "note": lambda item: text(item, "note", 0, 20_000),
    }
    spec = StudySpec(**{key: readers[key](item) for key, item in given.items()})  # type: ignore[arg-type]
    _check(spec)
    return spec


def _check(spec: StudySpec) -> None:
    if not 2 <= len(spec.models) <= 26 or len(set(spec.models)) < len(spec.models):
        raise SpecError("'models' names {count} models; expected 2 to 26, each one once.", count=len(spec.models))
    if spec.trials <= len(spec.models):
        sentence = "'trials' is {trials}, and each of {count} models alone is one; expected more."
        raise SpecError(sentence, trials=spec.trials, count=len(spec.models))
    for name, part in (("space.text_encoders", spec.space.text_encoders), ("space.vae", spec.space.vae)):
        if part not in (FIRST, SEARCHED, *spec.models):
            raise SpecError("'{name}' is '{part}'; expected first, searched or one of the models.", name=name, part=part)
    if spec.base and spec.method != "add_difference":
        sentence = "'base' is '{base}' but '{method}' has none; leave it out or choose add_difference."
        raise SpecError(sentence, base=spec.base, method=spec.method)
    if spec.plan.axes:
        raise SpecError("The study's plan has axes; a candidate is drawn with one setting, so leave 'axes' out.")
    searched = set(spec.plan.seeds) & set(spec.validation.seeds)
    if searched:
        sentence = "The seed {seed} is both searched on and validated on; expected seeds of its own for each."
        raise SpecError(sentence, seed=min(searched))


def _plan(value: object) -> BenchSpec:
    if not isinstance(value, (str, Mapping)):
        sentence = "'plan' is {value}; expected a plan's name, or a mapping with template and tags."
        raise SpecError(sentence, value=repr(value))
    given: Mapping[str, object] = {"preset": value} if isinstance(value, str) else value
    found: dict[str, object] = {}
    if "preset" in given:
        found = BenchSpec.from_value(str(given["preset"]), files=False).as_dict()
    named = {"name": "search", **found, **{key: item for key, item in given.items() if key != "preset"}}
    return BenchSpec.from_value(named)


def _space(value: object) -> SpaceSpec:
    table = _table(value, "space", SpaceSpec)
    readers: dict[str, Callable[[Any], object]] = {
        "groups": _groups,
        "refine": lambda item: item and _one_of(item, "space.refine", GROUPINGS),
        "low": lambda item: number(item, "space.low", -10, 10),
        "high": lambda item: number(item, "space.high", -10, 10),
        "bounds": _bounds,
        "rest": lambda item: _pair(item, "space.rest"),
        "negative_penalty": lambda item: number(item, "space.negative_penalty", 0, 100),
        "text_encoders": lambda item: text(item, "space.text_encoders", 1, 500),
        "vae": lambda item: text(item, "space.vae", 1, 500),
        "keep_style": lambda item: truth(item, "space.keep_style"),
    }
    space = SpaceSpec(**{key: readers[key](item) for key, item in table.items()})  # type: ignore[arg-type]
    if not space.low < space.high:
        sentence = "'space' goes from {low} to {high}; expected low below high."
        raise SpecError(sentence, low=f"{space.low:g}", high=f"{space.high:g}")
    return space


def _groups(value: object) -> str | Mapping[str, tuple[str, ...]]:
    if isinstance(value, Mapping) and value:
        return {text(name, "space.groups", 1, 60): texts(blocks, f"space.groups.{name}") for name, blocks in value.items()}
    return _one_of(value, "space.groups", GROUPINGS)


def _bounds(value: object) -> Mapping[str, tuple[float, float]]:
    if not isinstance(value, Mapping):
        raise SpecError("'space.bounds' is {value}; expected a mapping such as {{M00: [-0.05, 0.25]}}.", value=repr(value))
    return {str(group): _pair(pair, f"space.bounds.{group}") for group, pair in value.items()}


def _pair(value: object, name: str) -> tuple[float, float]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise SpecError("'{name}' is {value}; expected two numbers such as [-0.2, 0.55].", name=name, value=repr(value))
    low, high = (number(item, name, -100, 100) for item in value)
    if low > high:
        sentence = "'{name}' goes from {low} to {high}; expected the lower number first."
        raise SpecError(sentence, name=name, low=f"{low:g}", high=f"{high:g}")
    return low, high


def _validation(value: object) -> ValidationSpec:
    table = _table(value, "validation", ValidationSpec)
    readers: dict[str, Callable[[Any], object]] = {
        "tags": lambda item: texts(item, "validation.tags"),
        "share": lambda item: number(item, "validation.share", 0.05, 0.95),
        "prompts": lambda item: integer(item, "validation.prompts", 1, 10_000),
        "seeds": seeds_of,
    }
    return ValidationSpec(**{key: readers[key](item) for key, item in table.items()})  # type: ignore[arg-type]


def _halving(value: object) -> tuple[float, ...]:
    listed = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    shares = tuple(number(item, "halving", 0.01, 1) for item in listed)
    if not shares or shares[-1] != 1 or any(later <= share for share, later in itertools.pairwise(shares)):
        sentence = "'halving' is {value}; expected growing shares of the prompts that end with 1, such as [0.5, 1]."
        raise SpecError(sentence, value=repr(value))
    return shares


def _preview(value: object) -> tuple[str, ...]:
    prompts = texts(value, "preview")
    if len(prompts) > 4:
        raise SpecError("'preview' has {count} prompts; expected at most four.", count=len(prompts))
    return prompts


def _one_of(value: object, name: str, known: Sequence[str]) -> str:
    if value not in known:
        raise SpecError("'{name}' is {value}; expected one of: {known}.", name=name, value=repr(value), known=", ".join(known))
    return str(value)


def _table(value: object, name: str, kind: type) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise SpecError("'{name}' is {value}; expected a mapping.", name=name, value=repr(value))
    only_known(value, [entry.name for entry in dataclasses.fields(kind)], f"'{name}'")
    return {str(key): item for key, item in value.items() if item is not None}


def _changed(value: Any) -> dict[str, object]:
    """Fields that differ from their defaults, as plain values."""
    plain: dict[str, object] = {}
    for entry in dataclasses.fields(value):
        item = getattr(value, entry.name)
        missing = entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING
        default = entry.default_factory() if entry.default_factory is not dataclasses.MISSING else entry.default
        if missing or item == default:
            continue
        plain[entry.name] = _plain(item)
    return plain


def _plain(item: object) -> object:
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        return _changed(item)
    if isinstance(item, Mapping):
        return {key: _plain(each) for key, each in item.items()}
    return [_plain(each) for each in item] if isinstance(item, tuple) else item


def with_sets(plan: BenchSpec, tags_per_prompt: int, prompts: int) -> BenchSpec:
    """``plan`` drawn as ``prompts`` prompts of ``tags_per_prompt`` tags; its tags that exclude each other stay apart."""
    exclusive = plan.sets.exclusive if plan.sets is not None else ()
    return dataclasses.replace(plan, sets=SetRule((tags_per_prompt,), prompts, exclusive), self_test=0)


def _read_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        sentence = "The study '{name}' cannot be read ({reason}); expected a text file in YAML or JSON."
        raise SpecError(sentence, name=path.name, reason=str(error)) from error
