"""Draws batches of different prompts with the WebUI's own ``process_images``: one call, one batch, no other scripts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from inspect import signature

from modules import devices, processing, scripts, sd_samplers, sd_schedulers, sd_vae, shared
from modules.call_queue import queue_lock

from tag_atelier.errors import Cancelled, HostError, UnknownName
from tag_atelier.host.webui.checkpoints import WebuiCheckpoints
from tag_atelier.host.webui.features import is_forge
from tag_atelier.host.webui.left_hooks import take_out_left_hooks
from tag_atelier.ports import Checkpoint, Progress, RenderedImage, RenderRequest, SamplingParameters

logger = logging.getLogger(__name__)

FLAT = 1.0
"""Grey levels: an image whose channels all vary by less is a failed one, not a drawing."""
POLL_S = 0.2


@contextmanager
def exclusive() -> Iterator[None]:
    """The WebUI's generation queue, with its progress bar: what its own buttons take."""
    with queue_lock:
        shared.state.begin(job="tag_atelier")
        try:
            yield
        finally:
            shared.state.end()


def interrupt() -> None:
    """What the WebUI's Interrupt button does."""
    shared.state.interrupt()


class WebuiSampler:
    """Implements ``ports.Sampler``; the caller holds the queue (``exclusive`` or a running script)."""

    def __init__(self, checkpoints: WebuiCheckpoints) -> None:
        self._checkpoints = checkpoints

    def render(
        self,
        batch: Sequence[RenderRequest],
        parameters: SamplingParameters,
        checkpoint: Checkpoint,
        deliver: Callable[[RenderedImage], None],
        progress: Progress,
    ) -> None:
        """One batch. See ``ports.Sampler.render``."""
        check_parameters(parameters)
        take_out_left_hooks()
        self._checkpoints.load(checkpoint)
        p = _processing(batch, parameters)
        with closing(p), _watch(progress):
            try:
                processed = processing.process_images(p)
            except devices.NansException as error:
                raise HostError(
                    "'{name}' drew NaN: {error} Try --no-half, or another VAE.", name=checkpoint.name, error=str(error)
                ) from error
            except Exception as error:  # anything can come out of the WebUI's sampling
                logger.exception("process_images failed")
                raise HostError(
                    "The WebUI could not draw: {type}: {error}", type=type(error).__name__, error=str(error)
                ) from error
        if _stopped():
            raise Cancelled("Stopped while drawing; the unfinished batch was thrown away.")
        drawn = shared.sd_model.sd_checkpoint_info.name_for_extra
        for index, image in enumerate(processed.images[: len(batch)]):
            rgb = image.convert("RGB")
            flat = all(high - low < FLAT for low, high in rgb.getextrema())
            status = "invalid" if flat else "ok"
            used = {"seed": batch[index].seed, "sampler": p.sampler_name, "steps": p.steps, "cfg_scale": p.cfg_scale}
            used |= {"width": rgb.width, "height": rgb.height, "batch_size": len(batch)}
            deliver(RenderedImage(index, rgb, processed.infotexts[index], drawn, status, used))

    def count_chunks(self, prompt: str) -> int:
        """By the host's tokenizer when a model is loaded, else our estimate."""
        if self._checkpoints.loaded() is None:
            from tag_atelier.prompt.tokens import count_chunks

            return count_chunks(prompt)
        return max(1, _padded_length(prompt) // 75)


def _padded_length(prompt: str) -> int:
    """Tokens of ``prompt`` filled up to whole chunks, by the tokenizer of the loaded model."""
    model = shared.sd_model
    if hasattr(model, "get_prompt_lengths_on_ui"):  # Forge
        return int(model.get_prompt_lengths_on_ui(prompt)[1])
    from modules import sd_hijack

    measure = sd_hijack.model_hijack.get_prompt_lengths
    encoder = (model.cond_stage_model,) if "cond_stage_model" in signature(measure).parameters else ()  # reForge
    return int(measure(prompt, *encoder)[1])


def check_parameters(parameters: SamplingParameters) -> None:
    """Refuse a name that the WebUI does not know: it would draw with something else, and say so in its log at most.

    Raises:
        UnknownName: naming the ones there are.
        HostError: Forge takes its VAE from its own menu only.
    """
    known = {
        "sampler": (parameters.sampler, [sampler.name for sampler in sd_samplers.all_samplers]),
        "scheduler": (parameters.scheduler, [scheduler.label for scheduler in sd_schedulers.schedulers]),
    }
    if parameters.vae is not None:
        if is_forge():
            raise HostError("Forge takes VAE files from its own menu; choose it there and leave 'vae' out of the plan.")
        known["VAE"] = (parameters.vae, ["Automatic", "None", *sd_vae.vae_dict])
    if parameters.hires is not None:
        upscalers = [*shared.latent_upscale_modes, *(upscaler.name for upscaler in shared.sd_upscalers)]
        known["upscaler"] = (parameters.hires.upscaler, upscalers)
    for kind, (name, names) in known.items():
        if name not in names:
            raise UnknownName(kind, name, names)


def _processing(batch: Sequence[RenderRequest], parameters: SamplingParameters) -> processing.StableDiffusionProcessingTxt2Img:
    overrides: dict[str, object] = {"CLIP_stop_at_last_layers": parameters.clip_skip}
    if parameters.vae is not None and not is_forge():
        overrides["sd_vae"] = parameters.vae
    p = processing.StableDiffusionProcessingTxt2Img(
        sd_model=shared.sd_model,
        prompt=[request.prompt for request in batch],
        negative_prompt=[request.negative_prompt for request in batch],
        seed=[request.seed for request in batch],
        subseed=[request.seed for request in batch],
        sampler_name=parameters.sampler,
        scheduler=parameters.scheduler,
        steps=parameters.steps,
        cfg_scale=parameters.cfg_scale,
        width=parameters.width,
        height=parameters.height,
        batch_size=len(batch),
        n_iter=1,
        do_not_save_samples=True,
        do_not_save_grid=True,
        override_settings=overrides,
    )
    p.scripts = scripts.ScriptRunner()  # none of them; reForge asks for its list (modules/processing.py:1065)
    if parameters.eta is not None:
        p.eta = parameters.eta
    if parameters.hires is not None:
        p.enable_hr = True
        p.hr_scale, p.hr_second_pass_steps = parameters.hires.scale, parameters.hires.steps
        p.denoising_strength, p.hr_upscaler = parameters.hires.denoising, parameters.hires.upscaler
    # Forge keeps every latent and picture in these class-level lists (modules/processing.py:251-252).
    for name in ("latents_after_sampling", "pixels_after_sampling"):
        if hasattr(p, name):
            setattr(p, name, [])
    return p


def _stopped() -> bool:
    state = shared.state
    return bool(state.interrupted or state.skipped or getattr(state, "stopping_generation", False))


@contextmanager
def _watch(progress: Progress) -> Iterator[None]:
    """Interrupt the sampling when our own job is cancelled meanwhile."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(POLL_S):
            if progress.cancelled:
                shared.state.interrupt()
                return

    thread = threading.Thread(target=watch, name="tag-atelier-cancel", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
