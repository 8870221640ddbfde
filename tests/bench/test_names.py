"""Tags under the labels of a tagger."""

from collections.abc import Sequence

import pytest

from tag_atelier.bench.names import Label, label_of


@pytest.mark.parametrize(
    ("tag", "labels", "broader", "expected"),
    [
        ("glaring", ["glaring"], [], Label("glaring", "scored")),
        ("hand_on_hip", ["hand_on_own_hip"], [], Label("hand_on_own_hip", "alias")),
        ("hand_on_own_hip", ["hand_on_hip"], [], Label("hand_on_hip", "alias")),
        ("hand_on_hip", ["hand_on_hip", "hand_on_own_hip"], [], Label("hand_on_hip", "scored")),
        ("fox_shadow_puppet", ["gesture", "hand_gesture"], ["hand_gesture", "gesture"], Label("hand_gesture", "proxy")),
        ("unheard_of", ["glaring"], [], Label("", "unscored")),
    ],
)
def test_a_tag_is_looked_for_under_its_own_a_renamed_or_a_broader_label(
    tag: str, labels: Sequence[str], broader: Sequence[str], expected: Label
) -> None:
    assert label_of(tag, labels, broader) == expected
