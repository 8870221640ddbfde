"""How the pictures of each family of taggers are prepared, and which family a model is of. Used by ``tagger.onnx_tagger``.

Found out from the model's inputs and outputs and from the label file, never from names of folders. Loads without numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

LabelKind = Literal["table", "tag_mapping", "metadata", "metadata_v2"]
"""A plain list or table of names; cl_tagger's mapping; camie's metadata of its first and second version."""


@dataclass(frozen=True)
class Family:
    """What one family's models are fed and what they give back."""

    name: str
    channels: Literal["RGB", "BGR"] = "RGB"
    scale: float = 1.0
    """Pixel values 0…255 are divided by this …"""
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """… then this is subtracted, in RGB …"""
    deviation: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """… and divided by this."""
    padding: tuple[int, int, int] = (255, 255, 255)
    """RGB around pictures that are no square."""
    logits: bool = True
    """The output still needs the sigmoid."""


WD = Family("WD", "BGR", logits=False)
"""SmilingWolf's v2 and v3: [N, S, S, 3], 0…255."""
ML_DANBOORU = Family("ML-Danbooru", scale=255.0)
_HALF = (0.5, 0.5, 0.5)
PIXAI = Family("PixAI", scale=255.0, mean=_HALF, deviation=_HALF, logits=False)
"""v0.9: its outputs are ``embedding``, ``logits`` and ``prediction``; the last one holds probabilities."""
CL = Family("cl_tagger", "BGR", 255.0, _HALF, _HALF)
CAMIE = Family("camie", scale=255.0, padding=(0, 0, 0))
CAMIE_V2 = Family("camie v2", scale=255.0, mean=(0.485, 0.456, 0.406), deviation=(0.229, 0.224, 0.225), padding=(124, 116, 104))
"""ImageNet's normalisation; padding is its mean colour."""


def family_of(order: Literal["NHWC", "NCHW"], outputs: Sequence[str], labels: LabelKind) -> Family:
    """The family of a model with this input order, these output names and this kind of label file.

    >>> family_of("NCHW", ["embedding", "logits", "prediction"], "table").name
    'PixAI'
    """
    if order == "NHWC":
        return WD
    by_labels = {"tag_mapping": CL, "metadata": CAMIE, "metadata_v2": CAMIE_V2}
    if labels in by_labels:
        return by_labels[labels]
    return PIXAI if "prediction" in outputs else ML_DANBOORU


def best_output(fitting: Sequence[str]) -> str:
    """Of the outputs with a column per label the one to read: probabilities before logits, refined before first guesses.

    >>> best_output(["refined_predictions", "initial_predictions"]), best_output(["features", "output"])
    ('refined_predictions', 'output')
    """
    for wanted in ("prediction", "refined"):
        named = [name for name in fitting if name == wanted or (wanted != "prediction" and wanted in name)]
        if named:
            return named[0]
    return fitting[-1]
