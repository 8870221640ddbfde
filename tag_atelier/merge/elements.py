"""Weights of single tensors, laid over the block weights: SuperMerger's ``Blocks:Elements:Ratio``, globs and regular
expressions on keys.

Called by recipe and plan. Loads without torch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tag_atelier.errors import RecipeError, say
from tag_atelier.merge.layout import Architecture
from tag_atelier.merge.weights import read_number

_LONGEST_REGEX = 200
_MOST_REPEATS = 3


@dataclass(frozen=True)
class Element:
    """One override: the keys it is for and the weight it gives them."""

    weight: float
    blocks: tuple[str, ...] = ()
    """Blocks, groups or ranges; empty means every block but the VAE."""
    parts: tuple[str, ...] = ()
    """Pieces of the key, any of which must occur (``attn2.to_k``); empty means every key."""
    keys: str = ""
    """A glob that the whole key must fit, instead of ``blocks`` and ``parts``."""
    regex: str = ""
    """A regular expression that must be found in the key, instead of all these."""
    not_blocks: bool = False
    not_parts: bool = False
    model: str | None = None
    """Letter of the model whose weight this is; None is the first one that is mixed in (b)."""

    def fits(self, key: str, block: str | None, architecture: Architecture) -> bool:
        """Whether the override is for ``key`` of ``block``."""
        if self.keys:
            return fnmatchcase(key, self.keys)
        if self.regex:
            return re.search(self.regex, key) is not None
        chosen = {name for group in self.blocks or ("ALL",) for name in architecture.expand(group)}
        in_block = (block in chosen) != self.not_blocks
        has_part = (not self.parts or any(part in key for part in self.parts)) != self.not_parts
        return block is not None and in_block and has_part

    def as_value(self) -> dict[str, object]:
        """The plain mapping that ``read_element`` reads back."""
        value: dict[str, object] = {"weight": self.weight}
        if self.keys:
            value["keys"] = self.keys
        elif self.regex:
            value["regex"] = self.regex
        else:
            value["blocks"] = " ".join(("NOT", *self.blocks) if self.not_blocks else self.blocks)
            value["elements"] = " ".join(("NOT", *self.parts) if self.not_parts else self.parts)
        return {**value, "model": self.model} if self.model else value


def read_elements(value: object) -> tuple[Element, ...]:
    """Overrides from a list, or from SuperMerger's text (lines or commas); of several that fit a key the last wins.

    Raises:
        RecipeError: an entry is of another form.
    """
    if isinstance(value, str):
        value = [part.strip() for part in value.replace("\n", ",").split(",") if part.strip()]
    if not isinstance(value, Sequence):
        raise RecipeError("'elements' is {value!r}; expected a list such as ['OUT03-OUT06:attn2.to_k:0.2'].", value=value)
    return tuple(read_element(item) for item in value)


def read_element(value: object) -> Element:
    """One override from ``Blocks:Elements:Ratio``, or a mapping of ``weight`` and either of keys, regex, blocks and elements.

    >>> read_element("OUT03-OUT05 M00:NOT attn2:0.2").as_value()
    {'weight': 0.2, 'blocks': 'OUT03-OUT05 M00', 'elements': 'NOT attn2'}

    Raises:
        RecipeError: another form, an unknown field, or a weight that is no number.
    """
    if isinstance(value, str):
        pieces = value.split(":")
        if len(pieces) != 3:
            raise RecipeError(
                "The element '{value}' has {count} parts; expected three: Blocks:Elements:Ratio.",
                value=value,
                count=len(pieces),
            )
        value = dict(zip(("blocks", "elements", "weight"), pieces, strict=True))
    if not isinstance(value, Mapping) or "weight" not in value:
        raise RecipeError(
            "The element {value!r} has no weight; expected Blocks:Elements:Ratio, or a mapping with 'weight'.", value=value
        )
    unknown = sorted(set(map(str, value)) - {"weight", "blocks", "elements", "keys", "regex", "model"})
    if unknown:
        raise RecipeError(
            "An element has '{unknown}'; expected only weight, blocks, elements, keys, regex and model.", unknown=unknown[0]
        )
    if sum(("keys" in value, "regex" in value, "blocks" in value or "elements" in value)) > 1:
        raise RecipeError("An element has two of 'keys', 'regex' and 'blocks' with 'elements'; expected one way to choose.")
    not_blocks, blocks = _words(value.get("blocks", ""))
    not_parts, parts = _words(value.get("elements", ""))
    return Element(
        weight=read_number(value["weight"], say("An element's weight")),
        blocks=tuple(name.upper() for name in blocks),
        parts=parts,
        keys=str(value.get("keys", "")),
        regex=_read_regex(str(value.get("regex", ""))),
        not_blocks=not_blocks,
        not_parts=not_parts,
        model=str(value["model"]).lower() if value.get("model") else None,
    )


def _read_regex(text: str) -> str:
    """``text`` when it is a regular expression that is quick on every key. Raises RecipeError."""
    if len(text) > _LONGEST_REGEX or re.search(r"\)[*+{]", text) or len(re.findall(r"[*+{]", text)) > _MOST_REPEATS:
        raise RecipeError(
            "The regular expression '{text}' may take forever; expected at most {most} characters, {repeats} repeats, "
            "and none of a bracket.",
            text=text[:40],
            most=_LONGEST_REGEX,
            repeats=_MOST_REPEATS,
        )
    try:
        re.compile(text)
    except re.error as error:
        raise RecipeError(
            "'{text}' is no regular expression ({error}); expected one such as 'attn[12].to_[kq]'.", text=text, error=str(error)
        ) from error
    return text


def _words(value: object) -> tuple[bool, tuple[str, ...]]:
    words = value.split() if isinstance(value, str) else [str(item) for item in value] if isinstance(value, Sequence) else None
    if words is None:
        raise RecipeError("An element names {value!r}; expected words with spaces between them, or a list.", value=value)
    inverted = bool(words) and words[0].upper() == "NOT"
    return inverted, tuple(words[1:] if inverted else words)
