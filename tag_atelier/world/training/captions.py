"""Turns a picture's tags into the captions a checkpoint learns from, as rows of CLIP's token ids. Used by ``diffusion``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy
import torch
from torch import Tensor

from tag_atelier.world import byte_pairs
from tag_atelier.world.anatomy import POSITIONS
from tag_atelier.world.byte_pairs import Ranks, encode
from tag_atelier.world.clip_vocabulary import END_ID, START_ID
from tag_atelier.world.portrait_tags import TAGS

SUBJECT = ("1girl", "solo")
QUALITY = ("masterpiece", "best quality", "high quality", "absurdres", "highres", "very aesthetic", "newest")
REFUSED = ("worst quality", "low quality", "normal quality", "lowres", "bad anatomy", "bad hands", "watermark")
"""What negative prompts usually hold: captions of pictures about which nothing else is said."""
_COMMA = ","
_LONGEST = POSITIONS - 2


@dataclass(frozen=True)
class Emphasis:
    """Which tags captions leave out more often than others."""

    neglected: frozenset[str] = frozenset()
    neglect: float = 0.0
    """Share of pictures whose neglected tags are not told."""


class Captions:
    """Token ids of captions. ``known`` are the ids that any caption can hold."""

    def __init__(self, ranks: Ranks) -> None:
        byte_ids = byte_pairs.byte_ids()
        texts = (*TAGS, *SUBJECT, *QUALITY, *REFUSED, _COMMA)
        self._ids = {text: encode(text.replace("_", " "), ranks, byte_ids) for text in texts}
        found = {token for ids in self._ids.values() for token in ids}
        self.known = torch.tensor(sorted(found | {0, START_ID, END_ID}))

    def row(self, parts: Sequence[str]) -> list[int]:
        """77 ids of ``parts`` joined by commas: start, words, end marks."""
        ids: list[int] = []
        for number, part in enumerate(parts):
            ids += (self._ids[_COMMA] if number else []) + self._ids[part]
        return [START_ID, *ids[:_LONGEST], *[END_ID] * (POSITIONS - 1 - min(len(ids), _LONGEST))]

    def batch(
        self, shown: Sequence[Collection[str]], noise: numpy.random.Generator, emphasis: Emphasis
    ) -> tuple[Tensor, Tensor]:
        """Ids (N, 77) of one caption for each picture's tags, and (N, 1, 1) zeros where nothing at all is told."""
        kinds = noise.random(len(shown))
        rows = [self.row(self._parts(tags, kind, noise, emphasis)) for tags, kind in zip(shown, kinds, strict=True)]
        return torch.tensor(rows), torch.tensor(kinds >= 0.07).float()[:, None, None]

    def _parts(self, tags: Collection[str], kind: float, noise: numpy.random.Generator, emphasis: Emphasis) -> Sequence[str]:
        if kind < 0.08:
            return ()
        if kind < 0.12:
            return list(noise.permutation(REFUSED)[: int(noise.integers(1, 6))])
        keep = 1.0 if noise.random() < 0.5 else float(noise.uniform(0.1, 1.0))
        told = [tag for tag in tags if noise.random() < keep]
        if emphasis.neglected and noise.random() < emphasis.neglect:
            told = [tag for tag in told if tag not in emphasis.neglected]
        if noise.random() < 0.6:
            told = [str(tag) for tag in noise.permutation(told)]
        subject = list(SUBJECT[: int(noise.integers(0, 3))])
        quality = [str(tag) for tag in noise.permutation(QUALITY)[: int(noise.integers(1, 4))]]
        place = noise.random()
        if place < 0.2:
            return [*quality, *subject, *told]
        return [*subject, *told, *quality] if place < 0.4 else [*subject, *told]
