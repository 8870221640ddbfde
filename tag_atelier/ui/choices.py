"""What the page's menus offer, read from the atelier. Used by the panel and the sub-tabs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tag_atelier.errors import TagAtelierError
from tag_atelier.settings import DEFAULTS
from tag_atelier.ui.words import Words

Choices = list[tuple[str, str]]
"""Label and value of every entry of a menu."""


def default_profile(atelier: Any) -> str:
    """The family chosen in the settings; the first there is where the settings name none that exists."""
    profiles = atelier.prompts.profiles
    chosen = str({**DEFAULTS, **atelier.options()}["profile"])
    return chosen if chosen in profiles else next(iter(profiles), chosen)


def profile_choices(atelier: Any) -> Choices:
    """All model families: name shown, id kept."""
    return [(str(profile.name), profile_id) for profile_id, profile in atelier.prompts.profiles.items()]


def quality_choices(atelier: Any, profile_id: str, words: Words) -> Choices:
    """A family's quality levels behind an entry that adds nothing; that entry alone for an unknown family."""
    profile = atelier.prompts.profiles.get(profile_id)
    return _preset_choices(profile.quality if profile else {}, words)


def negative_choices(atelier: Any, profile_id: str, words: Words) -> Choices:
    """A family's negative presets behind an entry that adds nothing; that entry alone for an unknown family."""
    profile = atelier.prompts.profiles.get(profile_id)
    return _preset_choices(profile.negative if profile else {}, words)


def _preset_choices(presets: Mapping[str, str], words: Words) -> Choices:
    return [(words.label("None"), ""), *((name, name) for name in presets)]


def checkpoint_names(atelier: Any) -> list[str]:
    """Names of all checkpoints; none where the host cannot list them now, for a page is drawn all the same."""
    try:
        return [str(name) for name in atelier.names()["checkpoints"]]
    except TagAtelierError:
        return []
