"""Reads single fields of a benchmark plan: types and ranges, each refusal one sentence. Used by ``bench.spec`` only."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from tag_atelier.errors import SpecError
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
        place = f" near line {error.line}" if error.line else ""
        raise SpecError(f"{where[:1].upper()}{where[1:]} cannot be parsed{place}; expected YAML or JSON.") from error
    if not isinstance(value, Mapping):
        found = "empty" if value is None else f"of type {type(value).__name__}"
        raise SpecError(f"{where[:1].upper()}{where[1:]} is {found}; expected a mapping with name, template and tags.")
    return value


def only_known(value: Mapping[str, object], known: Sequence[str], where: str) -> None:
    """Refuse keys nobody would read. Raises SpecError naming the first one and the known ones."""
    for key in value:
        if key not in known:
            raise SpecError(f"Unknown key '{key}' in {where}; expected: {', '.join(known)}.")


def text(value: object, name: str, shortest: int, longest: int) -> str:
    """``value`` as text of ``shortest``…``longest`` characters."""
    if not isinstance(value, str):
        raise SpecError(f"'{name}' is {value!r}; expected text{_quote_hint(value)}.")
    if not shortest <= len(value.strip()) or len(value) > longest:
        raise SpecError(f"'{name}' has {len(value.strip())} characters; expected {shortest} to {longest}.")
    return value


def texts(value: object, name: str) -> tuple[str, ...]:
    """``value`` as a list of non-empty texts; one text alone is a list of one."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, Sequence):
        raise SpecError(f"'{name}' is {value!r}; expected a list of texts.")
    return tuple(text(item, f"{name}[{index}]", 1, 2000) for index, item in enumerate(value))


def integer(value: object, name: str, lowest: int, highest: int) -> int:
    """``value`` as a whole number in a range; ``28.0`` counts, ``true`` does not."""
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole:
        raise SpecError(f"'{name}' is {value!r}; expected a whole number from {lowest} to {highest}.")
    found = int(value)  # type: ignore[call-overload]
    if not lowest <= found <= highest:
        raise SpecError(f"'{name}' is {found}; expected a whole number from {lowest} to {highest}.")
    return int(found)


def number(value: object, name: str, lowest: float, highest: float) -> float:
    """``value`` as a finite number in a range."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise SpecError(f"'{name}' is {value!r}; expected a number from {lowest} to {highest}.")
    if not lowest <= value <= highest:
        raise SpecError(f"'{name}' is {value}; expected a number from {lowest} to {highest}.")
    return float(value)


def truth(value: object, name: str) -> bool:
    """``value`` as true or false."""
    if not isinstance(value, bool):
        raise SpecError(f"'{name}' is {value!r}; expected true or false.")
    return value


def seeds_of(value: object) -> tuple[int, ...]:
    """Seeds from ``1``, ``[1, 2]`` or ``"1-4"``; distinct, 0 to 2³²−1.

    >>> seeds_of("1-4")
    (1, 2, 3, 4)
    """
    if isinstance(value, str):
        match = _SEED_RANGE.fullmatch(value)
        if match is None or int(match[2]) - int(match[1]) not in range(1000):
            raise SpecError(f"'seeds' is '{value}'; expected a number, a list of numbers, or a range such as 1-4.")
        value = list(range(int(match[1]), int(match[2]) + 1))
    listed = [value] if not isinstance(value, Sequence) else value
    seeds = tuple(integer(item, "seeds", 0, MAXIMUM_SEED) for item in listed)
    if not seeds or len(set(seeds)) < len(seeds):
        raise SpecError(f"'seeds' is {list(seeds)}; expected at least one seed, each one once.")
    return seeds


def _quote_hint(value: object) -> str:
    return " (put it in quotes)" if isinstance(value, (bool, int, float)) else ""
