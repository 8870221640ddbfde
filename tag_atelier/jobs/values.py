"""Reads what the doors are given: an object, a JSON string or a request's body, checked against a closed list of keys."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Mapping
from typing import Any

from tag_atelier.errors import RequestError, say

LARGEST_BODY = 1_000_000
"""Bytes of a request's body; more is answered with 413 before it is parsed."""


class TooLarge(RequestError):
    """A request's body of more than ``LARGEST_BODY`` bytes."""

    status = 413


def read_object(value: object, what: str) -> dict[str, object]:
    """``value`` as a mapping; a string is read as JSON.

    Raises:
        RequestError: it is neither an object nor a JSON string that holds one.
    """
    if isinstance(value, (str, bytes)):
        try:
            value = json.loads(value)
            # Python reads NaN and halves of surrogate pairs, which no answer, file or file name can hold.
            json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
        except (ValueError, RecursionError) as error:
            sentence = "{what} is not valid JSON ({reason}); expected an object such as {{}}."
            raise RequestError(sentence, what=say(what), reason=str(error)) from error
    if not isinstance(value, Mapping):
        sentence = "{what} is {kind}; expected an object or a JSON string that holds one."
        raise RequestError(sentence, what=say(what), kind=_kind(value))
    return {str(key): item for key, item in value.items()}


_DRAINED = 2
"""A body that is too large is read on for so many seconds, to so many times what it may have: a sender that is cut off
while sending never sees the answer."""


async def read_body(request: Any, largest: int = LARGEST_BODY) -> dict[str, object]:
    """The JSON object in the body of a starlette request; an empty body is an empty object.

    Raises:
        TooLarge: it has more than ``largest`` bytes.
        RequestError: it is no JSON object in UTF-8.
    """
    import asyncio

    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > largest:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(_drop(request, _DRAINED * largest), _DRAINED)
        raise TooLarge("The request body has {size} bytes; expected at most {most}.", size=announced, most=largest)
    received = bytearray()
    async for part in request.stream():
        received += part
        if len(received) > largest:
            raise TooLarge("The request body has more than {most} bytes; expected at most that.", most=largest)
    return read_object(bytes(received), "The request body") if received.strip() else {}


async def _drop(request: Any, most: int) -> None:
    """Read up to ``most`` bytes for nothing."""
    seen = 0
    async for part in request.stream():
        seen += len(part)
        if seen > most:
            return


def refuse_unknown(given: Collection[str], known: Collection[str], what: str) -> None:
    """Refuse keys that nobody reads, so that a typing error is never silently ignored.

    Raises:
        RequestError: naming the unknown keys and the known ones.
    """
    unknown = sorted(set(given) - set(known))
    if unknown:
        sentence = "{what} has unknown key(s) {unknown}; expected some of: {known}."
        raise RequestError(sentence, what=say(what), unknown=", ".join(unknown), known=", ".join(known))


def read_text(values: Mapping[str, object], key: str, default: str | None = None) -> str:
    """The string under ``key``.

    Raises:
        RequestError: it is missing without a default, or not a string.
    """
    value = values.get(key, default)
    if not isinstance(value, str):
        if value is None:
            raise RequestError("'{key}' is missing; expected a string.", key=key)
        raise RequestError("'{key}' is {kind}; expected a string.", key=key, kind=_kind(value))
    return value


def read_flag(values: Mapping[str, object], key: str, default: bool) -> bool:
    """The boolean under ``key``.

    Raises:
        RequestError: it is something else.
    """
    value = values.get(key, default)
    if not isinstance(value, bool):
        raise RequestError("'{key}' is {kind}; expected true or false.", key=key, kind=_kind(value))
    return value


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return "null" if value is None else say(names.get(type(value), f"a {type(value).__name__}"))
