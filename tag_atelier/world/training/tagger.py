"""The miniature tagger's network, and its export with the WD taggers' interface. Used by the training scripts and tests.

Source of the interface: SmilingWolf's wd-v3 taggers, input (N, 448, 448, 3), blue first, 0 to 255; output probabilities.
"""

from __future__ import annotations

from torch import Tensor, nn

from tag_atelier.world.portrait_tags import TAGS

WIDTHS = (24, 48, 64, 64)
_HIDDEN = 128


class Tagger(nn.Module):
    """Pictures (N, 3, 64, 64), red first, -1 to 1 → logits (N, tags)."""

    def __init__(self) -> None:
        super().__init__()
        entering = (3, *WIDTHS[:-1])
        self.layers = nn.ModuleList(
            nn.Conv2d(one, other, 3, stride=2, padding=1) for one, other in zip(entering, WIDTHS, strict=True)
        )
        self.hidden = nn.Linear(WIDTHS[-1] * 16, _HIDDEN)
        self.answer = nn.Linear(_HIDDEN, len(TAGS))

    def forward(self, pictures: Tensor) -> Tensor:
        signal = pictures
        for layer in self.layers:
            signal = layer(signal).relu()
        result: Tensor = self.answer(self.hidden(signal.flatten(1)).relu())
        return result
