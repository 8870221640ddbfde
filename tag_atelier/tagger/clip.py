"""A CLIP model in ONNX files, for the optional columns of diversity and CLIP score. Implements ``bench.diversity.Embedder``.

Looked for in a folder ``clip`` beside the taggers: ``visual.onnx`` (or ``vision_model.onnx``), and for scores also
``textual.onnx`` (or ``text_model.onnx``). Never fetched.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
import numpy.typing
from PIL import Image as pillow
from PIL.Image import Image

from tag_atelier.errors import TaggerError
from tag_atelier.prompt.clip_words import clip_words
from tag_atelier.tagger.onnx_tagger import open_session, runtime_errors, sha256

FOLDER = "clip"
VISUAL, TEXTUAL = ("visual.onnx", "vision_model.onnx"), ("textual.onnx", "text_model.onnx")
DEFAULT_SIDE = 224
CONTEXT = 77
_START, _END = 49406, 49407
_MEAN, _DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""Source: A. Radford et al., arXiv 2103.00020; the released models' preprocessing."""


def find_clip(folders: Sequence[str | Path]) -> Clip | None:
    """The CLIP model beside the taggers in ``folders``; None where there is none.

    Raises:
        TaggerError: onnxruntime is missing, or the file is no model that takes pictures.
    """
    for folder in (Path(parent) / FOLDER for parent in folders):
        visual = next((folder / name for name in VISUAL if (folder / name).is_file()), None)
        if visual is not None:
            textual = next((folder / name for name in TEXTUAL if (folder / name).is_file()), None)
            return Clip(visual, textual)
    return None


class Clip:
    """One CLIP model; both halves give unit vectors."""

    def __init__(self, visual: Path, textual: Path | None = None) -> None:
        self._visual = open_session(visual, 0, False)
        shape = self._visual.get_inputs()[0].shape
        if len(shape) != 4 or shape[1] != 3:
            raise TaggerError(
                "'{visual}' takes an input of shape {shape}; expected pictures, [N, 3, S, S].", visual=visual, shape=list(shape)
            )
        self.side = shape[2] if isinstance(shape[2], int) else DEFAULT_SIDE
        self._textual = open_session(textual, 0, False) if textual is not None else None
        self.identity = " ".join(["clip", sha256(visual)[:16], *([sha256(textual)[:16]] if textual else [])])

    def images(self, images: Sequence[Image]) -> numpy.typing.NDArray[numpy.float32]:
        """Unit vectors, float32, shape (len(images), D)."""
        inputs = numpy.stack([self._prepared(image) for image in images])  # (N, 3, S, S)
        return _unit(_run(self._visual, {self._visual.get_inputs()[0].name: inputs}))

    def texts(self, texts: Sequence[str]) -> numpy.typing.NDArray[numpy.float32] | None:
        """Unit vectors, float32, shape (len(texts), D); None without the text half or the tokenizer's table."""
        words = clip_words()
        if self._textual is None or words is None:
            return None
        rows = numpy.zeros((len(texts), CONTEXT), dtype=numpy.int64)
        for row, text in zip(rows, texts, strict=True):
            ids = [_START, *words.ids(text)[: CONTEXT - 2], _END]
            row[: len(ids)] = ids
        entry = self._textual.get_inputs()[0]
        kind = numpy.int32 if "int32" in entry.type else numpy.int64
        feeds = {entry.name: rows.astype(kind)}
        for extra in self._textual.get_inputs()[1:]:  # exports by transformers also want the mask
            feeds[extra.name] = (rows != 0).astype(numpy.int32 if "int32" in extra.type else numpy.int64)
        return _unit(_run(self._textual, feeds))

    def _prepared(self, image: Image) -> numpy.typing.NDArray[numpy.float32]:
        rgb = image.convert("RGB")
        scale = self.side / min(rgb.size)
        size = (max(self.side, round(rgb.width * scale)), max(self.side, round(rgb.height * scale)))
        resized = rgb.resize(size, pillow.Resampling.BICUBIC)
        left, top = (size[0] - self.side) // 2, (size[1] - self.side) // 2
        cut = resized.crop((left, top, left + self.side, top + self.side))
        pixels = numpy.asarray(cut, dtype=numpy.float32) / 255  # (S, S, 3)
        normal = (pixels - numpy.array(_MEAN, numpy.float32)) / numpy.array(_DEVIATION, numpy.float32)
        return numpy.ascontiguousarray(normal.transpose(2, 0, 1))


def _run(session: Any, feeds: dict[str, Any]) -> numpy.typing.NDArray[numpy.float32]:
    """The output with one vector per row: of several the named embedding, else the first of two dimensions."""
    outputs = session.get_outputs()
    flat = [item.name for item in outputs if len(item.shape) == 2]
    named = [name for name in flat if "embed" in name]
    if not flat:
        raise TaggerError("The CLIP model gives no vector per picture or text; expected an output of shape [N, D].")
    try:
        found: numpy.typing.NDArray[numpy.float32] = session.run([(named or flat)[0]], feeds)[0]
    except runtime_errors() as error:
        raise TaggerError("The CLIP model failed: {error}", error=str(error)[:200]) from error
    return found.astype(numpy.float32)


def _unit(vectors: numpy.typing.NDArray[numpy.float32]) -> numpy.typing.NDArray[numpy.float32]:
    lengths = numpy.linalg.norm(vectors, axis=1, keepdims=True)
    found: numpy.typing.NDArray[numpy.float32] = vectors / numpy.maximum(lengths, 1e-12)
    return found
