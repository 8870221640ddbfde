"""``arrange``, ``lint`` and ``slots``: text in (argument or standard input), text out. Needs no torch."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from tag_atelier.jobs.prompts import Prompts


def add_commands(commands: Any) -> None:
    """Add the three commands."""
    arrange = commands.add_parser("arrange", help="put a prompt into a model family's tag order")
    lint = commands.add_parser("lint", help="say what in a prompt will not do what it looks like")
    for command, run in ((arrange, _arrange), (lint, _lint)):
        command.add_argument("text", nargs="?", help="the prompt; standard input when left out")
        command.add_argument("--profile", default="aidxl", help="model family (default: aidxl)")
        command.add_argument("--negative", action="store_true", help="it is a negative prompt")
        command.add_argument("--json", action="store_true", help="print the whole answer as JSON")
        command.set_defaults(run=run)
    slots = commands.add_parser("slots", help="the slot of each tag: tag, slot id, confidence")
    slots.add_argument("tags", nargs="*", help="tags; standard input, one a line, when left out")
    slots.set_defaults(run=_slots)


def _request(given: argparse.Namespace) -> dict[str, object]:
    text = sys.stdin.read().rstrip("\n") if given.text is None else given.text
    return {"text": text, "profile": given.profile, "negative": given.negative}


def _arrange(given: argparse.Namespace) -> int:
    answer = Prompts().arrange(_request(given))
    if given.json:
        print(json.dumps(answer, ensure_ascii=False, indent=2))
        return 0
    print(answer["text"])
    reasons = answer["reasons"]
    for reason in reasons if isinstance(reasons, (list, tuple)) else ():
        print(reason, file=sys.stderr)
    return 0


def _lint(given: argparse.Namespace) -> int:
    answer = Prompts().lint(_request(given))
    findings = answer["findings"]
    if given.json:
        print(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        for finding in findings if isinstance(findings, list) else ():
            print("{start}-{end}\t{severity}\t{code}\t{message}".format(**finding))
    return 0


def _slots(given: argparse.Namespace) -> int:
    tags = given.tags or [line for line in sys.stdin.read().splitlines() if line.strip()]
    for answer in Prompts().slots(tags):
        print(f"{answer['tag']}\t{answer['slot']}\t{answer['confidence']:.2f}")
    return 0
