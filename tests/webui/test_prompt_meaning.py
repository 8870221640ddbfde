"""Sorting judged by the WebUI's own parser, run in its own Python: not one prompt may mean something else afterwards."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tag_atelier.prompt.arrange import arrange
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.profile import load_profiles
from tests.prompt.prompt_maker import BROKEN, NAMES, NETWORKS, PLAIN, prompts
from tests.prompt.readings import bag
from tests.webui.checkout import Checkout

JUDGED = int(os.environ.get("TAG_ATELIER_PROMPTS", "10000"))
FIRST = 5_000_000
"""Number of the first prompt; none of these is among the recorded ones."""


def readings(checkout: Checkout, texts: list[tuple[str, bool]]) -> list[Any]:
    """What the checkout's own functions make of the texts."""
    script = Path(__file__).resolve().parent.parent / "prompt" / "webui_reader.py"
    given = "".join(json.dumps(pair) + "\n" for pair in texts)
    command = [str(checkout.own_python), str(script), str(checkout.root)]
    answered = subprocess.run(command, input=given, capture_output=True, encoding="utf-8", check=True)
    return [json.loads(line) for line in answered.stdout.splitlines()]


def test_sorting_changes_no_meaning(checkout: Checkout) -> None:
    catalogue, profiles = Catalogue.load(), list(load_profiles().values())
    tricky = [(f"hat, {piece}, 1girl, smile", negative) for piece in (*NAMES, *BROKEN, *NETWORKS) for negative in (False, True)]
    plain = [(f"hat, {piece}, 1girl", False) for piece in PLAIN]
    pairs: list[tuple[str, bool]] = []
    for number, (text, negative) in enumerate([*tricky, *plain, *prompts(FIRST, JUDGED)]):
        result = arrange(text, profiles[number % len(profiles)], catalogue, negative)
        if result.changed:
            pairs += [(text, negative), (result.text, negative)]
    found = readings(checkout, pairs)
    assert len(found) == len(pairs) > JUDGED
    changed = [pairs[index : index + 2] for index in range(0, len(pairs), 2) if bag(found[index]) != bag(found[index + 1])]
    assert changed == []
