"""What the always-visible panel may be asked for, by its controls or over ``/sdapi`` as one JSON object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tag_atelier.errors import RequestError
from tag_atelier.jobs.values import read_flag, read_object, read_text, refuse_unknown

KEYS = ("enabled", "profile", "arrange", "quality", "negative_preset", "merge")

INFOTEXT = {
    "profile": "Tag Atelier profile",
    "arrange": "Tag Atelier arrange",
    "quality": "Tag Atelier quality",
    "negative_preset": "Tag Atelier negative",
}
"""Keys under which a picture's infotext tells what the panel did; pasting it back sets the controls."""


@dataclass(frozen=True)
class PanelRequest:
    """One job's wishes. Made by the panel's controls or by its JSON argument."""

    enabled: bool = False
    profile: str = "aidxl"
    arrange: bool = True
    quality: str | None = None
    """Id of one of the profile's quality presets, put where the family wants it; None adds nothing."""
    negative_preset: str | None = None
    """Id of one of the profile's negative presets; None adds nothing."""
    merge: Mapping[str, object] | None = None
    """A merge recipe applied to the loaded model for this job only."""

    @classmethod
    def from_value(cls, value: object) -> PanelRequest:
        """Read an object or a JSON string. Given at all, it is enabled unless it says otherwise.

        Raises:
            RequestError: malformed JSON, unknown key, or wrong type.
        """
        values = read_object(value, "The argument of 'Tag Atelier'")
        refuse_unknown(values, KEYS, "The argument of 'Tag Atelier'")
        merge = values.get("merge")
        if merge is not None:
            merge = read_object(merge, "'merge'")
        return cls(
            enabled=read_flag(values, "enabled", True),
            profile=read_text(values, "profile", cls.profile),
            arrange=read_flag(values, "arrange", True),
            quality=_optional(values, "quality"),
            negative_preset=_optional(values, "negative_preset"),
            merge=merge,
        )


def _optional(values: Mapping[str, object], key: str) -> str | None:
    value = values.get(key)
    if value is not None and not isinstance(value, str):
        raise RequestError("'{key}' is not a string; expected the name of a preset, or null for none.", key=key)
    return value or None
