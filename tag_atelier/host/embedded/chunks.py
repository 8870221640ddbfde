"""Cuts a prompt into chunks of 75 weighted tokens as WebUI 1.10.1 does. Used by ``conditioning`` and for counting."""

from __future__ import annotations

from dataclasses import dataclass, field

from transformers import CLIPTokenizer

from tag_atelier.host.embedded.attention import weighted_runs
from tag_atelier.world.clip_vocabulary import END_ID, START_ID

LENGTH = 75
"""Tokens of a chunk without its two marks."""
BACKTRACK = 20
"""A tag is moved whole into the next chunk when its comma stands at most this many tokens before the border."""


@dataclass
class Chunk:
    """Token ids and weights; ``sealed`` adds the marks and fills up to 77."""

    ids: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    last_comma: int | None = None
    """Index of the last comma, None before the first."""

    def sealed(self) -> Chunk:
        """This chunk between its two marks, filled with end marks of weight 1: 77 ids."""
        fill = LENGTH - len(self.ids)
        return Chunk([START_ID, *self.ids, *[END_ID] * (fill + 1)], [1.0, *self.weights, *[1.0] * (fill + 1)])


def split(text: str, tokenizer: CLIPTokenizer) -> list[Chunk]:
    """Sealed chunks of ``text``, at least one. Source: modules/sd_hijack_clip.py:91-165 of WebUI 1.10.1.

    Raises:
        PromptError: a weight that is no number.
    """
    comma = tokenizer.get_vocab().get(",</w>")
    chunks = [Chunk()]
    for run in weighted_runs(text):
        if run is None:
            chunks.append(Chunk())
            continue
        words, weight = run
        for token in tokenizer(words, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]:
            if token != comma and _is_full(chunks[-1]):
                _carry_last_tag(chunks)
            if _is_full(chunks[-1]):
                chunks.append(Chunk())
            if token == comma:
                chunks[-1].last_comma = len(chunks[-1].ids)
            chunks[-1].ids.append(token)
            chunks[-1].weights.append(weight)
    if len(chunks) > 1 and not chunks[-1].ids:
        chunks.pop()
    return [chunk.sealed() for chunk in chunks]


def _is_full(chunk: Chunk) -> bool:
    return len(chunk.ids) == LENGTH


def _carry_last_tag(chunks: list[Chunk]) -> None:
    """Begin a new chunk with what stands behind the last comma, where that is near enough."""
    full = chunks[-1]
    if full.last_comma is None or LENGTH - full.last_comma > BACKTRACK:
        return
    cut = full.last_comma + 1
    chunks.append(Chunk(full.ids[cut:], full.weights[cut:]))
    del full.ids[cut:], full.weights[cut:]
