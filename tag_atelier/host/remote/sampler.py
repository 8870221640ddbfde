"""Draws on another machine's WebUI. Its API takes one prompt a call, so a batch becomes one call an image.

Images are the same within one grey level as those of a real batch, and none is delivered before the last is there:
an interrupt at the other end only shows in its progress, after the (unfinished) image was answered.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from tag_atelier.errors import Cancelled, HostError, UnknownName, say
from tag_atelier.host.remote.answers import as_list, as_object, text_of
from tag_atelier.host.remote.catalogue import RemoteCheckpoints
from tag_atelier.host.remote.client import DRAW_S, Client
from tag_atelier.ports import (
    MERGE_INFOTEXT,
    Checkpoint,
    ImageStatus,
    Progress,
    RenderedImage,
    RenderRequest,
    SamplingParameters,
)
from tag_atelier.prompt.tokens import count_chunks

POLL_S: Final = 0.2
PATIENCE_S: Final = 10.0
"""How long an interrupted WebUI may take to answer before we go on without it."""
FLAT: Final = 1.0
"""Grey levels: an image whose channels all vary by less is a failed one, not a drawing."""


class RemoteSampler:
    """Implements ``ports.Sampler``."""

    def __init__(self, client: Client, checkpoints: RemoteCheckpoints) -> None:
        self._client = client
        self._checkpoints = checkpoints
        self._names: dict[str, tuple[str, ...]] = {}

    def render(
        self,
        batch: Sequence[RenderRequest],
        parameters: SamplingParameters,
        checkpoint: Checkpoint,
        deliver: Callable[[RenderedImage], None],
        progress: Progress,
    ) -> None:
        """One batch. See ``ports.Sampler.render``."""
        self._check_name("sampler", "/samplers", "name", parameters.sampler)
        self._check_name("scheduler", "/schedulers", "label", parameters.scheduler)
        if progress.cancelled:
            raise Cancelled("Stopped before drawing.")
        self._checkpoints.load(checkpoint)
        title = self._checkpoints.resolve(checkpoint.title).title
        images = []
        for index, request in enumerate(batch):
            answer = self._draw(_body(request, parameters, title), progress)
            images.append(self._read(index, request, parameters, answer))
        for image in images:
            deliver(image)

    def count_chunks(self, prompt: str) -> int:
        """Our estimate: ``/sdapi/v1`` counts no tokens."""
        return count_chunks(prompt)

    def _check_name(self, kind: str, path: str, key: str, name: str) -> None:
        """Refuse a sampler or scheduler that the WebUI would silently replace."""
        if path not in self._names:
            listed = as_list(self._client.get(path), say("list of {kind}s", kind=kind))
            self._names[path] = tuple(text_of(as_object(item, kind), key) for item in listed)
        if name not in self._names[path]:
            raise UnknownName(kind, name, self._names[path])

    def _draw(self, body: Mapping[str, object], progress: Progress) -> Mapping[str, object]:
        """The answer of one call; while it is awaited, a cancel is passed on.

        Raises:
            Cancelled: we or somebody at the other end stopped it; the image is an unfinished one.
        """
        call = _Call(self._client, body)
        while not call.finished.wait(POLL_S):
            if progress.cancelled:
                self._client.interrupt()  # once: while ours waits in its queue, this stops somebody else's
                call.finished.wait(PATIENCE_S)
                break
        if progress.cancelled:
            raise Cancelled("Stopped while drawing; the unfinished batch was thrown away.")
        answer = call.answer()
        state = as_object(self._client.get("/progress?skip_current_image=true"), "progress").get("state")
        if isinstance(state, Mapping) and any(state.get(name) for name in ("interrupted", "skipped", "stopping_generation")):
            raise Cancelled("Somebody interrupted the other WebUI; the unfinished batch was thrown away.")
        return answer

    def _read(
        self, index: int, request: RenderRequest, parameters: SamplingParameters, answer: Mapping[str, object]
    ) -> RenderedImage:
        from PIL import Image, UnidentifiedImageError

        info = _info(answer)
        pictures = as_list(answer.get("images"), say("list of images"))
        try:
            picture = Image.open(io.BytesIO(base64.b64decode(str(pictures[0]).rpartition(",")[2], validate=True)))
            image = picture.convert("RGB")
        except (IndexError, binascii.Error, UnidentifiedImageError, OSError) as error:
            raise HostError(
                "The WebUI at {url} answered without a picture ({error}).", url=self._client.url, error=str(error)
            ) from error
        flat = all(high - low < FLAT for low, high in image.getextrema())
        status: ImageStatus = "invalid" if flat else "ok"
        texts = info.get("infotexts")
        infotext = str(texts[0]) if isinstance(texts, list) and texts else ""
        if f"{MERGE_INFOTEXT}: " in infotext.rpartition("\n")[2]:
            raise HostError(
                "The model loaded at {url} is merged live; restore it there, or benchmark the saved merge.",
                url=self._client.url,
            )
        drawn = self._checkpoints.name_of(text_of(info, "sd_model_name"), text_of(info, "sd_model_hash"))
        used = {
            "seed": info.get("seed", request.seed),
            "sampler": info.get("sampler_name", parameters.sampler),
            "steps": info.get("steps", parameters.steps),
            "cfg_scale": info.get("cfg_scale", parameters.cfg_scale),
            "width": image.width,
            "height": image.height,
            "batch_size": 1,
        }
        return RenderedImage(index, image, infotext, drawn, status, used)


class _Call:
    """One drawing call on its own thread."""

    def __init__(self, client: Client, body: Mapping[str, object]) -> None:
        self.finished = threading.Event()
        self._answer: object = None
        self._error: BaseException | None = None
        threading.Thread(target=self._run, args=(client, body), name="tag-atelier-remote", daemon=True).start()

    def _run(self, client: Client, body: Mapping[str, object]) -> None:
        try:
            self._answer = client.post("/txt2img", body, DRAW_S)
        except (HostError, Cancelled) as error:
            self._error = error
        finally:
            self.finished.set()

    def answer(self) -> Mapping[str, object]:
        """What came back; raises what the call raised."""
        if self._error is not None:
            raise self._error
        return as_object(self._answer, say("answer"))


def _body(request: RenderRequest, parameters: SamplingParameters, title: str) -> dict[str, object]:
    """What ``POST /sdapi/v1/txt2img`` takes."""
    overrides: dict[str, object] = {"sd_model_checkpoint": title, "CLIP_stop_at_last_layers": parameters.clip_skip}
    if parameters.vae is not None:
        overrides["sd_vae"] = parameters.vae
    body: dict[str, object] = {
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "seed": request.seed,
        "sampler_name": parameters.sampler,
        "scheduler": parameters.scheduler,
        "steps": parameters.steps,
        "cfg_scale": parameters.cfg_scale,
        "width": parameters.width,
        "height": parameters.height,
        "batch_size": 1,
        "n_iter": 1,
        "override_settings": overrides,
    }
    if parameters.eta is not None:
        body["eta"] = parameters.eta
    if parameters.hires is not None:
        hires = parameters.hires
        body |= {"enable_hr": True, "hr_scale": hires.scale, "hr_second_pass_steps": hires.steps}
        body |= {"denoising_strength": hires.denoising, "hr_upscaler": hires.upscaler}
    return body


def _info(answer: Mapping[str, object]) -> Mapping[str, object]:
    """The WebUI's ``info``, a JSON object inside a string."""
    try:
        return as_object(json.loads(text_of(answer, "info")), "info")
    except ValueError as error:
        raise HostError("The WebUI's answer has no readable 'info'; expected the one of /sdapi/v1/txt2img.") from error
