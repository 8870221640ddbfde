"""Lets the fuzzer name what is there in half of its requests; loaded by schemathesis, in a Python without this package.

What is sent stays random: a name that is there gets a request past the first look-up, to where it can break something.
"""

from __future__ import annotations

import json
import os
import random
from typing import Any

import schemathesis

KNOWN: dict[str, list[str]] = json.loads(os.environ.get("TAG_ATELIER_FUZZ_NAMES", "{}"))
"""Key → values that the server knows; written by ``run.py``."""
CHANCE = random.Random(0)


def told(value: Any) -> Any:
    """``value`` with texts under known keys replaced now and then, however deep they lie."""
    if isinstance(value, dict):
        return {key: pick(key, item) for key, item in value.items()}
    return [told(item) for item in value] if isinstance(value, list) else value


def pick(key: Any, value: Any) -> Any:
    """One value, perhaps a known one."""
    known = KNOWN.get(key) if isinstance(key, str) else None
    if known and CHANCE.random() < 0.5:
        return [CHANCE.choice(known) for _ in value] if isinstance(value, list) else CHANCE.choice(known)
    return told(value)


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: Any) -> Any:
    return told(path_parameters)


@schemathesis.hook
def map_query(context: Any, query: Any) -> Any:
    return told(query)


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    return told(body)
