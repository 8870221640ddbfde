"""Block weights in every form a person may give them: a number, blocks, a preset, a pasted line.

Called by recipe (reading) and plan (one number per block). Loads without torch; presets are presets/blocks/named_weights.yaml.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import yaml

from tag_atelier.errors import RecipeError, UnknownName, say
from tag_atelier.merge.formula import evaluate
from tag_atelier.merge.layout import (
    BLOCKS_FOLDER,
    LINE_COUNTS,
    Architecture,
    check_block,
    get_line_layout,
    read_line,
    spoken_counts,
)

LIMIT = 10.0
"""Weights lie in −LIMIT … LIMIT: wide enough for every extrapolation in use, narrow enough to catch a slip."""

_GROUP_RANK = {"ALL": 0, "UNET": 1, "BASE": 1}


@dataclass(frozen=True)
class NamedWeights:
    """A preset: a formula over the UNet, a weight for the text encoders, exceptions."""

    name: str
    unet: str
    base: float
    blocks: Mapping[str, float]
    note: str

    def resolve(self, architecture: Architecture) -> dict[str, float]:
        """Weight of every block; the VAE's is 0."""
        n = len(architecture.unet)
        unet = [evaluate(self.unet, t=i / (n - 1), i=i, n=n) for i in range(n)]
        weights = dict.fromkeys(architecture.blocks, 0.0)
        weights.update(zip(architecture.unet, unet, strict=True))
        weights.update(dict.fromkeys(architecture.text_encoders, self.base))
        weights.update({block: unet[0] for block in ("TIME", "LABEL") if block in weights})
        weights["OUT"] = unet[-1]
        for name, weight in self.blocks.items():
            weights.update(dict.fromkeys(architecture.expand(name), weight))
        return weights


@lru_cache(maxsize=1)
def named_weights() -> Mapping[str, NamedWeights]:
    """All presets by name, in the order of the file."""
    table = yaml.safe_load((BLOCKS_FOLDER / "named_weights.yaml").read_text(encoding="utf-8"))
    return {
        name: NamedWeights(name, entry["unet"], float(entry.get("base", 0)), entry.get("blocks", {}), entry["note"])
        for name, entry in table.items()
    }


def get_named_weights(name: str) -> NamedWeights:
    """The preset ``name``, in any case. Raises UnknownName."""
    found = named_weights().get(name.upper())
    if found is None:
        raise UnknownName("block-weight preset", name, tuple(named_weights()))
    return found


@dataclass(frozen=True)
class BlockWeights:
    """One model's weight in every block: a start (number, preset or line) and single blocks laid over it."""

    number: float = 0.0
    preset: str | None = None
    scale: float = 1.0
    """What a preset's values are multiplied with."""
    line: tuple[float, ...] | None = None
    layout: str | None = None
    """The tool whose meaning ``line`` has; see ``layout.LINE_LAYOUTS``."""
    blocks: tuple[tuple[str, float], ...] = ()
    """Block, group or range → weight; the narrower name wins, whatever the order."""

    def resolve(self, architecture: Architecture) -> dict[str, float]:
        """Weight of every block of ``architecture``.

        Raises:
            RecipeError: a line of this length means nothing here.
            UnknownName: a block that this architecture has not.
        """
        if self.line is not None:
            weights = read_line(self.line, get_line_layout(self.layout or "supermerger"), architecture)
        elif self.preset is not None:
            preset = get_named_weights(self.preset).resolve(architecture)
            weights = {block: weight * self.scale for block, weight in preset.items()}
        else:
            weights = {block: 0.0 if block == "VAE" else self.number for block in architecture.blocks}
        for name, weight in sorted(self.blocks, key=_width):
            weights.update(dict.fromkeys(architecture.expand(name), weight))
        return weights

    def as_value(self) -> object:
        """The plain form that ``read_weights`` reads back: a number, or a mapping."""
        if self.preset is None and self.line is None and not self.blocks:
            return self.number
        value: dict[str, object] = {}
        if self.line is not None:
            value = {"layout": self.layout, "values": list(self.line)}
        elif self.preset is not None:
            value = {"preset": self.preset, "scale": self.scale}
        elif self.number:
            value = {"ALL": self.number}
        return {**value, **dict(self.blocks)}


def _width(item: tuple[str, float]) -> int:
    return _GROUP_RANK.get(item[0], 2 if "-" in item[0] else 3)


def read_weights(value: object, layout: str = "") -> BlockWeights:
    """Block weights from a number, a preset's name, a pasted line, or a mapping.

    >>> read_weights("0.5").number
    0.5
    >>> read_weights({"preset": "GRAD_V", "OUT03": 0.2}).blocks
    (('OUT03', 0.2),)

    A mapping holds blocks, groups (ALL, UNET, BASE) and ranges (IN04-OUT02), and may start from ``preset`` (and ``scale``)
    or from ``layout`` and ``values``. ``layout`` is what a line without a layout of its own is read as.

    Raises:
        RecipeError: another form, a number out of range, or a line of a length that no tool uses.
        UnknownName: no such block, preset or layout.
    """
    if isinstance(value, Mapping):
        return _read_mapping(dict(value), layout)
    if isinstance(value, str):
        return _read_text(value.strip(), layout)
    if isinstance(value, Sequence):
        return _read_line(value, layout)
    return BlockWeights(number=read_number(value, say("A block weight")))


def read_number(value: object, what: str, limit: float = LIMIT) -> float:
    """``value`` as a finite number in −limit … limit. Raises RecipeError that begins with ``what``."""
    number = math.nan
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = math.nan
    if not abs(number) <= limit:
        raise RecipeError(
            "{what} is {value!r}; expected a number from {least:g} to {most:g}.",
            what=what,
            value=value,
            least=-limit,
            most=limit,
        )
    return number


def _read_text(text: str, layout: str) -> BlockWeights:
    if "," in text or len(text.split()) > 1:
        return _read_line([part for part in text.replace(",", " ").split() if part], layout)
    try:
        float(text)
    except ValueError:
        return BlockWeights(preset=get_named_weights(text).name)
    return BlockWeights(number=read_number(text, say("A block weight")))


def _read_line(values: Sequence[object], layout: str) -> BlockWeights:
    if len(values) not in LINE_COUNTS:
        raise RecipeError(
            "A line of {count} block weights was given; expected {expected}.", count=len(values), expected=spoken_counts()
        )
    numbers = tuple(read_number(value, say("A number of the block-weight line")) for value in values)
    return BlockWeights(line=numbers, layout=get_line_layout(layout or "supermerger").name)


def _read_mapping(table: dict[object, object], layout: str) -> BlockWeights:
    start = BlockWeights()
    if "values" in table:
        values = table.pop("values")
        line = [part for part in values.replace(",", " ").split() if part] if isinstance(values, str) else values
        if not isinstance(line, Sequence):
            raise RecipeError("'values' is {value!r}; expected a list or a line of numbers.", value=values)
        start = _read_line(line, str(table.pop("layout", layout)))
    elif "preset" in table:
        preset = get_named_weights(str(table.pop("preset")))
        start = BlockWeights(preset=preset.name, scale=read_number(table.pop("scale", 1.0), "'scale'"))
    blocks: dict[str, float] = {}
    for name, weight in table.items():
        block = str(name).strip().upper()
        check_block(block)
        if block in blocks:
            raise RecipeError("The block '{block}' is given twice; give it one weight.", block=block)
        blocks[block] = read_number(weight, say("The weight of block '{block}'", block=block))
    # ALL is what every narrower name is laid over, so that 0.5 and {ALL: 0.5} are the same weights with the same digest.
    number = blocks.pop("ALL", 0.0) if start == BlockWeights() else 0.0
    ordered = tuple(sorted(blocks.items()))
    return BlockWeights(number, start.preset, start.scale, start.line, start.layout, ordered)
