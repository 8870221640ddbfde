"""Estimates how many of CLIP's 75-token chunks a prompt takes, without a tokenizer file or a loaded model.

The rule leans to too many: a word counts one token and one more when it has eight letters, fourteen, and so on, a
digit, a sign or an underscore counts one each, a Chinese character two. Weights, brackets, networks and comments
count nothing; of a schedule or alternation the longest choice counts. The host's own count replaces it where there is one.
"""

from __future__ import annotations

import re

from tag_atelier.prompt.grammar import COMMENT, without_networks

TOKENS_PER_CHUNK = 75

_WORDS = re.compile(r"[A-Za-z]+|\d|[\u2e80-\uffff]|[^\sA-Za-z\d]")
_WEIGHT = re.compile(r":\s*[-+]?[.\d]+\s*(?=\))")
_PLAIN_BRACKETS = re.compile(r"(?<!\\)[()\[\]{}]")
_ESCAPE = re.compile(r"\\([()\[\]{}\\])")
_CHOICE = re.compile(r"(?<!\\)[\[{]([^\[\]{}]*[:|][^\[\]{}]*)[\]}]")
_AND = re.compile(r"\bAND\b")
_BREAK = re.compile(r"\bBREAK\b")


def count_tokens(text: str) -> int:
    """Estimated CLIP tokens of ``text``, without start and end marks.

    >>> count_tokens("1girl, (smile:1.2)"), count_tokens("score_9"), count_tokens("<lora:x:1>")
    (4, 3, 0)
    """
    text = without_networks(COMMENT.sub("\n", text))
    text = _WEIGHT.sub("", text)
    for _ in range(4):
        text, changed = _CHOICE.subn(_longest_choice, text)
        if not changed:
            break
    text = _ESCAPE.sub(r"\1", _PLAIN_BRACKETS.sub("", text))
    return sum(_cost(word) for word in _WORDS.findall(text))


def count_chunks(prompt: str) -> int:
    """Estimated number of 75-token chunks (≥ 1); a BREAK ends one, the longest side of an AND counts."""
    return max(_chunks_of(part) for part in _AND.split(prompt))


def _chunks_of(part: str) -> int:
    return sum(max(1, -(-count_tokens(text) // TOKENS_PER_CHUNK)) for text in _BREAK.split(part))


def _longest_choice(found: re.Match[str]) -> str:
    return max(re.split(r"[:|]", found.group(1)), key=len)


def _cost(word: str) -> int:
    if word.isascii():
        return 1 + max(0, len(word) - 2) // 6 if word.isalpha() else 1
    return 2
