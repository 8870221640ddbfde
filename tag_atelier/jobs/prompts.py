"""The prompt room as the doors ask for it: plain values in, plain values out, nothing that takes long."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from tag_atelier.errors import RequestError, UnknownName
from tag_atelier.jobs.panel import PanelRequest
from tag_atelier.jobs.values import read_flag, read_object, read_text, refuse_unknown
from tag_atelier.prompt.arrange import arrange
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.compose import compose
from tag_atelier.prompt.lint import lint
from tag_atelier.prompt.profile import Profile, load_profiles

LONGEST_PROMPT = 100_000
"""Characters; a longer text is refused before it is parsed."""

_KEYS = ("text", "profile", "negative")


class Prompts:
    """Arranges, checks and completes prompts with the shipped catalogue and profiles."""

    @cached_property
    def catalogue(self) -> Catalogue:
        """The tag catalogue, loaded at first use."""
        return Catalogue.load()

    @cached_property
    def profiles(self) -> Mapping[str, Profile]:
        """All model families by id."""
        return load_profiles()

    def profile(self, profile_id: str) -> Profile:
        """The profile of this id.

        Raises:
            UnknownName: naming the profiles there are.
        """
        try:
            return self.profiles[profile_id]
        except KeyError:
            raise UnknownName("profile", profile_id, sorted(self.profiles)) from None

    def arrange(self, request: object) -> dict[str, object]:
        """``{text, profile?, negative?}`` → ``{text, changed, reasons, …}``."""
        text, profile, negative = self._read(request)
        return dict(arrange(text, profile, self.catalogue, negative=negative).as_dict())

    def lint(self, request: object) -> dict[str, object]:
        """``{text, profile?, negative?}`` → ``{findings: […]}``."""
        text, profile, negative = self._read(request)
        return {"findings": [finding.as_dict() for finding in lint(text, profile, self.catalogue, negative=negative)]}

    def slots(self, tags: list[str]) -> list[dict[str, Any]]:
        """The slot of each tag, in the order given: ``{tag, slot, confidence}``."""
        guesses = [(tag, self.catalogue.slot(tag)) for tag in tags]
        return [{"tag": tag, "slot": guess.slot, "confidence": guess.confidence} for tag, guess in guesses]

    def for_panel(self, positive: str, negative: str, request: PanelRequest) -> tuple[str, str]:
        """One image's prompts as the panel was asked to make them."""
        profile = self.profile(request.profile)
        if request.quality is not None or request.negative_preset is not None:
            positive, negative = compose(
                positive, negative, profile, quality=request.quality, negative_preset=request.negative_preset
            )
        if request.arrange:
            positive = arrange(positive, profile, self.catalogue).text
        return positive, negative

    def _read(self, request: object) -> tuple[str, Profile, bool]:
        values = read_object(request, "The request")
        refuse_unknown(values, _KEYS, "The request")
        text = read_text(values, "text")
        if len(text) > LONGEST_PROMPT:
            raise RequestError(f"The text has {len(text)} characters; expected at most {LONGEST_PROMPT}: shorten it.")
        return text, self.profile(read_text(values, "profile", "aidxl")), read_flag(values, "negative", False)
