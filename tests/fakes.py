"""One fake per port, as a class; used by every room's tests and by the contract tests.

``FakeSampler`` writes prompt, seed and checkpoint into the pixels and ``FakeScorer`` reads them back, so that a whole
benchmark runs without a model and its expected scores can be written out. Loads without torch, numpy and PIL.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from tag_atelier.errors import Cancelled, HostError, UnknownName
from tag_atelier.ports import Checkpoint, Host, ImageStatus, Progress, RenderedImage, RenderRequest, SamplingParameters, Values

if TYPE_CHECKING:
    import numpy
    import numpy.typing
    import torch
    from PIL.Image import Image

_HEADER_BYTES = 2
"""Length prefix of the message in an image's pixels, big endian."""


def digest(*parts: object) -> str:
    """64 hex digits that depend on every part; the fakes' only source of variety."""
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode("utf-8")).hexdigest()


def fraction(*parts: object) -> float:
    """A number in 0…1 that depends on every part."""
    return int(digest(*parts)[:8], 16) / 0xFFFFFFFF


class FakeProgress:
    """Counts steps; says ``cancelled`` once ``cancel_after`` of them are done."""

    def __init__(self, cancel_after: int | None = None) -> None:
        self.cancel_after = cancel_after
        self.total = 0
        self.done = 0
        self.texts: list[str] = []
        self.cancel_requested = False

    def begin(self, total: int, text: str = "") -> None:
        self.total, self.done = total, 0
        self._say(text)

    def advance(self, steps: int = 1, text: str = "") -> None:
        self.done += steps
        self._say(text)

    @property
    def cancelled(self) -> bool:
        return self.cancel_requested or (self.cancel_after is not None and self.done >= self.cancel_after)

    def _say(self, text: str) -> None:
        if text:
            self.texts.append(text)


class FakeCheckpointCatalogue:
    """Checkpoints by name; ``load`` remembers, ``loads`` counts. Files are looked for in ``folder`` on ``refresh``."""

    def __init__(self, folder: Path, names: Sequence[str] = ("model-a", "model-b")) -> None:
        self.folder = folder
        self.checkpoints = [Checkpoint(name, f"{name}.safetensors [{digest(name)[:10]}]") for name in names]
        self.loads: list[str] = []
        self.current: Checkpoint | None = None

    def list(self) -> Sequence[Checkpoint]:
        return sorted(self.checkpoints, key=lambda checkpoint: checkpoint.name)

    def resolve(self, name: str) -> Checkpoint:
        for checkpoint in self.checkpoints:
            identity = self.identify(checkpoint)
            short = len(name) >= 8 and identity.startswith(name.lower())
            if short or name in (checkpoint.name, checkpoint.title, f"{checkpoint.name}.safetensors"):
                return checkpoint
        raise UnknownName("checkpoint", name, [checkpoint.name for checkpoint in self.list()])

    def identify(self, checkpoint: Checkpoint) -> str:
        return checkpoint.sha256 or digest(checkpoint.name)

    def load(self, checkpoint: Checkpoint) -> None:
        self.current = self.resolve(checkpoint.name)
        self.loads.append(checkpoint.name)

    def loaded(self) -> Checkpoint | None:
        return self.current

    def refresh(self) -> None:
        known = {checkpoint.name for checkpoint in self.checkpoints}
        for path in sorted(self.folder.glob("*.safetensors")):
            if path.stem not in known:
                self.checkpoints.append(Checkpoint(path.stem, path.name, path))

    def output_folder(self) -> Path:
        return self.folder


class FakeSampler:
    """Draws a gradient with the request written into its first bytes.

    ``fail_with`` is raised by the batch numbered ``fail_at``; ``draw_with`` makes it draw with another checkpoint than
    asked for; prompts in ``flat_prompts`` come back flat and ``invalid``.
    """

    def __init__(self, checkpoints: FakeCheckpointCatalogue) -> None:
        self.checkpoints = checkpoints
        self.batches: list[list[RenderRequest]] = []
        self.fail_with: Exception | None = None
        self.fail_at = 0
        self.draw_with: str | None = None
        self.flat_prompts: set[str] = set()
        self.interrupted = False

    def render(
        self,
        batch: Sequence[RenderRequest],
        parameters: SamplingParameters,
        checkpoint: Checkpoint,
        deliver: Callable[[RenderedImage], None],
        progress: Progress,
    ) -> None:
        if self.fail_with is not None and len(self.batches) >= self.fail_at:
            raise self.fail_with
        loaded = self.checkpoints.loaded()
        if loaded is None or loaded.name != checkpoint.name:
            self.checkpoints.load(checkpoint)
        if progress.cancelled or self.interrupted:
            self.interrupted = False
            raise Cancelled("The fake sampler was interrupted.")
        self.batches.append(list(batch))
        name = self.draw_with or checkpoint.name
        for index, request in enumerate(batch):
            flat = request.prompt in self.flat_prompts
            image = flat_image(parameters) if flat else draw(request, parameters, name)
            used = {"seed": request.seed, "sampler": parameters.sampler, "steps": parameters.steps}
            used |= {"width": image.width, "height": image.height, "cfg_scale": parameters.cfg_scale, "batch_size": len(batch)}
            status: ImageStatus = "invalid" if flat else "ok"
            deliver(RenderedImage(index, image, infotext(request, parameters, name), name, status, used))

    def count_chunks(self, prompt: str) -> int:
        return max(1, -(-len(prompt.replace(",", " , ").split()) // 75))

    def interrupt(self) -> None:
        self.interrupted = True


def infotext(request: RenderRequest, parameters: SamplingParameters, checkpoint: str) -> str:
    """Generation parameters as the WebUI writes them, shortened."""
    negative = f"\nNegative prompt: {request.negative_prompt}" if request.negative_prompt else ""
    return (
        f"{request.prompt}{negative}\nSteps: {parameters.steps}, Sampler: {parameters.sampler}, "
        f"CFG scale: {parameters.cfg_scale}, Seed: {request.seed}, "
        f"Size: {parameters.width}x{parameters.height}, Model: {checkpoint}"
    )


def draw(request: RenderRequest, parameters: SamplingParameters, checkpoint: str) -> Image:
    """An RGB gradient of the asked size whose first bytes say what was asked; survives PNG, not JPEG or resizing."""
    import numpy as np
    from PIL import Image

    message = json.dumps([checkpoint, request.prompt, request.seed]).encode("utf-8")
    height, width = parameters.height, parameters.width
    rows = np.arange(height, dtype=np.uint32)[:, None, None]
    columns = np.arange(width, dtype=np.uint32)[None, :, None]
    tint = np.frombuffer(bytes.fromhex(digest(checkpoint, request.prompt, request.seed)[:6]), np.uint8)
    pixels = ((rows * 2 + columns * 3 + tint) % 256).astype(np.uint8)
    flat = pixels.reshape(-1)
    if len(message) + _HEADER_BYTES > flat.size:
        raise HostError(f"A fake image of {width}x{height} has no room for a prompt of {len(message)} bytes.")
    flat[:_HEADER_BYTES] = np.frombuffer(len(message).to_bytes(_HEADER_BYTES, "big"), np.uint8)
    flat[_HEADER_BYTES : _HEADER_BYTES + len(message)] = np.frombuffer(message, np.uint8)
    return Image.fromarray(pixels, "RGB")


def flat_image(parameters: SamplingParameters) -> Image:
    """One colour, as a model that went wrong draws it."""
    from PIL import Image

    return Image.new("RGB", (parameters.width, parameters.height), (127, 127, 127))


def read_back(image: Image) -> tuple[str, str, int]:
    """Checkpoint, prompt and seed of an image made by ``draw``; empty strings and 0 for any other image."""
    data = image.convert("RGB").tobytes()
    length = int.from_bytes(data[:_HEADER_BYTES], "big")
    try:
        checkpoint, prompt, seed = json.loads(data[_HEADER_BYTES : _HEADER_BYTES + length].decode("utf-8"))
    except (ValueError, TypeError):
        return "", "", 0
    return checkpoint, prompt, seed


class FakeScorer:
    """Sees a label (0.9) when its words are in the image's prompt and luck is within the checkpoint's ``skill``; else 0.05.

    ``skill`` maps a checkpoint's name to the share of prompted tags it draws, 0…1; 1 where a name is missing.
    """

    hit = 0.9
    miss = 0.05

    def __init__(
        self, labels: Sequence[str] = ("1girl", "glaring", "reaching"), skill: Mapping[str, float] | None = None
    ) -> None:
        self._labels = tuple(labels)
        self.skill = dict(skill or {})
        self.images_scored = 0

    @property
    def identity(self) -> str:
        return "fake-tagger:" + digest(*self._labels)

    @property
    def labels(self) -> Sequence[str]:
        return self._labels

    def score(self, images: Sequence[Image]) -> numpy.typing.NDArray[numpy.float32]:
        import numpy as np

        self.images_scored += len(images)
        rows = [[self.probability(label, *read_back(image)) for label in self._labels] for image in images]
        return np.array(rows, dtype=np.float32).reshape(len(images), len(self._labels))

    def probability(self, label: str, checkpoint: str, prompt: str, seed: int) -> float:
        """What ``score`` says of ``label`` in an image drawn with these; tests use it for expected values."""
        words = {part.strip().replace("\\", "").replace(" ", "_") for part in prompt.split(",")}
        drawn = label in words and fraction(checkpoint, label, seed) <= self.skill.get(checkpoint, 1.0)
        return self.hit if drawn else self.miss


class FakeLiveModel:
    """A loaded model as a dict of tensors; counts how often conditionings were forgotten."""

    def __init__(self, checkpoints: FakeCheckpointCatalogue, tensors: Mapping[str, torch.Tensor]) -> None:
        self.checkpoints = checkpoints
        self.tensors = dict(tensors)
        self.originals: dict[str, torch.Tensor] = {}
        self.conditionings_forgotten = 0
        self.version = 0

    def checkpoint(self) -> Checkpoint:
        loaded = self.checkpoints.loaded()
        if loaded is None:
            raise HostError("No checkpoint is loaded; load one first.")
        return loaded

    def keys(self) -> Sequence[str]:
        return list(self.tensors)

    def overwrite(self, tensors: Iterable[tuple[str, torch.Tensor | Values]]) -> None:
        self.version += 1
        try:
            for key, tensor in tensors:
                self._overwrite_one(key, tensor)
        except BaseException:
            self.restore()
            raise
        self.conditionings_forgotten += 1

    def _overwrite_one(self, key: str, tensor: torch.Tensor | Values) -> None:
        import torch

        if key not in self.tensors:
            raise HostError(f"The loaded model has no tensor '{key}'.")
        current = self.tensors[key]
        if not isinstance(tensor, torch.Tensor):
            values, tensor = tensor, torch.empty(tensor.shape, dtype=tensor.dtype)
            values.fill(tensor)
        if current.shape != tensor.shape:
            raise HostError(f"'{key}' has shape {tuple(current.shape)} in the loaded model, not {tuple(tensor.shape)}.")
        self.originals.setdefault(key, current.clone())
        current.copy_(tensor.to(dtype=current.dtype, device=current.device))

    def restore(self, keys: Collection[str] | None = None) -> None:
        if not self.originals:
            return
        self.version += 1
        for key in [key for key in self.originals if keys is None or key in keys]:
            self.tensors[key].copy_(self.originals.pop(key))
        self.conditionings_forgotten += 1

    @property
    def dirty(self) -> bool:
        return bool(self.originals)


def fake_host(
    folder: Path, names: Sequence[str] = ("model-a", "model-b"), tensors: Mapping[str, torch.Tensor] | None = None
) -> Host:
    """A host of fakes whose data lie in ``folder``; ``tensors`` gives it a live model (``{}`` for an empty one)."""
    checkpoints = FakeCheckpointCatalogue(folder / "models", names)
    checkpoints.folder.mkdir(parents=True, exist_ok=True)
    sampler = FakeSampler(checkpoints)
    live = None if tensors is None else FakeLiveModel(checkpoints, tensors)
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    return Host("fake", sampler, checkpoints, data, (), live, nullcontext, sampler.interrupt)
