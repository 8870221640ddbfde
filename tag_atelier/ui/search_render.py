"""What a search will cost, as HTML. Used by ``search_tab``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tag_atelier.ui import render
from tag_atelier.ui.words import Words


def cost(found: Mapping[str, Any], words: Words) -> str:
    """What ``jobs.studies.Studies.plan`` found, as a table; whether the study lies there already."""
    per, differences = found["pictures_per_trial"], found["resolvable_difference"]
    seconds = found.get("seconds")
    rows = [
        (words("Models"), " + ".join(found["models"])),
        (words("Candidates"), f"{found['trials']:,}"),
        (words("Pictures at most"), f"{found['pictures']:,}"),
        (words("Pictures of a candidate"), " → ".join(map(str, per))),
        (words("Pictures of validation, each model"), f"{found['validation_pictures']:,}"),
        (words("Time, about"), _time(seconds, words)),
        (words("Searched weights"), " + ".join(map(str, found["dimensions"].values()))),
        (words("Groups"), "; ".join(", ".join(names) for names in found["groups"].values())),
        (words("Searched tags"), _counted(found["search_tags"])),
        (words("Validation tags"), _counted(found["validation_tags"])),
        (
            words("Smallest difference it can show"),
            words("lift {search}, on validation {validation}", **{name: f"{v:.2f}" for name, v in differences.items()}),
        ),
        (words("Previews"), " | ".join(found["preview_prompts"])),
    ]
    note = render.note(words("This search was begun before; Start takes it up where it stopped.")) if found["started"] else ""
    return note + render.facts(rows)


def _time(seconds: float | None, words: Words) -> str:
    if seconds is None:
        return words("not known yet: the first candidates will tell, and any finished benchmark does")
    return render.duration(seconds, words)


def _counted(tags: list[str]) -> str:
    names = [tag.replace("_", " ") for tag in tags]
    return f"{len(names)}: {', '.join(names)}"
