"""Draws batches of different prompts with diffusers' UNet and VAE, the way the WebUI would. Callers hold ``Host.exclusive``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy
import torch
from PIL import Image

from tag_atelier.errors import Cancelled, HostError, RequestError
from tag_atelier.host.embedded.activity import Activity
from tag_atelier.host.embedded.attention import read_prompt
from tag_atelier.host.embedded.catalogue import EmbeddedCheckpoints
from tag_atelier.host.embedded.chunks import split
from tag_atelier.host.embedded.conditioning import Conditioning, encode
from tag_atelier.host.embedded.denoiser import Denoiser
from tag_atelier.host.embedded.infotext import infotext
from tag_atelier.host.embedded.model import LoadedModel
from tag_atelier.host.embedded.solvers import get_sampler
from tag_atelier.host.embedded.tokenizer import find_tokenizer
from tag_atelier.ports import Checkpoint, ImageStatus, Progress, RenderedImage, RenderRequest, SamplingParameters

FLAT = 1.0
"""Grey levels: an image whose channels all vary by less is a failed one, not a drawing."""

NARROW = 128
"""UNet channels below which a model is a tiny one; real ones have 320."""


@dataclass(frozen=True)
class _Job:
    """One image of a batch, encoded."""

    index: int
    request: RenderRequest
    positive: Conditioning
    negative: Conditioning

    @property
    def lengths(self) -> tuple[int, int]:
        """Chunks of both prompts; only equal ones are computed together."""
        return self.positive.chunks, self.negative.chunks


class EmbeddedSampler:
    """Implements ``ports.Sampler``."""

    def __init__(self, checkpoints: EmbeddedCheckpoints, data_folder: Path, activity: Activity) -> None:
        self._checkpoints = checkpoints
        self._data_folder = data_folder
        self.activity = activity
        """What it is doing now, for progress over HTTP."""

    def render(
        self,
        batch: Sequence[RenderRequest],
        parameters: SamplingParameters,
        checkpoint: Checkpoint,
        deliver: Callable[[RenderedImage], None],
        progress: Progress,
    ) -> None:
        """One batch. See ``ports.Sampler.render``. Images of other chunk counts are computed apart, not padded.

        Raises:
            RequestError: a size, step count or setting this host cannot draw.
            UnknownName: an unknown sampler or scheduler.
            PromptError: networks, AND, schedules, or a weight that is no number.
        """
        steps = check(parameters)
        self._checkpoints.load(checkpoint)
        model = self._checkpoints.model
        assert model is not None
        try:
            with _fitting_threads(model):
                jobs = _encode(model, batch, parameters)
                latents = self._walk(model, jobs, parameters, steps, progress)
                for job in jobs:
                    deliver(_finish(model, job, latents[job.index], parameters, len(batch)))
        except torch.cuda.OutOfMemoryError as error:
            raise HostError("The GPU's memory is full ({error}); choose a smaller batch or size.", error=str(error)) from error
        finally:
            self.activity.end()

    def _walk(
        self, model: LoadedModel, jobs: Sequence[_Job], parameters: SamplingParameters, steps: int, progress: Progress
    ) -> dict[int, torch.Tensor]:
        """Index → finished latent; jobs of equal chunk counts together."""
        activity = self.activity
        groups = [list(group) for _, group in groupby(sorted(jobs, key=_lengths), key=_lengths)]
        activity.begin(steps * len(groups))

        def step() -> None:
            activity.advance()
            if progress.cancelled or activity.interrupted:
                raise Cancelled("Stopped while drawing; the unfinished batch was thrown away.")

        if progress.cancelled:
            raise Cancelled("Stopped before drawing.")
        return {job.index: latent for group in groups for job, latent in _draw(model, group, parameters, step)}

    def count_chunks(self, prompt: str) -> int:
        """By CLIP's tokenizer; loads no model."""
        loaded = self._checkpoints.model
        tokenizer = loaded.tokenizer if loaded else find_tokenizer(self._checkpoints.output_folder(), self._data_folder)
        return len(split(read_prompt(prompt)[0], tokenizer))


def check(parameters: SamplingParameters) -> int:
    """Number of steps that will be walked, when this host can draw this.

    Raises:
        RequestError, UnknownName: it cannot; nothing was loaded.
    """
    for name, value in (("width", parameters.width), ("height", parameters.height)):
        if value % 8 or not 8 <= value <= 4096:
            raise RequestError("{name} is {value}; expected a multiple of 8 between 8 and 4096.", name=name, value=value)
    if not 1 <= parameters.steps <= 1000:
        raise RequestError("steps is {steps}; expected 1 to 1000.", steps=parameters.steps)
    if not 1 <= parameters.clip_skip <= 12:
        raise RequestError("clip_skip is {clip_skip}; expected 1 to 12.", clip_skip=parameters.clip_skip)
    if parameters.hires is not None:
        raise RequestError("This host has no second pass; leave hires out or choose a WebUI as host.")
    if parameters.vae not in (None, "", "Automatic", "None"):
        raise RequestError("This host draws with the checkpoint's own VAE, not '{vae}'; leave vae out.", vae=parameters.vae)
    return len(get_sampler(parameters.sampler).levels(parameters.scheduler, parameters.steps)) - 1


def check_parameters(parameters: SamplingParameters) -> None:
    """``check`` as ``ports.Host`` asks for it."""
    check(parameters)


@contextmanager
def _fitting_threads(model: LoadedModel) -> Iterator[None]:
    """One thread for a narrow model on the CPU: its thousands of tiny sums take less time than threads take to meet.

    Where other programs use the cores too, OpenMP's waiting made a tiny SDXL 50 times as slow.
    """
    before = torch.get_num_threads()
    narrow = model.device.type == "cpu" and model.architecture.anatomy.unet.channels < NARROW
    try:
        if narrow:
            torch.set_num_threads(1)
        yield
    finally:
        torch.set_num_threads(before)


def _lengths(job: _Job) -> tuple[int, int]:
    return job.lengths


def _encode(model: LoadedModel, batch: Sequence[RenderRequest], parameters: SamplingParameters) -> list[_Job]:
    known: dict[tuple[str, bool], Conditioning] = {}

    def encoded(prompt: str, negative: bool) -> Conditioning:
        if (prompt, negative) not in known:
            known[prompt, negative] = encode(model, prompt, negative, parameters.clip_skip)
        return known[prompt, negative]

    return [
        _Job(index, request, encoded(request.prompt, False), encoded(request.negative_prompt, True))
        for index, request in enumerate(batch)
    ]


@torch.inference_mode()
def _draw(
    model: LoadedModel, jobs: Sequence[_Job], parameters: SamplingParameters, step: Callable[[], None]
) -> list[tuple[_Job, torch.Tensor]]:
    """Finished latents (4, height / 8, width / 8) of each job, float32."""
    generators = [torch.Generator("cpu").manual_seed(job.request.seed) for job in jobs]
    shape = (4, parameters.height // 8, parameters.width // 8)

    def noise() -> torch.Tensor:
        return torch.stack([torch.randn(shape, generator=generator) for generator in generators]).to(model.device)

    sampler = get_sampler(parameters.sampler)
    sigmas = sampler.levels(parameters.scheduler, parameters.steps)
    eta = parameters.eta if sampler.takes_eta and parameters.eta is not None else sampler.eta
    positive, negative = [job.positive for job in jobs], [job.negative for job in jobs]
    denoiser = Denoiser(model, positive, negative, parameters)
    latents = sampler.solve(sampler.begin(noise(), sigmas), sigmas, denoiser, noise, step, eta)
    return list(zip(jobs, latents, strict=True))


def _finish(
    model: LoadedModel, job: _Job, latent: torch.Tensor, parameters: SamplingParameters, batch_size: int
) -> RenderedImage:
    image, is_finite = decode(model, latent)
    flat = all(high - low < FLAT for low, high in image.getextrema())
    status: ImageStatus = "ok" if is_finite and not flat else "invalid"
    used = {
        "seed": job.request.seed,
        "sampler": parameters.sampler,
        "scheduler": parameters.scheduler,
        "steps": parameters.steps,
        "cfg_scale": parameters.cfg_scale,
        "width": image.width,
        "height": image.height,
        "batch_size": batch_size,
    }
    text = infotext(job.request, parameters, model.checkpoint, merged=bool(model.originals))
    return RenderedImage(job.index, image, text, model.checkpoint.name, status, used)


@torch.inference_mode()
def decode(model: LoadedModel, latent: torch.Tensor) -> tuple[Image.Image, bool]:
    """RGB image of one latent (4, h, w), 8 times as large, and whether every value was a number."""
    scaled = latent[None].float() / model.vae.config.scaling_factor
    pixels = model.vae.decode(scaled).sample[0].float()
    is_finite = bool(torch.isfinite(pixels).all())
    unit = ((pixels + 1) / 2).clamp(0, 1).nan_to_num(0)
    grey = (unit * 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return Image.fromarray(numpy.ascontiguousarray(grey), "RGB"), is_finite
