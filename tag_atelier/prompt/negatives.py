"""Builds a negative prompt: a profile's words with the embeddings that fit its base. Called by ``jobs.prompt_desk``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.compose import compose
from tag_atelier.prompt.findings import Said, say
from tag_atelier.prompt.grammar import parse
from tag_atelier.prompt.lint import lint
from tag_atelier.prompt.profile import Profile
from tag_atelier.prompt.reading import tags_of

BASES = {"sd15": "SD1.5", "sdxl": "SDXL", "sd20": "SD2"}


class Embedding(NamedTuple):
    """One installed embedding."""

    name: str
    base: str = ""
    """A key of ``BASES``; empty where its file does not tell."""
    vectors: int = 0
    """Tokens that it takes; 0 where its file does not tell."""


def misfit(embedding: Embedding, profile: Profile, catalogue: Catalogue) -> Said | None:
    """Why the embedding does not fit the profile's base, as one sentence; None where it does."""
    base = embedding.base
    if not base:
        # A file that does not tell: lint knows the best-known names.
        known = lint(embedding.name, profile, catalogue, negative=True)
        base = "sd15" if any(finding.code == "embedding_base" for finding in known) else ""
    if not base or base == profile.base:
        return None
    text = "'{name}' was made for {base} and does not fit {family}; the WebUI would draw its name as words."
    return say(text, name=embedding.name, base=BASES.get(base, base), family=profile.name)


def build_negative(
    text: str, profile: Profile, preset: str, embeddings: Sequence[Embedding], catalogue: Catalogue
) -> tuple[str, list[str], list[tuple[str, Said]]]:
    """The negative prompt, the embeddings in it, and those left out with why. What ``text`` holds is not repeated.

    Raises:
        UnknownName: the profile has no such preset.
    """
    _, words = compose("", text, profile, negative_preset=preset or None)
    present = {tag.lower() for item in parse(words, negative=True).items for tag in tags_of(item.core)}
    used: list[str] = []
    left: list[tuple[str, Said]] = []
    for embedding in embeddings:
        why = misfit(embedding, profile, catalogue)
        if why is not None:
            left.append((embedding.name, why))
        elif embedding.name.lower() not in present:
            used.append(embedding.name)
    return ", ".join([*used, *([words] if words else [])]), used, left
