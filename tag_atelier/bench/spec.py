"""``BenchSpec``: what a benchmark is to draw, read from YAML, JSON or a mapping. Loads without numpy, torch and PIL.

Used by ``bench.plan``, the jobs behind every door, and ``tune``. Knows nothing of hosts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tag_atelier.bench.fields import (
    integer,
    number,
    only_known,
    read_mapping,
    seeds_of,
    text,
    texts,
    truth,
)
from tag_atelier.bench.parameters import Axis, axes_of, parameters_of
from tag_atelier.errors import SpecError, say
from tag_atelier.ports import SamplingParameters
from tag_atelier.prompt.slots import SLOTS
from tag_atelier.settings import DEFAULTS, PRESETS_FOLDER

PLACEHOLDER = "{tag}"
AUTO = "auto"
"""A plan's ``batch_size`` that is found by trying; 0 in the spec."""
_FILE_ENDINGS = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class TagRule:
    """Tags chosen from the catalogue: of a slot, strictly below a number of posts, most used first."""

    slot: str | tuple[str, ...]
    """One slot, or several of each of which ``take`` are chosen."""
    posts_below: int = 5000
    take: int = 8
    safe: bool = True
    """Leave tags out that the catalogue marks as sensitive."""
    one_person: bool = True
    """Leave tags out that need a second person in the picture."""


@dataclass(frozen=True)
class SetRule:
    """Several tags in one prompt: ``count`` series of tags, each drawn at every size as its first so many tags."""

    sizes: tuple[int, ...] = (2, 4, 8, 16, 32, 64, 128)
    count: int = 10
    exclusive: tuple[tuple[str, ...], ...] = ()
    """Groups of tags of which one prompt may hold one, besides those that come along."""


@dataclass(frozen=True)
class GridRule:
    """What the axes of the labelled grid are: ``tag``, ``checkpoint``, ``seed``, or the name of one of ``axes``."""

    x: str = "tag"
    y: str = "checkpoint"
    z: str = ""
    """Empty: no third axis, unless something else varies."""


@dataclass(frozen=True)
class BenchSpec:
    """One benchmark as a person writes it; every field but name, template and tags (or rule) has a default."""

    name: str
    template: str
    """Prompt with ``{tag}`` in it, used as written, never re-arranged."""
    tags: tuple[str, ...] = ()
    rule: TagRule | None = None
    """Either tags or a rule, never both."""
    baseline: str = ""
    """Prompt of the control picture; empty: the template without its tag (see ``baseline_prompt``)."""
    negative: str = ""
    seeds: tuple[int, ...] = (1,)
    checkpoints: tuple[str, ...] = ()
    """Names as people type them; empty: the loaded checkpoint."""
    parameters: SamplingParameters = field(default_factory=SamplingParameters)
    batch_size: int = int(DEFAULTS["batch_size"])
    """0 (``auto`` in a file): found by trying when the run begins, and kept for the whole of it."""
    tagger: str = ""
    """Folder name of the tagger; empty: the first one found."""
    threshold: float = float(DEFAULTS["threshold"])
    """Probability from which a tag counts as drawn; declared before the run, one for all tags."""
    escape: bool = True
    """Escape brackets and backslashes inside tags. False sends them as written, to repeat an older benchmark."""
    sets: SetRule | None = None
    """Draw the tags in sets of growing size instead of one by one."""
    axes: tuple[Axis, ...] = ()
    """Parameters and networks to compare; every combination is drawn with every checkpoint."""
    grid: GridRule = field(default_factory=GridRule)
    """How the labelled grid is laid out; shapes no picture."""
    self_test: int = 2
    """How many cells are drawn once more alone, to show what drawing in batches changes; 0 for none."""
    titles: tuple[tuple[str, str], ...] = ()
    """Tags and their Chinese names in the report, where these are to be others than the catalogue's."""
    verdicts: str = ""
    """Name of a file of verdicts by people that the report shows beside ours."""
    note: str = ""
    """Free text shown in the report: where the plan comes from."""

    @property
    def baseline_prompt(self) -> str:
        """The control picture's prompt: as given, else the template without the tag and the comma beside it."""
        return self.baseline or _without_tag(self.template)

    @classmethod
    def from_value(cls, value: str | Path | Mapping[str, object], files: bool = True) -> BenchSpec:
        """Read a spec from a mapping, a preset's name, the path of a YAML/JSON file, or YAML/JSON text.

        Args:
            value: what a person gave.
            files: False where the text comes from the network: then it is never taken for a path.

        Raises:
            SpecError: an unknown key, a wrong type or a value out of range, named.
        """
        if isinstance(value, Mapping):
            return _from_mapping(value)
        if isinstance(value, Path):
            return _from_mapping(read_mapping(_read_file(value), str(value)))
        if not isinstance(value, str):
            sentence = "The plan is of type {kind}; expected a mapping, YAML text or a file's path."
            raise SpecError(sentence, kind=type(value).__name__)
        name = value.strip()
        if "\n" not in name and name in list_presets():
            return _from_mapping(read_mapping(_read_file(list_presets()[name]), name))
        if files and "\n" not in name and name.lower().endswith(_FILE_ENDINGS):
            return _from_mapping(read_mapping(_read_file(Path(name)), name))
        return _from_mapping(read_mapping(value, say("the plan")))

    def as_dict(self) -> dict[str, object]:
        """Plain mapping that ``from_value`` reads back to an equal spec; defaults are left out."""
        plain: dict[str, object] = {}
        for entry in dataclasses.fields(self):
            value = getattr(self, entry.name)
            if entry.name not in ("name", "template") and value == _default(entry):
                continue
            plain[entry.name] = dict(value) if entry.name == "titles" else _plain(value)
        return plain if self.batch_size else {**plain, "batch_size": AUTO}

    def to_yaml(self) -> str:
        """The spec as YAML that ``from_value`` reads back."""
        import yaml

        text_: str = yaml.safe_dump(self.as_dict(), allow_unicode=True, sort_keys=False, width=120)
        return text_


def list_presets(folder: Path = PRESETS_FOLDER / "benchmarks") -> dict[str, Path]:
    """The plans that come along, by name."""
    if not folder.is_dir():
        return {}
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def _from_mapping(value: Mapping[str, object]) -> BenchSpec:
    only_known(value, [entry.name for entry in dataclasses.fields(BenchSpec)], say("the plan"))
    given = {key: item for key, item in value.items() if item is not None}
    readers: dict[str, Any] = {
        "name": lambda item: text(item, "name", 1, 120),
        "template": _template,
        "tags": lambda item: texts(item, "tags"),
        "rule": _rule,
        "sets": _sets,
        "axes": axes_of,
        "grid": _grid,
        "baseline": lambda item: text(item, "baseline", 0, 20_000),
        "negative": lambda item: text(item, "negative", 0, 20_000),
        "seeds": seeds_of,
        "checkpoints": lambda item: texts(item, "checkpoints"),
        "parameters": parameters_of,
        "batch_size": lambda item: 0 if item == AUTO else integer(item, "batch_size", 1, 64),
        "tagger": lambda item: text(item, "tagger", 0, 200),
        "threshold": lambda item: number(item, "threshold", 0.01, 0.99),
        "escape": lambda item: truth(item, "escape"),
        "self_test": lambda item: integer(item, "self_test", 0, 64),
        "titles": _titles,
        "verdicts": lambda item: text(item, "verdicts", 0, 200),
        "note": lambda item: text(item, "note", 0, 20_000),
    }
    for key in ("name", "template"):
        if key not in given:
            raise SpecError("The plan has no '{key}'; expected at least name, template and either tags or rule.", key=key)
    spec = BenchSpec(**{key: readers[key](item) for key, item in given.items()})
    if bool(spec.tags) == (spec.rule is not None):
        if spec.tags:
            raise SpecError("The plan has both tags and rule; expected exactly one of them.")
        raise SpecError("The plan has neither tags nor rule; expected exactly one of them.")
    _check_grid(spec)
    if len(set(spec.checkpoints)) < len(spec.checkpoints):
        raise SpecError("The plan names a checkpoint twice; expected each one once.")
    return spec


def _template(value: object) -> str:
    template = text(value, "template", 1, 20_000)
    if PLACEHOLDER not in template:
        sentence = "The template '{start}' holds no {{tag}}; write {{tag}} where the tag goes."
        raise SpecError(sentence, start=template[:60])
    return template


def _titles(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping):
        raise SpecError("'titles' is {value}; expected a mapping such as {{glaring: 怒视}}.", value=repr(value))
    return tuple((text(tag, "titles", 1, 300), text(title, f"titles.{tag}", 1, 300)) for tag, title in value.items())


def _rule(value: object) -> TagRule:
    if not isinstance(value, Mapping):
        sentence = "'rule' is {value}; expected a mapping such as {{slot: action, posts_below: 5000, take: 8}}."
        raise SpecError(sentence, value=repr(value))
    only_known(value, [entry.name for entry in dataclasses.fields(TagRule)], "'rule'")
    if "slot" not in value:
        raise SpecError("'rule' names no slot; expected one such as action, expression or clothing.")
    slots = texts(value["slot"], "rule.slot")
    for slot in slots or ("",):
        if slot not in SLOTS:
            raise SpecError("'rule.slot' is '{slot}'; expected one of: {known}.", slot=slot, known=", ".join(SLOTS))
    return TagRule(
        slot=slots[0] if len(slots) == 1 else slots,
        posts_below=integer(value.get("posts_below", 5000), "rule.posts_below", 1, 100_000_000),
        take=integer(value.get("take", 8), "rule.take", 1, 10_000),
        safe=truth(value.get("safe", True), "rule.safe"),
        one_person=truth(value.get("one_person", True), "rule.one_person"),
    )


def _sets(value: object) -> SetRule:
    if not isinstance(value, Mapping):
        raise SpecError("'sets' is {value}; expected a mapping such as {{sizes: [2, 4, 8], count: 10}}.", value=repr(value))
    only_known(value, [entry.name for entry in dataclasses.fields(SetRule)], "'sets'")
    sizes = value.get("sizes", SetRule.sizes)
    groups = value.get("exclusive", ())
    if not isinstance(sizes, Sequence) or isinstance(sizes, str) or not sizes:
        raise SpecError("'sets.sizes' is {value}; expected a list of numbers such as [2, 4, 8].", value=repr(sizes))
    if not isinstance(groups, Sequence) or isinstance(groups, str):
        raise SpecError("'sets.exclusive' is {value}; expected a list of lists of tags.", value=repr(groups))
    return SetRule(
        sizes=tuple(sorted({integer(size, "sets.sizes", 1, 512) for size in sizes})),
        count=integer(value.get("count", 10), "sets.count", 1, 1000),
        exclusive=tuple(texts(group, "sets.exclusive") for group in groups),
    )


def _grid(value: object) -> GridRule:
    if not isinstance(value, Mapping):
        raise SpecError("'grid' is {value}; expected a mapping such as {{x: tag, y: checkpoint, z: seed}}.", value=repr(value))
    only_known(value, ("x", "y", "z"), "'grid'")
    return GridRule(**{axis: text(name, f"grid.{axis}", 0, 40) for axis, name in value.items() if name is not None})


def _check_grid(spec: BenchSpec) -> None:
    """Raises SpecError for an axis that varies nothing of this plan, and for one thing on two axes."""
    known = ("tag", "checkpoint", "seed", *(axis.name for axis in spec.axes))
    chosen = [name for name in (spec.grid.x, spec.grid.y, spec.grid.z) if name]
    for name in chosen:
        if name not in known:
            raise SpecError("'grid' names '{name}'; expected one of: {known}.", name=name, known=", ".join(known))
    if len(set(chosen)) < len(chosen):
        raise SpecError("'grid' names one thing on two axes; expected each one once.")


def _without_tag(template: str) -> str:
    pieces = [piece.strip() for piece in template.split(",")]
    kept = [piece.replace(PLACEHOLDER, "").strip() if piece != PLACEHOLDER else "" for piece in pieces]
    return ", ".join(piece for piece in kept if piece)


def _read_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        if isinstance(error, FileNotFoundError):
            raise SpecError("The plan file '{path}' is not there; expected a YAML or JSON file.", path=str(path)) from error
        sentence = "The plan file '{path}' cannot be read as UTF-8 text; expected a YAML or JSON file."
        raise SpecError(sentence, path=str(path)) from error


def _default(entry: dataclasses.Field[Any]) -> object:
    if entry.default_factory is not dataclasses.MISSING:
        return entry.default_factory()
    return None if entry.default is dataclasses.MISSING else entry.default


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        pairs = ((entry, getattr(value, entry.name)) for entry in dataclasses.fields(value))
        return {entry.name: _plain(item) for entry, item in pairs if item != _default(entry)}
    if isinstance(value, tuple) and value and isinstance(value[0], Axis):
        return {axis.name: list(axis.values) for axis in value}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
