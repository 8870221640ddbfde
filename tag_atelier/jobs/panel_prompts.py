"""What the panel does to the prompts of one drawing job, and what there is to say about it afterwards.

Called by ``host/webui/panel_script.py`` with every image's prompts; the page's panel shows the last report. Never raises
about a prompt or a family: on any doubt the prompt goes through as it is, with the reason. What reads prompts is loaded
with the first job: this module is there from the WebUI's start.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tag_atelier.errors import TagAtelierError
from tag_atelier.jobs.families import AUTOMATIC, Families, Family
from tag_atelier.jobs.kept_files import Form, NewerFile
from tag_atelier.jobs.panel import INFOTEXT, PanelRequest
from tag_atelier.jobs.prompt_memory import write_beside
from tag_atelier.jobs.prompts import Prompts
from tag_atelier.language import sentence
from tag_atelier.ports import Checkpoint
from tag_atelier.prompt.findings import Said, say
from tag_atelier.prompt.profile import Profile
from tag_atelier.settings import Options

NOTE_INFOTEXT = "Tag Atelier note"
"""Key under which a picture's infotext tells what was not done to its prompt, and why."""

UNTOUCHED = "Untouched: {reason}"
NO_QUALITY = "Nothing added: {family} has no quality level '{name}', only {known}."
NO_NEGATIVE = "Nothing added: {family} has no negative preset '{name}', only {known}."
NOTES = (UNTOUCHED, NO_QUALITY, NO_NEGATIVE)
"""What a note may say beside the sentences of ``arrange.REASONS``."""

Pair = tuple[str, str]
"""Positive and negative prompt of one image."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What the panel made of one job's prompts."""

    family: Family | None = None
    """None where the family that was asked for is not there; nothing was changed then."""
    written: Mapping[Pair, Pair] = field(default_factory=dict)
    infotext: Mapping[str, str] = field(default_factory=dict)
    """Entries that are the same in every picture of the job."""
    notes: Mapping[str, tuple[Said, ...]] = field(default_factory=dict)
    """Written positive prompt → what was not done to it, and why."""
    moved: int = 0
    """Tags that changed their place, over all different prompts."""

    def all_notes(self) -> tuple[Said, ...]:
        """Every sentence once."""
        return tuple(dict.fromkeys(note for notes in self.notes.values() for note in notes))


@dataclass(frozen=True)
class Report:
    """One job, for the panel's line after it."""

    outcome: Outcome
    first: Pair
    """The first image's prompts as they were drawn."""
    surroundings: Mapping[str, object]
    """What they were drawn with, keys of ``findings.Surroundings``."""
    count: int
    """Images of the job."""


class PanelPrompts:
    """Writes a job's prompts, and keeps the last report and the switch of each tab."""

    def __init__(self, prompts: Prompts, families: Families, options: Callable[[], Options], folder: Path) -> None:
        """``folder``: the user's data folder."""
        self.prompts = prompts
        self.families = families
        self.memory = PanelMemory(folder)
        self._options = options
        self.reports: dict[str, Report | None] = {}
        """Tab → what its last job came to; None where the panel was off in it."""

    def write(
        self, pairs: Sequence[Pair], request: PanelRequest, checkpoint: Checkpoint | None, pins: Sequence[str] = ()
    ) -> Outcome:
        """All different ``pairs`` as ``request`` wants them, for a job that ``checkpoint`` draws.

        ``pins``: tags that stay in front of their line when it is sorted.
        """
        distinct = tuple(dict.fromkeys(pairs))
        try:
            automatic = request.profile == AUTOMATIC
            family = self.families.of(checkpoint) if automatic else Family(request.profile, "settings", "")
            profile = self.prompts.profile(family.profile_id)
        except TagAtelierError as error:
            note = say(UNTOUCHED, reason=error.said)
            return Outcome(written={pair: pair for pair in distinct}, notes={pair[0]: (note,) for pair in distinct})
        quality, quality_note = _preset(request.quality, profile.quality, profile.name, NO_QUALITY)
        negative, negative_note = _preset(request.negative_preset, profile.negative, profile.name, NO_NEGATIVE)
        common = tuple(note for note in (quality_note, negative_note) if note)
        written: dict[Pair, Pair] = {}
        notes: dict[str, tuple[Said, ...]] = {}
        moved = 0
        for pair in distinct:
            written[pair], why, count = self._one(pair, profile, pins if request.arrange else None, (quality, negative))
            moved += count
            if common or why:
                notes[written[pair][0]] = (*common, *why)
        said = {"profile": profile.id, "quality": quality, "negative_preset": negative}
        said |= {} if request.arrange else {"arrange": "False"}
        return Outcome(family, written, {INFOTEXT[key]: value for key, value in said.items() if value}, notes, moved)

    def speak(self, said: Said) -> str:
        """A note in the language of the settings."""
        chinese = self._options().get("language") == "zh_CN"
        return sentence(said.template, "zh_CN" if chinese else "en", **said.values)

    def pins(self, tab: str) -> Sequence[str]:
        """Tags pinned in the prompt box of ``tab``."""
        pins: list[str] = self.prompts.memory.box(f"{tab}_prompt")["pins"]
        return pins

    def _one(
        self, pair: Pair, profile: Profile, pins: Sequence[str] | None, words: tuple[str, str]
    ) -> tuple[Pair, tuple[Said, ...], int]:
        """The pair with ``words`` (quality level, negative preset) and, where ``pins`` is not None, in order."""
        from tag_atelier.prompt.arrange import MAX_CHARACTERS, REASONS, arrange
        from tag_atelier.prompt.compose import compose

        if any(len(text) > MAX_CHARACTERS for text in pair):
            return pair, (say(REASONS["too_long"]),), 0
        composed = compose(*pair, profile, quality=words[0], negative_preset=words[1])
        if pins is None:
            return composed, (), 0
        if pins:
            from tag_atelier.prompt.pins import arrange_pinned

            result = arrange_pinned(composed[0], profile, self.prompts.catalogue, pins)
        else:
            result = arrange(composed[0], profile, self.prompts.catalogue)
        return (result.text, composed[1]), tuple(say(REASONS[code]) for code in result.reasons), len(result.moves)


def _preset(wanted: str | None, table: Mapping[str, str], family: str, missing: str) -> tuple[str, Said | None]:
    """The id in ``table`` that is meant (empty: none), and ``missing`` filled in where there is no such id."""
    from tag_atelier.prompt.compose import DEFAULT

    if not wanted or wanted in table:
        return wanted or "", None
    if wanted == DEFAULT:
        return next(iter(table), ""), None
    return "", say(missing, family=family, name=wanted, known=", ".join(table) or "–")


_PANEL_FORM = Form(1, {0: lambda switches: {"enforced": switches}})


class PanelMemory:
    """Whether "Enforce order" is on, for each tab, over restarts: one small file in the data folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "panel.json"
        self._lock = threading.Lock()

    def enforced(self, tab: str) -> bool:
        """How the switch of ``tab`` was left; off where it was never touched or the file cannot be read."""
        try:
            return self._read().get(tab) is True
        except NewerFile:
            return False

    def enforce(self, tab: str, on: bool) -> None:
        """Remember the switch. A folder that cannot be written is logged; drawing goes on without a memory."""
        with self._lock:
            try:
                value = {**self._read(), tab: bool(on)}
                self._path.parent.mkdir(parents=True, exist_ok=True)
                write_beside(self._path, _PANEL_FORM.render({"enforced": value}))
            except (OSError, NewerFile) as error:
                _LOG.warning("'Enforce order' could not be remembered in '%s': %s", self._path, error)

    def _read(self) -> dict[str, object]:
        try:
            enforced = _PANEL_FORM.parse(self._path.read_text(encoding="utf-8"), self._path.name)["enforced"]
        except (OSError, ValueError, RecursionError, LookupError):
            return {}
        return enforced if isinstance(enforced, dict) else {}
