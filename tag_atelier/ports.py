"""What the core asks of a host: five protocols and the values that pass through them.

Implemented by ``host/webui``, ``host/embedded``, ``host/remote``, ``host/fleet`` and ``tests/fakes.py``; the same contract
tests run against all of them. Loads without torch, numpy and PIL: tensors and images are named for type checkers only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from tag_atelier.errors import Busy, HostError

if TYPE_CHECKING:
    import numpy
    import numpy.typing
    import torch
    from PIL.Image import Image

ImageStatus = Literal["ok", "invalid"]
MERGE_INFOTEXT = "Tag Atelier merge"
"""Key under which a picture's infotext tells that the loaded model was merged live when it was drawn."""
RECIPE_INFOTEXT = "Tag Atelier recipe"
"""Key under which it holds the recipe itself, as JSON; pasting it back merges for the next picture."""


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint as a host lists it."""

    name: str
    """File name without folder and extension; what people type."""
    title: str
    """The host's own label, unique within the host."""
    path: Path | None = None
    """The file, where the host is on this machine."""
    sha256: str | None = None
    """64 hex digits, when the host knows it already."""
    in_memory_only: bool = False
    """Its weights are in no file: another extension merged them under this name, and loading anything else loses them."""

    def need_file(self) -> None:
        """Raises Busy where the loaded weights are in no file: nothing may be computed over them or loaded in their place."""
        if self.in_memory_only:
            raise Busy(
                "The loaded model '{name}' was made in memory by another extension and is in no file; "
                "save it there, or load another checkpoint, then try again.",
                name=self.name,
            )


@dataclass(frozen=True)
class HiresParameters:
    """Second pass at a larger size."""

    scale: float = 2.0
    steps: int = 15
    denoising: float = 0.6
    upscaler: str = "Latent"


@dataclass(frozen=True)
class SamplingParameters:
    """Everything but prompt, seed and checkpoint that shapes an image. Names are the WebUI's."""

    sampler: str = "Euler a"
    scheduler: str = "Automatic"
    steps: int = 20
    cfg_scale: float = 7.0
    width: int = 1024
    height: int = 1024
    clip_skip: int = 1
    eta: float | None = None
    vae: str | None = None
    hires: HiresParameters | None = None


@dataclass(frozen=True)
class RenderRequest:
    """One image of a batch."""

    prompt: str
    negative_prompt: str = ""
    seed: int = 1


@dataclass(frozen=True)
class RenderedImage:
    """One finished image, handed over as soon as it exists."""

    index: int
    """Position in the batch, 0-based."""
    image: Image
    """RGB, as large as was asked for."""
    infotext: str
    """Generation parameters in the WebUI's text form."""
    checkpoint: str
    """Name of the checkpoint it was really drawn with; compared with the plan, never assumed."""
    status: ImageStatus = "ok"
    """``invalid`` when the image is NaN or flat; such an image is stored as rejected, never scored."""
    used: Mapping[str, object] = field(default_factory=dict)
    """What the host says it really used: seed, sampler, steps, cfg_scale, width, height, batch_size."""


class Progress(Protocol):
    """How long work tells where it is and learns that it should stop."""

    def begin(self, total: int, text: str = "") -> None:
        """Start (or restart) counting ``total`` steps."""

    def advance(self, steps: int = 1, text: str = "") -> None:
        """Count ``steps`` as done; ``text`` says what is being done now."""

    @property
    def cancelled(self) -> bool:
        """Somebody pressed stop."""


class Sampler(Protocol):
    """Draws images."""

    def render(
        self,
        batch: Sequence[RenderRequest],
        parameters: SamplingParameters,
        checkpoint: Checkpoint,
        deliver: Callable[[RenderedImage], None],
        progress: Progress,
    ) -> None:
        """Draw one batch of *different* prompts and deliver each image as soon as it exists.

        Image ``i`` starts from the noise a lone image of its seed would start from, whatever its neighbours.
        Loads ``checkpoint`` first where it is not the loaded one. ``progress`` is only polled for ``cancelled``.

        Raises:
            Cancelled: the run was interrupted; no image of an interrupted batch has been delivered.
            HostError: the host failed; the sentence says how.
        """

    def count_chunks(self, prompt: str) -> int:
        """Number of 75-token chunks of ``prompt`` (≥ 1); only prompts of equal count may share a batch."""


class CheckpointCatalogue(Protocol):
    """Finds checkpoints and loads them."""

    def list(self) -> Sequence[Checkpoint]:
        """All checkpoints of the host, by name."""

    def resolve(self, name: str) -> Checkpoint:
        """The checkpoint of this name, title, file name or (≥ 8 digits of) SHA-256.

        Raises:
            UnknownName: there is none.
        """

    def identify(self, checkpoint: Checkpoint) -> str:
        """SHA-256 of the checkpoint file, 64 hex digits, cached. A remote host's short hash where it has no more."""

    def load(self, checkpoint: Checkpoint) -> None:
        """Make it the loaded model."""

    def loaded(self) -> Checkpoint | None:
        """The loaded model, or None where nothing is loaded yet. Never triggers a load."""

    def refresh(self) -> None:
        """Read the folders again, after a file was written."""

    def output_folder(self) -> Path:
        """Where a merged checkpoint is written so that ``list`` finds it. Raises HostError on a remote host."""


class Values(Protocol):
    """A tensor that is computed straight into the place where it is wanted, so that it costs no copy."""

    @property
    def shape(self) -> tuple[int, ...]:
        """As in the checkpoint."""

    @property
    def dtype(self) -> torch.dtype:
        """In which it is computed; a place of another dtype gets it cast once."""

    def fill(self, target: torch.Tensor) -> None:
        """Write it into ``target``: contiguous, of this shape and dtype, on any device."""


class LiveModel(Protocol):
    """The loaded model's tensors under the names they have in the checkpoint file."""

    def checkpoint(self) -> Checkpoint:
        """What is loaded. Raises HostError when nothing is."""

    def keys(self) -> Sequence[str]:
        """Checkpoint names of all parameters that can be overwritten."""

    def overwrite(self, tensors: Iterable[tuple[str, torch.Tensor | Values]]) -> None:
        """Bring each tensor into the loaded model in place, cast to the parameter's dtype and device.

        The first time a key is overwritten its original is kept, so that ``restore`` is bit for bit.
        Networks (LoRA) that are in the weights are taken out first. Forgets cached conditionings.
        On any error everything is restored before the error is passed on.
        """

    def restore(self, keys: Collection[str] | None = None) -> None:
        """Put the originals of ``keys``, or all, back bit for bit and forget cached conditionings. Does nothing when clean."""

    @property
    def dirty(self) -> bool:
        """True from the first overwrite to the restore."""

    @property
    def version(self) -> int:
        """Rises with every change of the weights; while it stays, what was last overwritten is still there and nothing else."""


class Scorer(Protocol):
    """Says how sure it is that each label is in an image."""

    @property
    def identity(self) -> str:
        """Name and SHA-256 of model and label file; part of every score's key."""

    @property
    def labels(self) -> Sequence[str]:
        """Canonical label names: lower case, underscores; one per column of ``score``."""

    def score(self, images: Sequence[Image]) -> numpy.typing.NDArray[numpy.float32]:
        """Probabilities, float32, shape (len(images), len(labels)), 0…1."""


def _nothing() -> None:
    """Where there is nothing to do."""


@dataclass(frozen=True)
class PromptFiles:
    """Where the user's own files for writing prompts lie; empty where the host has none. Folders need not exist."""

    labels: Sequence[Path] = ()
    """Folders in which tagcomplete's csv is looked for."""
    embeddings: Sequence[Path] = ()
    networks: Sequence[Path] = ()
    """Folders of LoRA files."""
    styles: Callable[[], Sequence[Path]] = tuple
    """The WebUI's styles files, the one it adds to first; they need not exist yet."""
    styles_changed: Callable[[], None] = _nothing
    """Makes the host read its styles again."""


@dataclass(frozen=True)
class Host:
    """The ports of one host, bundled for the rooms that need several."""

    name: str
    """``webui``, ``forge``, ``embedded``, ``remote`` or ``fleet``."""
    sampler: Sampler
    checkpoints: CheckpointCatalogue
    data_folder: Path
    """The user's data: runs, reports, own presets. Never inside the extension's folder."""
    tagger_folders: Sequence[Path] = ()
    """Where taggers are looked for: one folder per tagger, holding an .onnx and a label csv."""
    live_model: LiveModel | None = None
    """None where the host cannot change a loaded model (remote)."""
    exclusive: Callable[[], AbstractContextManager[object]] | None = None
    """Takes the host's generation queue; None where there is no queue to take."""
    interrupt: Callable[[], None] | None = None
    """Stops the sampling that is under way."""
    machines: int = 0
    """How many machines share a batch, each of whose images is drawn by itself; 0 where a batch is drawn as one."""
    check_parameters: Callable[[SamplingParameters], None] | None = None
    """Raises UnknownName for a sampler, scheduler, VAE or upscaler that is not there; None: only found out when drawing."""
    live_settings: Callable[[], Mapping[str, object]] = dict
    """What the host draws with next beside the page's fields: ``checkpoint`` (a name or title), ``clip_skip``, as it knows."""
    prompt_files: PromptFiles = PromptFiles()
    vae_folders: Sequence[Path] = ()
    """Where VAE files are looked for when a merge takes one; need not exist."""
    facts: Callable[[], Mapping[str, object]] = dict
    """For diagnostics: ``version``, ``flags`` and ``extensions`` by name, and ``unsupported``, the name of a WebUI that we do
    not know; what the host cannot say is left out."""
    remember_hash: Callable[[Path, str], None] | None = None
    """Tells the host the SHA-256 of a checkpoint that was just written, so that it need not read it again."""

    def checkpoint_file(self, name: str) -> Path:
        """The file of a checkpoint by its name, title or hash.

        Raises:
            UnknownName: there is no such checkpoint.
            HostError: it lies on another machine.
        """
        checkpoint = self.checkpoints.resolve(name)
        if checkpoint.path is None:
            raise HostError(
                "'{name}' lies on another machine; merge on the machine that holds the files.", name=checkpoint.name
            )
        return checkpoint.path
