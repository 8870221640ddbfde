"""Under which of a tagger's labels a tag is looked for: its own, a renamed one, or a broader one. Used by ``bench.score``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

Status = Literal["scored", "alias", "proxy", "unscored"]

_RENAMED = (
    ("hand_on_hip", "hand_on_own_hip"),
    ("hands_on_hips", "hands_on_own_hips"),
    ("hand_on_own_head", "hand_on_head"),
    ("hands_on_own_knees", "hands_on_knees"),
    ("hands_on_own_thighs", "hands_on_thighs"),
    ("hand_on_own_cheek", "hand_on_cheek"),
    ("hands_on_own_cheeks", "hands_on_cheeks"),
    ("hand_on_own_chin", "hand_on_chin"),
    ("hand_on_own_face", "hand_on_face"),
    ("hand_on_own_chest", "hand_on_chest"),
    ("hand_on_own_stomach", "hand_on_stomach"),
    ("full_body", "fullbody"),
    ("close-up", "closeup"),
    ("upside-down", "upside_down"),
    ("see-through", "see-through_clothes"),
)
"""Names of one thing in label files of different years; each is looked for under the other."""


@dataclass(frozen=True)
class Label:
    """What a tag is called in one tagger's label file."""

    name: str
    """Empty where the tagger knows nothing of it."""
    status: Status


def label_of(tag: str, labels: Collection[str], broader: Sequence[str] = ()) -> Label:
    """The label to look for ``tag`` under.

    ``scored`` and ``alias`` mean the same thing as the tag. A ``proxy`` is a broader label: shown, but in no number,
    since it is also seen where the tag is not.
    """
    if tag in labels:
        return Label(tag, "scored")
    for one, other in _RENAMED:
        found = other if tag == one else one if tag == other else ""
        if found and found in labels:
            return Label(found, "alias")
    return next((Label(name, "proxy") for name in broader if name in labels), Label("", "unscored"))
