"""Reads prompts with a WebUI checkout's own functions: run by the checkout's Python, which has what they import.

``python webui_reader.py CHECKOUT`` takes JSON lines ``[text, negative]`` and answers each with one JSON line: ``null`` where
the WebUI raises, else ``[networks, [[weight, [[last step, [[text, weight], …]], …]], …]]`` for 20 steps.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

STEPS = 20


def read(modules: tuple[Any, Any], strip: Any, text: str, negative: bool) -> list[Any] | None:
    """What the WebUI makes of one prompt."""
    parser, networks = modules
    text, found = strip(text), {}
    if not negative:
        text, found = networks.parse_prompt(text)
    try:
        if negative:
            texts, weights = [text], [1.0]
        else:
            (indexes,), texts, _ = parser.get_multicond_prompt_list([text])
            texts, weights = [texts[index] for index, _ in indexes], [weight for _, weight in indexes]
        parts = []
        for part, weight in zip(texts, weights, strict=True):
            (schedule,) = parser.get_learned_conditioning_prompt_schedules([part], STEPS)
            parts.append([weight, [[end, parser.parse_prompt_attention(now)] for end, now in schedule]])
    except ValueError:
        return None
    return [[[kind, [given.items for given in rows]] for kind, rows in found.items()], parts]


def strip_comments(checkout: Path) -> Any:
    """The WebUI's function of this name, taken out of a module that would import the whole program."""
    source = (checkout / "modules" / "processing_scripts" / "comments.py").read_text(encoding="utf-8")
    (function,) = (node for node in ast.parse(source).body if getattr(node, "name", "") == "strip_comments")
    # Forge's asks whether comments are switched on, which they are unless someone turned them off
    space: dict[str, Any] = {"re": re, "shared": SimpleNamespace(opts=SimpleNamespace(enable_prompt_comments=True))}
    exec(compile(ast.Module([function], []), "comments.py", "exec"), space)
    return space["strip_comments"]


def main() -> None:
    """Standard input to standard output."""
    checkout = Path(sys.argv[1])
    sys.path.insert(0, str(checkout))
    modules = importlib.import_module("modules.prompt_parser"), importlib.import_module("modules.extra_networks")
    strip = strip_comments(checkout)
    sys.stdin.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    for line in sys.stdin:
        sys.stdout.write(json.dumps(read(modules, strip, *json.loads(line)), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
