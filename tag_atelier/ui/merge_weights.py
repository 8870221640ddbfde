"""One model's or network's weights as a row of controls has them, and as a recipe writes them. Used by ``merge_form``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tag_atelier.errors import RecipeError
from tag_atelier.merge.layout import architectures
from tag_atelier.merge.weights import BlockWeights, read_weights

_ENTRY = re.compile(r"\s*([A-Za-z][A-Za-z0-9_-]*)\s*[:=]\s*(\S+)\s*")


@dataclass(frozen=True)
class Mixed:
    """One model that is mixed in, as its row of controls has it."""

    model: str = ""
    weight: float = 0.5
    """How much of it where no preset is chosen; what a preset is multiplied with where one is."""
    preset: str = ""
    blocks: str = ""
    """``IN04: 0.3, OUT03-OUT05: 0.7``, or a pasted line of numbers; empty: no block differs."""


def weights_value(row: Mixed, layout: str = "") -> object:
    """The row's weights as a recipe writes them: a number, a pasted line, or a mapping of blocks.

    Raises:
        RecipeError: the blocks cannot be read.
    """
    text = row.blocks.strip()
    if not text and not row.preset:
        return row.weight
    if text and ":" not in text and "=" not in text:
        return {"values": text, **({"layout": layout} if layout else {})}
    start: dict[str, object] = {"ALL": row.weight}
    if row.preset:
        start = {"preset": row.preset, "scale": row.weight}
    return {**start, **read_blocks(text)}


def read_blocks(text: str) -> dict[str, object]:
    """Blocks and weights, separated by commas or line ends.

    >>> read_blocks("IN04: 0.3, OUT03-OUT05=0.7")
    {'IN04': '0.3', 'OUT03-OUT05': '0.7'}

    Raises:
        RecipeError: a piece is no block with a weight.
    """
    found: dict[str, object] = {}
    for piece in filter(str.strip, re.split(r"[,;\n]", text)):
        entry = _ENTRY.fullmatch(piece)
        if entry is None:
            raise RecipeError(
                "'{piece}' is no block weight; expected for example 'IN04: 0.3' or 'OUT03-OUT05: 0.7'.", piece=piece.strip()
            )
        found[entry[1].upper()] = entry[2]
    return found


def row_of(model: str, weights: BlockWeights) -> Mixed:
    """The row that stands for ``weights``; ``weights_value`` gives them back."""
    weight = weights.scale if weights.preset else weights.number
    if weights.line is not None:
        return Mixed(model, weight, blocks=", ".join(map(spelled, weights.line)))
    blocks = ", ".join(f"{block}: {spelled(value)}" for block, value in weights.blocks)
    return Mixed(model, weight, weights.preset or "", blocks)


def spelled(number: float) -> str:
    """A weight as people write it, with all the digits that matter.

    >>> spelled(0.5), spelled(1 / 3)
    ('0.5', '0.333333333333')
    """
    return f"{number:.12g}"


def resolved(row: Mixed, architecture: str, layout: str = "") -> Mapping[str, float]:
    """The row's weight in every block of ``architecture``.

    Raises:
        RecipeError, UnknownName: the weights do not fit this architecture.
    """
    return read_weights(weights_value(row, layout)).resolve(architectures()[architecture])
