"""What the page's menus offer, read from the atelier. Used by the panel and the sub-tabs."""

from __future__ import annotations

from typing import Any

from tag_atelier.bench.spec import list_presets
from tag_atelier.errors import TagAtelierError
from tag_atelier.jobs.families import AUTOMATIC
from tag_atelier.prompt.compose import DEFAULT
from tag_atelier.settings import DEFAULTS
from tag_atelier.ui import render
from tag_atelier.ui.words import Words

FIRST_PLAN = "rare-8"
"""Chosen when the page opens: small enough to try."""
MINIATURE = "miniature"
"""The plan of the miniature world, and how its checkpoints' names begin."""
NOTHING = "none"
"""What a menu shows for nothing chosen. Plain words in all menus: gradio 3.41 shows a (label, value) pair wrongly at first."""


def default_profile(atelier: Any) -> str:
    """The family chosen in the settings; the first there is where the settings name none that exists."""
    profiles = atelier.prompts.profiles
    chosen = str({**DEFAULTS, **atelier.options()}["profile"])
    return chosen if chosen in profiles else next(iter(profiles), chosen)


def profile_choices(atelier: Any) -> list[str]:
    """Ids of all model families."""
    return list(atelier.prompts.profiles)


def panel_profile_choices(atelier: Any) -> list[str]:
    """The same after ``automatic``, which asks the checkpoint."""
    return [AUTOMATIC, *profile_choices(atelier)]


def quality_choices(atelier: Any, profile_id: str) -> list[str]:
    """A family's quality levels after ``none``, which adds nothing; that alone for an unknown family."""
    return _words_of(atelier, profile_id, "quality")


def negative_choices(atelier: Any, profile_id: str) -> list[str]:
    """A family's negative presets after ``none``, which adds nothing; that alone for an unknown family."""
    return _words_of(atelier, profile_id, "negative")


def _words_of(atelier: Any, profile_id: str, table: str) -> list[str]:
    """For ``automatic`` those of the checkpoint now chosen, after ``default``, which every family takes as its own first."""
    automatic = profile_id == AUTOMATIC
    try:
        profile = atelier.prompts.profiles.get(atelier.families.current().profile_id if automatic else profile_id)
    except TagAtelierError:
        profile = None
    return [NOTHING, *([DEFAULT] if automatic else []), *(getattr(profile, table) if profile else ())]


def plan_names(atelier: Any) -> list[str]:
    """Names of the shipped plans, that to open the page with first; the miniature's only where its checkpoints are."""
    miniature = any(str(name).startswith(MINIATURE) for name in checkpoint_names(atelier))
    names = [name for name in list_presets() if miniature or name != MINIATURE]
    first = MINIATURE if miniature else FIRST_PLAN
    return sorted(names, key=lambda name: name != first)


def first_note(atelier: Any, words: Words, note: str) -> str:
    """``note`` as a quiet sentence for the first visit; where there is no checkpoint, what to do about that."""
    if checkpoint_names(atelier):
        return render.note(note)
    return render.note(words("There is no checkpoint yet: put .safetensors files into your checkpoints' folder, then press ↻."))


def checkpoint_names(atelier: Any) -> list[str]:
    """Names of all checkpoints; none where the host cannot list them now, for a page is drawn all the same."""
    try:
        return [str(name) for name in atelier.names()["checkpoints"]]
    except TagAtelierError:
        return []
