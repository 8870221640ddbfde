"""How many tokens a prompt takes and where CLIP's 75-token chunks end, without a loaded model.

With CLIP's merge table at hand (``clip_words``) the numbers are the WebUI 1.10.1's own: emphasis, BREAK, comma backtracking,
schedules (the longest reading counts). Without it an estimate that leans to too many stands in, and says so.
Called by lint, page, API and hosts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tag_atelier.prompt.clip_words import ClipWords, Token, clip_words
from tag_atelier.prompt.grammar import COMMENT, without_networks
from tag_atelier.prompt.unfold import Traced, joined, readings

TOKENS_PER_CHUNK = 75
COMMA_BACKTRACK = 20
"""The WebUI's default for "Prompt word wrap length limit": words behind a comma this near move into the next chunk."""
LONGEST_EXACT = 20_000
"""Longer prompts are estimated, so that counting never holds anybody up."""

_ATTENTION = re.compile(r"\\[()\[\]\\]|\\|[()\[\]]|:\s*[+-]?[.\d]+\s*\)|[^\\()\[\]:]+|:")
_BREAK = re.compile(r"(?:(?<!\s)\s+)?\bBREAK\b\s*")
_WORDS = re.compile(r"[A-Za-z]+|\d|[\u2e80-\uffff]|[^\sA-Za-z\d]")
_WEIGHT = re.compile(r":\s*[-+]?[.\d]+\s*(?=\))")
_PLAIN_BRACKETS = re.compile(r"(?<!\\)[()\[\]{}]")
_ESCAPE = re.compile(r"\\([()\[\]{}\\])")
_CHOICE = re.compile(r"(?<!\\)[\[{]([^\[\]{}]*[:|][^\[\]{}]*)[\]}]")
_AND = re.compile(r"\bAND\b")


@dataclass(frozen=True)
class TokenCount:
    """What the WebUI's counter shows, and where the chunks begin."""

    tokens: int
    limit: int
    """Tokens that fit before one more chunk is needed: 75, 150, …"""
    borders: tuple[int, ...] = ()
    """Places in the prompt where the second and each later chunk begins; empty in an estimate."""
    exact: bool = True

    @property
    def chunks(self) -> int:
        """Number of chunks, at least one."""
        return self.limit // TOKENS_PER_CHUNK

    def as_dict(self) -> dict[str, object]:
        """``{"tokens", "limit", "chunks", "borders", "exact"}``."""
        return {
            "tokens": self.tokens,
            "limit": self.limit,
            "chunks": self.chunks,
            "borders": list(self.borders),
            "exact": self.exact,
        }


def measure(prompt: str, negative: bool = False, steps: int = 20, embeddings: Mapping[str, int] | None = None) -> TokenCount:
    """Tokens and chunk borders of ``prompt``; ``embeddings`` gives the vectors of each installed embedding by name."""
    words = clip_words()
    if words is None or len(prompt) > LONGEST_EXACT:
        chunks = _estimated_chunks(prompt)
        return TokenCount(_estimate(prompt), chunks * TOKENS_PER_CHUNK, exact=False)
    return measure_with(words, prompt, negative, steps, embeddings)


def measure_with(
    words: ClipWords,
    prompt: str,
    negative: bool = False,
    steps: int = 20,
    embeddings: Mapping[str, int] | None = None,
) -> TokenCount:
    """The same with a given table; the longest of all readings, as the WebUI's counter shows it."""
    known = [(tuple(token.text for token in words.tokens(name)), size) for name, size in (embeddings or {}).items()]
    known.sort(key=lambda entry: -len(entry[0]))
    counted = [_count(words, text, known) for text in readings(prompt, negative, steps)]
    best = max(counted, key=lambda chunks: chunks.total)
    limit = -(-max(best.total, 1) // TOKENS_PER_CHUNK) * TOKENS_PER_CHUNK
    return TokenCount(best.total, limit, tuple(best.borders))


def count_tokens(text: str) -> int:
    """CLIP tokens of ``text``, without start and end marks; estimated where there is no merge table.

    >>> count_tokens(""), count_tokens("smile"), count_tokens("<lora:x:1>")
    (0, 1, 0)
    """
    return measure(text).tokens


def count_chunks(prompt: str) -> int:
    """Number of 75-token chunks (≥ 1); a BREAK ends one, the longest side of an AND counts."""
    return measure(prompt).chunks


@dataclass
class _Chunks:
    """Fills chunks token by token, as the WebUI does (sd_hijack_clip.py, tokenize_line)."""

    total: int = 0
    borders: list[int] = field(default_factory=list)
    current: list[int] = field(default_factory=list)
    """Places of the tokens in the chunk being filled."""
    last_comma: int = -1

    def add(self, token: Token, place: int) -> None:
        used = len(self.current)
        if token.text == ",</w>":
            self.last_comma = used
        elif used == TOKENS_PER_CHUNK and self.last_comma != -1 and used - self.last_comma <= COMMA_BACKTRACK:
            moved = self.current[self.last_comma + 1 :]
            self.close(moved[0] if moved else place)
            self.current = moved
        self.room(1, place)
        self.current.append(place)

    def room(self, size: int, place: int) -> None:
        """Begin another chunk where ``size`` more tokens do not fit."""
        if len(self.current) + size > TOKENS_PER_CHUNK:
            self.close(place)

    def close(self, place: int) -> None:
        """End the chunk; the next one begins at ``place``."""
        self.total += TOKENS_PER_CHUNK
        self.borders.append(place)
        self.current, self.last_comma = [], -1

    def finish(self) -> _Chunks:
        """An empty last chunk does not count."""
        self.total += len(self.current)
        return self


def _count(words: ClipWords, text: Traced, embeddings: Sequence[tuple[tuple[str, ...], int]]) -> _Chunks:
    chunks = _Chunks()
    for run in _runs(text):
        if run is None:
            chunks.close(-1)
            continue
        tokens = words.tokens(run.text)
        at = 0
        while at < len(tokens):
            place = run.places[tokens[at].start]
            _settle(chunks, place)
            names = [token.text for token in tokens[at : at + 32]]
            size = next(((len(name), size) for name, size in embeddings if name and tuple(names[: len(name)]) == name), None)
            if size is None:
                chunks.add(tokens[at], place)
                at += 1
            else:
                chunks.room(size[1], place)
                chunks.current += [place] * size[1]
                at += size[0]
    chunks.borders = [border for border in chunks.borders if border >= 0]
    return chunks.finish()


def _settle(chunks: _Chunks, place: int) -> None:
    """The chunk behind a BREAK begins at the first token that follows."""
    chunks.borders = [place if border < 0 else border for border in chunks.borders]


def _runs(text: Traced) -> list[Traced | None]:
    """Runs of one weight, in order; None is a BREAK that ends a chunk."""
    pieces: list[tuple[Traced | None, list[float]]] = []
    opened: list[tuple[str, int]] = []
    for found in _ATTENTION.finditer(text.text):
        sign, part = found.group(), text.cut(*found.span())
        if sign in ("(", "["):
            opened.append((sign, len(pieces)))
        elif sign[-1] == ")" and sign[0] != "\\" and (start := _opening(opened, "(")) is not None:
            _weigh(pieces, start, 1.1 if sign == ")" else _number(sign))
        elif sign == "]" and (start := _opening(opened, "[")) is not None:
            _weigh(pieces, start, 1 / 1.1)
        elif sign[0] == "\\":
            pieces.append((part.cut(1, len(sign)), [1.0]))
        else:
            pieces += _at_breaks(part)
    for sign, start in opened:
        _weigh(pieces, start, 1.1 if sign == "(" else 1 / 1.1)
    return _merged(pieces)


def _opening(opened: list[tuple[str, int]], sign: str) -> int | None:
    """Take the last open bracket of this kind off; the WebUI keeps the two kinds apart."""
    for index in range(len(opened) - 1, -1, -1):
        if opened[index][0] == sign:
            return opened.pop(index)[1]
    return None


def _number(sign: str) -> float:
    try:
        return float(sign[1:-1])
    except ValueError:
        return 1.0


def _weigh(pieces: list[tuple[Traced | None, list[float]]], start: int, factor: float) -> None:
    for _, weight in pieces[start:]:
        weight[0] *= factor


def _at_breaks(part: Traced) -> list[tuple[Traced | None, list[float]]]:
    pieces: list[tuple[Traced | None, list[float]]] = []
    done = 0
    for found in _BREAK.finditer(part.text):
        pieces += [(part.cut(done, found.start()), [1.0]), (None, [-1.0])]
        done = found.end()
    return [*pieces, (part.cut(done, len(part.text)), [1.0])]


def _merged(pieces: list[tuple[Traced | None, list[float]]]) -> list[Traced | None]:
    """Neighbours of one weight are one text; a BREAK with a weight of its own is drawn as the word."""
    runs: list[Traced | None] = []
    waiting: list[Traced] = []
    before: float | None = None
    for part, (weight,) in pieces:
        if weight != before:
            runs += [joined(waiting)] if waiting else []
            waiting, before = [], weight
        if part is None and weight == -1.0:
            runs.append(None)
        else:
            waiting.append(Traced("BREAK", [0] * 5) if part is None else part)
    return [*runs, joined(waiting)] if waiting else runs


def _estimate(text: str) -> int:
    text = without_networks(COMMENT.sub("\n", text))
    text = _WEIGHT.sub("", text)
    for _ in range(4):
        text, changed = _CHOICE.subn(_longest_choice, text)
        if not changed:
            break
    text = _ESCAPE.sub(r"\1", _PLAIN_BRACKETS.sub("", text))
    return sum(_cost(word) for word in _WORDS.findall(text))


def _estimated_chunks(prompt: str) -> int:
    return max(
        sum(max(1, -(-_estimate(text) // TOKENS_PER_CHUNK)) for text in _BREAK.split(part)) for part in _AND.split(prompt)
    )


def _longest_choice(found: re.Match[str]) -> str:
    return max(re.split(r"[:|]", found.group(1)), key=len)


def _cost(word: str) -> int:
    if word.isascii():
        return 1 + max(0, len(word) - 2) // 6 if word.isalpha() else 1
    return 2
