"""``arrange``, ``lint``, ``lanes``, ``slots`` and ``search``: text in (argument or standard input), text out. Needs no torch.

With ``--json`` and no text, ``arrange`` and ``lint`` read JSON lines ``{"prompt": …, "negative": false}`` and answer each
with one line.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

from tag_atelier.cli.progress import data_folder
from tag_atelier.errors import RequestError, TagAtelierError, say
from tag_atelier.jobs.prompt_memory import PromptMemory
from tag_atelier.jobs.prompts import Prompts
from tag_atelier.language import sentence, system_language

_LONE = re.compile("[\ud800-\udfff]")
"""Halves of surrogate pairs, which no encoding can write."""


def add_commands(commands: Any) -> None:
    """Add the five commands."""
    arrange = commands.add_parser("arrange", help="put a prompt into a model family's tag order")
    lint = commands.add_parser("lint", help="say what in a prompt will not do what it looks like")
    distribute_help = "take groups such as (a, b:1.2) apart, so that each tag finds its own place"
    lanes = commands.add_parser("lanes", help="show a prompt slot by slot in a model family's order")
    for command, run in ((arrange, _arrange), (lint, _lint), (lanes, _lanes)):
        command.add_argument("text", nargs="?", help="the prompt; standard input when left out")
        command.add_argument("--profile", default="aidxl", help="model family (default: aidxl)")
        command.add_argument("--negative", action="store_true", help="it is a negative prompt")
        command.add_argument("--json", action="store_true", help="answer JSON; without a text, one line per JSON line")
        command.set_defaults(run=run)
    arrange.add_argument("--distribute", action="store_true", help=distribute_help)
    slots = commands.add_parser("slots", help="the slot of each tag: tag, slot id, confidence")
    slots.add_argument("tags", nargs="*", help="tags; standard input, one a line, when left out")
    slots.set_defaults(run=_slots)
    search = commands.add_parser("search", help="find tags by their beginning, in English, Chinese or pinyin")
    search.add_argument("query", help="the beginning of a tag or of a word in it")
    search.add_argument("--limit", metavar="N", type=int, default=20, help="most answers (default: 20)")
    search.add_argument("--json", action="store_true", help="answer JSON")
    search.set_defaults(run=_search)


def _request(given: argparse.Namespace) -> dict[str, object]:
    text = _standard_input().rstrip("\n") if given.text is None else given.text
    return {"text": text, "profile": given.profile, "negative": given.negative}


def _standard_input() -> str:
    if sys.stdin is None:
        raise RequestError("There is no text and standard input is closed; give the text as an argument.")
    return sys.stdin.read()


def _prompts() -> Prompts:
    return Prompts(data_folder() / "profiles", PromptMemory(data_folder()))


def _arrange(given: argparse.Namespace) -> int:
    extra = {"distribute": True} if given.distribute else {}
    if given.json and given.text is None:
        return _answer_lines(given, _prompts().arrange, extra)
    answer = _prompts().arrange({**_request(given), **extra})
    if given.json:
        print(_line(answer))
        return 0
    print(answer["text"])
    if answer["reason"]:
        print(sentence(str(answer["reason"]), system_language()), file=sys.stderr)
    return 0


def _lint(given: argparse.Namespace) -> int:
    if given.json and given.text is None:
        return _answer_lines(given, _prompts().lint, {})
    spoken = {} if given.json else {"language": system_language()}
    answer = _prompts().lint({**_request(given), **spoken})
    findings = answer["findings"]
    if given.json:
        print(_line(answer))
    else:
        for finding in findings if isinstance(findings, list) else ():
            print("{start}-{end}\t{severity}\t{code}\t{message}".format(**finding))
    return 0


def _answer_lines(given: argparse.Namespace, answer: Callable[[object], dict[str, object]], extra: Mapping[str, object]) -> int:
    """One answer per line of standard input; ``{"error": …}`` for a line that is none, and 1 in the end."""
    failed = 0
    for line in _standard_input().split("\n"):
        if not line.strip():
            continue
        try:
            print(_line(answer({**_line_request(line, given), **extra})))
        except TagAtelierError as error:
            failed = 1
            print(_line({"error": str(error)}))
    return failed


def _line_request(line: str, given: argparse.Namespace) -> dict[str, object]:
    expected = say('expected an object such as {"prompt": "1girl", "negative": false}')
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RequestError(
            "The line '{line}' is not valid JSON ({error}); {expected}.", line=line[:60], error=str(error), expected=expected
        ) from error
    if not isinstance(values, dict) or not isinstance(values.get("prompt"), str):
        raise RequestError("The line '{line}' has no prompt; {expected}.", line=line[:60], expected=expected)
    text = values.pop("prompt")
    return {"text": text, "profile": given.profile, "negative": given.negative, **values}


def _line(answer: dict[str, object]) -> str:
    """One line of JSON, readable where all its characters can be written in UTF-8."""
    text = json.dumps(answer, ensure_ascii=False)
    return json.dumps(answer) if _LONE.search(text) else text


def _slots(given: argparse.Namespace) -> int:
    tags = given.tags or [line for line in _standard_input().splitlines() if line.strip()]
    for answer in _prompts().slots(tags):
        print(f"{answer['tag']}\t{answer['slot']}\t{answer['confidence']:.2f}")
    return 0


def _lanes(given: argparse.Namespace) -> int:
    """One line per slot that is not empty: its id, then its items; borders are not shown."""
    from tag_atelier.jobs.prompt_page import PromptPage

    answer: Any = PromptPage(_prompts()).lanes(_request(given))
    if given.json:
        print(_line(answer))
        return 0
    for slot in answer["slots"]:
        items = [item["text"] for item in answer["items"] if item["slot"] == slot["id"]]
        if items:
            print(f"{slot['id']}\t{', '.join(items)}")
    return 0


def _search(given: argparse.Namespace) -> int:
    """One line per answer: what to write, slot, posts, Chinese name."""
    from tag_atelier.jobs.prompt_search import PromptSearch

    answer: Any = PromptSearch(_prompts()).find(given.query, given.limit)
    if given.json:
        print(_line(answer))
        return 0
    for entry in answer["entries"]:
        print(f"{entry['insert']}\t{entry['slot']}\t{entry['posts']}\t{entry['zh']}")
    return 0
