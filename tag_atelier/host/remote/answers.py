"""Takes answers of a WebUI apart, trusting none of them. Used by ``catalogue`` and ``sampler``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tag_atelier.errors import HostError


def as_object(value: object, what: str) -> Mapping[str, object]:
    """``value`` as a JSON object.

    Raises:
        HostError: it is something else.
    """
    if not isinstance(value, Mapping):
        raise HostError(
            "The WebUI's {what} is a {type}; expected an object. Is its version 1.9 or newer?",
            what=what,
            type=type(value).__name__,
        )
    return value


def as_list(value: object, what: str) -> Sequence[object]:
    """``value`` as a JSON list.

    Raises:
        HostError: it is something else.
    """
    if not isinstance(value, list):
        raise HostError(
            "The WebUI's {what} is a {type}; expected a list. Is its version 1.9 or newer?",
            what=what,
            type=type(value).__name__,
        )
    return value


def text_of(values: Mapping[str, object], key: str) -> str:
    """The string under ``key``, "" where there is none."""
    value = values.get(key)
    return value if isinstance(value, str) else ""
