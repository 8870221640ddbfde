"""Reads single fields of a benchmark plan: types and ranges, each refusal one sentence. Used by ``bench.spec`` only."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from tag_atelier.errors import Said, SpecError, say
from tag_atelier.plain_values import Unreadable, read_yaml

MAXIMUM_SEED = 2**32 - 1
_SEED_RANGE = re.compile(r"\s*(\d{1,10})\s*(?:-|\.\.)\s*(\d{1,10})\s*")


def read_mapping(source: str, where: str) -> Mapping[str, object]:
    """The mapping that YAML (or JSON, which is YAML) text holds.

    Raises:
        SpecError: it cannot be parsed, or holds something else.
    """
    try:
        value = read_yaml(source)
    except Unreadable as error:
        if error.line:
            sentence = "{what} cannot be parsed near line {line}; expected YAML or JSON."
            raise SpecError(sentence, what=_in_front(where), line=error.line) from error
        raise SpecError("{what} cannot be parsed; expected YAML or JSON.", what=_in_front(where)) from error
    if not isinstance(value, Mapping):
        if value is None:
            raise SpecError("{what} is empty; expected a mapping with name, template and tags.", what=_in_front(where))
        sentence = "{what} is of type {kind}; expected a mapping with name, template and tags."
        raise SpecError(sentence, what=_in_front(where), kind=type(value).__name__)
    return value


def only_known(value: Mapping[str, object], known: Sequence[str], where: str) -> None:
    """Refuse keys nobody would read. Raises SpecError naming the first one and the known ones."""
    for key in value:
        if key not in known:
            raise SpecError(
                "Unknown key '{key}' in {where}; expected: {known}.", key=key, where=say(where), known=", ".join(known)
            )


def text(value: object, name: str, shortest: int, longest: int) -> str:
    """``value`` as text of ``shortest``…``longest`` characters."""
    if not isinstance(value, str):
        if isinstance(value, (bool, int, float)):
            raise SpecError("'{name}' is {value}; expected text (put it in quotes).", name=name, value=repr(value))
        raise SpecError("'{name}' is {value}; expected text.", name=name, value=repr(value))
    if not shortest <= len(value.strip()) or len(value) > longest:
        sentence = "'{name}' has {count} characters; expected {shortest} to {longest}."
        raise SpecError(sentence, name=name, count=len(value.strip()), shortest=shortest, longest=longest)
    return value


def texts(value: object, name: str) -> tuple[str, ...]:
    """``value`` as a list of non-empty texts; one text alone is a list of one."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, Sequence):
        raise SpecError("'{name}' is {value}; expected a list of texts.", name=name, value=repr(value))
    return tuple(text(item, f"{name}[{index}]", 1, 2000) for index, item in enumerate(value))


def integer(value: object, name: str, lowest: int, highest: int) -> int:
    """``value`` as a whole number in a range; ``28.0`` counts, ``true`` does not."""
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    found = int(value) if whole and not isinstance(value, bool) else None  # type: ignore[call-overload]
    if found is None or not lowest <= found <= highest:
        sentence = "'{name}' is {value}; expected a whole number from {lowest} to {highest}."
        shown = repr(value) if found is None else found
        raise SpecError(sentence, name=name, value=shown, lowest=lowest, highest=highest)
    return int(found)


def number(value: object, name: str, lowest: float, highest: float) -> float:
    """``value`` as a finite number in a range."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not lowest <= value <= highest:  # type: ignore[operator]
        sentence = "'{name}' is {value}; expected a number from {lowest} to {highest}."
        raise SpecError(sentence, name=name, value=repr(value), lowest=lowest, highest=highest)
    return float(value)  # type: ignore[arg-type]


def truth(value: object, name: str) -> bool:
    """``value`` as true or false."""
    if not isinstance(value, bool):
        raise SpecError("'{name}' is {value}; expected true or false.", name=name, value=repr(value))
    return value


def seeds_of(value: object) -> tuple[int, ...]:
    """Seeds from ``1``, ``[1, 2]`` or ``"1-4"``; distinct, 0 to 2³²−1.

    >>> seeds_of("1-4")
    (1, 2, 3, 4)
    """
    if isinstance(value, str):
        match = _SEED_RANGE.fullmatch(value)
        if match is None or int(match[2]) - int(match[1]) not in range(1000):
            sentence = "'seeds' is '{value}'; expected a number, a list of numbers, or a range such as 1-4."
            raise SpecError(sentence, value=value)
        value = list(range(int(match[1]), int(match[2]) + 1))
    listed = [value] if not isinstance(value, Sequence) else value
    seeds = tuple(integer(item, "seeds", 0, MAXIMUM_SEED) for item in listed)
    if not seeds or len(set(seeds)) < len(seeds):
        raise SpecError("'seeds' is {value}; expected at least one seed, each one once.", value=str(list(seeds)))
    return seeds


def _in_front(where: str) -> str:
    """As the first word of a sentence."""
    written = where[:1].upper() + where[1:]
    return say(written) if isinstance(where, Said) else written
