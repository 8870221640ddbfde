"""A tagger in an ONNX file as a ``Scorer``: layout found out from the model, preprocessing of its family (``families``)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy
import numpy.typing
from PIL import Image as pillow
from PIL.Image import Image

from tag_atelier.errors import TaggerError
from tag_atelier.tagger.families import ML_DANBOORU, WD, Family, best_output, family_of
from tag_atelier.tagger.files import TaggerFiles
from tag_atelier.tagger.vocabulary import read_vocabulary

DEFAULT_SIDE = 448
GPU_NOT_USED = (
    "The tagger was to run on the GPU but runs on the CPU: onnxruntime found no GPU libraries that fit it. "
    "Scores are the same, only slower."
)
_ASKED_PROVIDERS = ("CUDAExecutionProvider", "ROCMExecutionProvider", "DmlExecutionProvider", "CPUExecutionProvider")


@dataclass(frozen=True)
class InputLayout:
    """What the model's input wants."""

    order: Literal["NHWC", "NCHW"]
    side: int
    """Pixels of the square picture."""
    one_at_a_time: bool
    """The batch size is fixed at 1 in the file."""


class OnnxTagger:
    """Implements ``ports.Scorer`` with onnxruntime."""

    def __init__(self, files: TaggerFiles, threads: int = 0, use_gpu: bool = False) -> None:
        """Open the session.

        Args:
            threads: CPU threads; 0 lets onnxruntime decide.
            use_gpu: ask for a GPU provider. The CPU is the default, as it takes no memory from the sampler.

        Raises:
            TaggerError: onnxruntime is missing, the model cannot be read, or labels and outputs differ in number.
        """
        self.files = files
        vocabulary = read_vocabulary(files.labels)
        self._session = open_session(files.model, threads, use_gpu)
        self._asked_gpu = use_gpu
        self.layout = _layout_of(self._session.get_inputs()[0].shape, files)
        self.family = family_of(self.layout.order, [item.name for item in self._session.get_outputs()], vocabulary.kind)
        self._input = self._session.get_inputs()[0].name
        self._output = _probability_output(self._session.get_outputs(), len(vocabulary.labels), files)
        self._labels = vocabulary.labels
        self._identity = f"{files.name} {sha256(files.model)[:16]}+{sha256(files.labels)[:16]}"

    @property
    def identity(self) -> str:
        """Folder name, then 16 digits of the SHA-256 of model and label file."""
        return self._identity

    @property
    def labels(self) -> Sequence[str]:
        """Canonical label names, one per column of ``score``."""
        return self._labels

    @property
    def providers(self) -> list[str]:
        """What the session really runs on; onnxruntime falls back to the CPU without saying so."""
        return list(self._session.get_providers())

    @property
    def note(self) -> str:
        """What a reader of the scores should know of how they came about; empty where all is as asked."""
        fell_back = self._asked_gpu and self.providers == ["CPUExecutionProvider"]
        return GPU_NOT_USED if fell_back else ""

    def score(self, images: Sequence[Image]) -> numpy.typing.NDArray[numpy.float32]:
        """Probabilities, float32, shape (len(images), len(labels)), 0…1.

        Raises:
            TaggerError: the model failed, or gave numbers that are no probabilities.
        """
        if not images:
            return numpy.zeros((0, len(self._labels)), dtype=numpy.float32)
        inputs = numpy.stack([prepare(image, self.layout, self.family) for image in images])  # (N, S, S, 3) or (N, 3, S, S)
        chunks = [inputs[i : i + 1] for i in range(len(inputs))] if self.layout.one_at_a_time else [inputs]
        outputs = numpy.concatenate([self._run(chunk) for chunk in chunks])  # (N, labels)
        if self.family.logits:
            outputs = 1.0 / (1.0 + numpy.exp(-outputs))
        if not numpy.isfinite(outputs).all() or outputs.min() < -1e-3 or outputs.max() > 1 + 1e-3:
            raise TaggerError("The tagger '{name}' gave numbers outside 0 to 1; expected probabilities.", name=self.files.name)
        clipped: numpy.typing.NDArray[numpy.float32] = outputs.clip(0, 1).astype(numpy.float32)
        return clipped

    def _run(self, chunk: numpy.typing.NDArray[numpy.float32]) -> numpy.typing.NDArray[numpy.float32]:
        try:
            output: numpy.typing.NDArray[numpy.float32] = self._session.run([self._output], {self._input: chunk})[0]
        except runtime_errors() as error:
            raise TaggerError(
                "The tagger '{name}' failed on a picture: {error}", name=self.files.name, error=str(error)[:200]
            ) from error
        return output.reshape(len(chunk), -1)


def prepare(image: Image, layout: InputLayout, family: Family | None = None) -> numpy.typing.NDArray[numpy.float32]:
    """One picture as the model wants it: on white, padded to a square, resized with PIL's bicubic filter.

    Args:
        family: None takes WD for NHWC and ML-Danbooru for NCHW.

    Returns:
        float32, (S, S, 3) for NHWC, (3, S, S) for NCHW, in the family's channels, scale and normalisation.
    """
    family = family or (WD if layout.order == "NHWC" else ML_DANBOORU)
    rgba = image.convert("RGBA")
    flat = pillow.new("RGB", rgba.size, (255, 255, 255))
    flat.paste(rgba, (0, 0), rgba)
    side = max(flat.size)
    square = pillow.new("RGB", (side, side), family.padding)
    square.paste(flat, ((side - flat.width) // 2, (side - flat.height) // 2))
    if side != layout.side:
        square = square.resize((layout.side, layout.side), pillow.Resampling.BICUBIC)
    pixels = numpy.asarray(square, dtype=numpy.float32) / numpy.float32(family.scale)  # (S, S, 3) RGB
    if any(family.mean):
        pixels = (pixels - numpy.array(family.mean, numpy.float32)) / numpy.array(family.deviation, numpy.float32)
    pixels = pixels[:, :, ::-1] if family.channels == "BGR" else pixels
    return numpy.ascontiguousarray(pixels if layout.order == "NHWC" else pixels.transpose(2, 0, 1))


def _layout_of(shape: Sequence[object], files: TaggerFiles) -> InputLayout:
    if len(shape) == 4 and shape[3] == 3:
        order: Literal["NHWC", "NCHW"] = "NHWC"
        side = shape[1]
    elif len(shape) == 4 and shape[1] == 3:
        order, side = "NCHW", shape[2]
    else:
        raise TaggerError(
            "The model '{file}' of '{name}' takes an input of shape {shape}; expected a picture, [N, S, S, 3] or [N, 3, S, S].",
            file=files.model.name,
            name=files.name,
            shape=list(shape),
        )
    return InputLayout(order, side if isinstance(side, int) else DEFAULT_SIDE, shape[0] == 1)


def _probability_output(outputs: Sequence[Any], labels: int, files: TaggerFiles) -> str:
    """The output with one column per label; of several the one with probabilities, else the last (features come first)."""
    fitting = [output.name for output in outputs if output.shape and output.shape[-1] == labels]
    if not fitting and len(outputs) == 1 and not isinstance(outputs[0].shape[-1], int):
        fitting = [outputs[0].name]
    if not fitting:
        found = ", ".join(str(output.shape[-1]) for output in outputs if output.shape)
        raise TaggerError(
            "The tagger '{name}' has {labels} labels in '{file}' but outputs of {columns} columns; expected equal "
            "numbers: model and label file belong to different versions.",
            name=files.name,
            labels=labels,
            file=files.labels.name,
            columns=found,
        )
    return best_output([str(name) for name in fitting])


def open_session(model: Path, threads: int, use_gpu: bool) -> Any:
    """An onnxruntime session. Raises TaggerError where onnxruntime is missing or the file is no model."""
    try:
        import onnxruntime
    except ImportError as error:
        raise TaggerError("The package onnxruntime is missing; install it where this program runs.") from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Threads that wait in a loop take the cores from a sampler that draws on the CPU at the same time.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads:
        options.intra_op_num_threads = threads
    available = onnxruntime.get_available_providers()
    wanted = [name for name in _ASKED_PROVIDERS if name in available and (use_gpu or name.startswith("CPU"))]
    try:
        return onnxruntime.InferenceSession(str(model), options, providers=wanted)
    except runtime_errors() as error:
        raise TaggerError(
            "'{model}' cannot be opened as an ONNX model ({error}); download it again.", model=model, error=str(error)[:200]
        ) from error


def runtime_errors() -> tuple[type[Exception], ...]:
    """What onnxruntime raises; its classes have no common base, and their number grows from version to version."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    found = vars(state).values()
    return tuple(item for item in found if isinstance(item, type) and issubclass(item, Exception))


def sha256(path: Path) -> str:
    """64 hex digits of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
