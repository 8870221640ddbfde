"""Reads a user's YAML, and guards what it makes of a small text: aliases that multiply, or that hold themselves.

Used wherever YAML is read that we did not write ourselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST_PARTS = 200_000
"""Parts of a value with every alias written out; the largest honest plan has some thousands."""


class Unreadable(ValueError):
    """Text that is no YAML, or means more than it may; says why in one line."""

    def __init__(self, reason: str, line: int | None) -> None:
        """``line`` is where, from 1; None where that cannot be said."""
        super().__init__(reason)
        self.line = line


def read_yaml(text: str, loader: Any = None) -> Any:
    """What ``text`` holds as YAML (or JSON, which is YAML); None where it is empty. ``loader``: yaml's safe one by default.

    Raises:
        Unreadable: it cannot be parsed, is nested too deeply, or its aliases multiply.
    """
    import yaml

    try:
        value = yaml.load(text, Loader=loader or yaml.SafeLoader)
        refuse_multiplied(value)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise Unreadable(" ".join(str(error).split()), mark.line + 1 if mark is not None else None) from error
    return value


def refuse_multiplied(value: object) -> None:
    """Let a value pass that stays small when it is printed or copied.

    >>> shared = ["x"] * 10
    >>> refuse_multiplied({"a": shared, "b": shared})
    >>> for _ in range(9):
    ...     shared = [shared] * 10
    >>> refuse_multiplied(shared)
    Traceback (most recent call last):
    ValueError: its aliases multiply to more than 200000 parts

    Raises:
        ValueError: it does not, or it holds itself.
    """
    if _parts(value, {}, set()) > MOST_PARTS:
        raise ValueError(f"its aliases multiply to more than {MOST_PARTS} parts")


def _parts(value: object, known: dict[int, int], open_: set[int]) -> int:
    """How many parts ``value`` has, shared ones counted each time."""
    if not isinstance(value, (list, tuple, Mapping)):
        return 1
    if id(value) in open_:
        raise ValueError("an alias in it holds itself")
    if id(value) not in known:
        open_.add(id(value))
        inner = [*value.keys(), *value.values()] if isinstance(value, Mapping) else value
        known[id(value)] = 1 + sum(_parts(part, known, open_) for part in inner)
        open_.discard(id(value))
    return known[id(value)]
