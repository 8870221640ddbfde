"""The prompt room as the doors ask for it: plain values in, plain values out, nothing that takes long.

What reads prompts is loaded with the first one: this module is there from the WebUI's start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tag_atelier.errors import RequestError
from tag_atelier.jobs.families import AUTOMATIC
from tag_atelier.jobs.prompt_memory import PromptMemory
from tag_atelier.jobs.values import read_flag, read_object, read_text, refuse_unknown
from tag_atelier.language import Language
from tag_atelier.prompt.profile import Profile, get_profile, load_profiles
from tag_atelier.settings import DEFAULTS

if TYPE_CHECKING:
    from tag_atelier.prompt.catalogue import Catalogue
    from tag_atelier.prompt.findings import Surroundings
    from tag_atelier.prompt.labels import Labels

LANGUAGES: dict[str, Language] = {"en": "en", "zh_CN": "zh_CN"}
_MOST_TAGS = 600
_LONGEST_TAG = 400
_KEYS = ("text", "profile", "negative")


def is_written_by_hand(text: str) -> bool:
    """False for more or longer tags than anybody writes, in which overlaps would be searched for seconds."""
    return text.count(",") <= _MOST_TAGS and max(map(len, text.split(","))) <= _LONGEST_TAG


def read_language(values: Mapping[str, object]) -> Language:
    """The language under ``language``, English where none is named.

    Raises:
        RequestError: it is neither of the two.
    """
    language = LANGUAGES.get(read_text(values, "language", "en"))
    if language is None:
        raise RequestError("'language' is '{given}'; expected en or zh_CN.", given=values["language"])
    return language


class Prompts:
    """Arranges, checks and completes prompts with the shipped catalogue, the shipped profiles and the user's own."""

    def __init__(
        self, profile_folder: Path | None = None, memory: PromptMemory | None = None, label_folders: Sequence[Path] = ()
    ) -> None:
        """``memory``: holds the user's corrections; ``label_folders``: where the user's own lists of names may lie."""
        self.profile_folder = profile_folder
        self.automatic: Callable[[], str] = lambda: str(DEFAULTS["profile"])
        """Id of the family that `automatic` stands for; set by who knows what is loaded."""
        self.live: Callable[[str], Mapping[str, object]] = lambda _text: {}
        """What is known of the drawing of a text, in the keys of `Surroundings`; set by who knows the host."""
        self.memory = memory or PromptMemory(None)
        self.label_folders = label_folders
        self._catalogue: Catalogue | None = None
        self._sources: tuple[object, ...] = (None, None, None, None)
        """What the catalogue was made of."""

    @property
    def catalogue(self) -> Catalogue:
        """Our tag catalogue with the user's corrections and lists; the same object until one of them changes."""
        from tag_atelier.prompt.catalogue import Catalogue

        base, labels, changed = Catalogue.load(), self.labels, self.memory.revision
        if self._catalogue is None or self._sources[:3] != (base, labels, changed):
            corrections = self.memory.corrections()
            if self._catalogue is None or self._sources[:2] != (base, labels) or self._sources[3] != corrections:
                from tag_atelier.prompt.user_catalogue import UserCatalogue

                self._catalogue = UserCatalogue(base, corrections, labels)
            self._sources = (base, labels, changed, corrections)
        return self._catalogue

    @property
    def labels(self) -> Labels:
        """Names of characters, artists and series from the user's own files; read at first use."""
        from tag_atelier.prompt.labels import find_labels

        return find_labels(self.label_folders)

    @property
    def profiles(self) -> Mapping[str, Profile]:
        """All model families by id; a file that changed is read again."""
        return load_profiles(self.profile_folder)

    def profile(self, profile_id: str) -> Profile:
        """The profile of this id; `automatic`: that of the checkpoint that draws next.

        Raises:
            UnknownName: naming the profiles there are.
            PromptError: the user's own profile of this id is wrong.
        """
        return get_profile(self.automatic() if profile_id == AUTOMATIC else profile_id, self.profile_folder)

    def arrange(self, request: object) -> dict[str, object]:
        """``{text, profile?, negative?, distribute?}`` → ``{text, changed, reason, reasons, moves, lint, overlaps}``.

        ``lint`` and ``overlaps`` are about the text as it was given, and so are the places they name.
        """
        from tag_atelier.prompt.arrange import arrange
        from tag_atelier.prompt.lint import lint
        from tag_atelier.prompt.overlap import find_overlaps

        values = read_object(request, "The request")
        distribute = read_flag(values, "distribute", False)
        text, profile, negative = self._read({key: value for key, value in values.items() if key != "distribute"})
        result = arrange(text, profile, self.catalogue, negative=negative, distribute=distribute).as_dict()
        found = lint(text, profile, self.catalogue, negative=negative)
        result["lint"] = [finding.as_dict() for finding in found]
        overlaps = find_overlaps(text, self.catalogue, negative) if is_written_by_hand(text) else []
        result["overlaps"] = [overlap.as_dict() for overlap in overlaps]
        return result

    def lint(self, request: object) -> dict[str, object]:
        """``{text, profile?, negative?, with?, language?}`` → ``{findings: […]}``.

        ``with``: what the prompt is drawn with, the keys of ``findings.Surroundings``; ``language``: ``en`` or ``zh_CN``.
        """
        from tag_atelier.prompt.lint import lint

        values = read_object(request, "The request")
        language = read_language(values)
        around = self.around(values)
        text, profile, negative = self._read({key: values[key] for key in values if key not in ("with", "language")})
        found = lint(text, profile, self.catalogue, negative=negative, surroundings=around)
        return {"findings": [finding.as_dict(language) for finding in found]}

    def around(self, values: Mapping[str, object]) -> Surroundings:
        """What a request says in `with`, over what is known here where that holds `"live": true`.

        Raises:
            RequestError: `live` is no boolean.
            PromptError: a key nobody reads, or a value of another kind.
        """
        from tag_atelier.prompt.findings import Surroundings

        given = read_object(values.get("with") or {}, "'with'")
        known = dict(self.live(read_text(values, "text", ""))) if read_flag(given, "live", False) else {}
        return Surroundings.from_value({**known, **{key: given[key] for key in given if key != "live"}})

    def slots(self, tags: list[str]) -> list[dict[str, Any]]:
        """The slot of each tag, in the order given: ``{tag, slot, confidence}``."""
        catalogue = self.catalogue
        guesses = [(tag, catalogue.slot(tag)) for tag in tags]
        return [{"tag": tag, "slot": guess.slot, "confidence": guess.confidence} for tag, guess in guesses]

    def _read(self, request: object) -> tuple[str, Profile, bool]:
        values = read_object(request, "The request")
        refuse_unknown(values, _KEYS, "The request")
        text, negative = read_text(values, "text"), read_flag(values, "negative", False)
        return text, self.profile(read_text(values, "profile", "aidxl")), negative
