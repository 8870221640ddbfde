"""The small part of the WebUI's ``/sdapi/v1`` that ``host/remote`` speaks, on the embedded host.

Names and shapes are WebUI 1.10.1's. A call draws one prompt: whoever wants a batch of different prompts sends one call
an image. Added by ``cli serve`` and by tests; bodies are plain JSON, so FastAPI's and pydantic's versions do not matter.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

from PIL.PngImagePlugin import PngInfo

from tag_atelier.errors import HostError, TagAtelierError
from tag_atelier.host.embedded.activity import Activity
from tag_atelier.host.embedded.catalogue import EmbeddedCheckpoints
from tag_atelier.host.embedded.draw_request import DrawRequest, read_draw_request
from tag_atelier.host.embedded.noise_levels import SCHEDULES
from tag_atelier.host.embedded.sampler import EmbeddedSampler
from tag_atelier.host.embedded.solvers import SAMPLERS
from tag_atelier.jobs.origins import refuse_other_sites
from tag_atelier.jobs.values import read_body, read_text, refuse_unknown
from tag_atelier.ports import Checkpoint, Host, RenderedImage

PREFIX = "/sdapi/v1"

Body = Mapping[str, object]
Handler = Callable[[Body], object]


class _Asked:
    """A call is stopped by the interrupt route, which the sampler looks at itself; nobody counts its steps elsewhere."""

    cancelled = False

    def begin(self, total: int, text: str = "") -> None:
        """Nothing to tell."""

    def advance(self, steps: int = 1, text: str = "") -> None:
        """Nothing to tell."""


class WebuiApi:
    """The routes' work, without HTTP: bodies in, JSON values out."""

    def __init__(self, sampler: EmbeddedSampler, checkpoints: EmbeddedCheckpoints) -> None:
        self._sampler = sampler
        self._checkpoints = checkpoints
        self._activity: Activity = sampler.activity

    def txt2img(self, body: Body) -> object:
        """Draw and answer with base64 PNGs, the request, and the WebUI's ``info`` as a JSON string."""
        request = read_draw_request(body)
        images: list[RenderedImage] = []
        with self._activity.exclusive():
            checkpoint = self._wanted(request.checkpoint)
            identity = self._checkpoints.identify(checkpoint)
            for batch in request.batches:
                drawn: list[RenderedImage] = []
                self._sampler.render(batch, request.parameters, checkpoint, drawn.append, _Asked())
                images += sorted(drawn, key=lambda image: image.index)
        files = [_png(image) for image in images] if request.send_images else []
        return {"images": files, "parameters": dict(body), "info": json.dumps(_info(request, images, checkpoint, identity))}

    def sd_models(self, _body: Body) -> object:
        """All checkpoints; hashes where they are known already."""
        return [self._listed(checkpoint) for checkpoint in self._checkpoints.list()]

    def samplers(self, _body: Body) -> object:
        """Names of samplers."""
        return [{"name": name, "aliases": [], "options": {}} for name in SAMPLERS]

    def schedulers(self, _body: Body) -> object:
        """Names and labels of noise schedules."""
        return [{"name": label.lower().replace(" ", "_"), "label": label} for label in ("Automatic", *SCHEDULES)]

    def progress(self, _body: Body) -> object:
        """How far the drawing under way is, 0…1."""
        steps, done = self._activity.steps, self._activity.done
        state = {"interrupted": self._activity.interrupted, "skipped": False, "job_count": int(steps > 0)}
        state |= {"sampling_step": done, "sampling_steps": steps}
        share = done / steps if steps else 0.0
        return {"progress": share, "eta_relative": 0.0, "state": state, "current_image": None, "textinfo": None}

    def interrupt(self, _body: Body) -> object:
        """Stop the drawing under way."""
        self._activity.interrupt()
        return {}

    def refresh_checkpoints(self, _body: Body) -> object:
        """Look through the folder again."""
        self._checkpoints.refresh()
        return None

    def options(self, _body: Body) -> object:
        """The loaded checkpoint, under the WebUI's name for it."""
        loaded = self._checkpoints.loaded()
        return {"sd_model_checkpoint": self._listed(loaded)["title"] if loaded else None, "CLIP_stop_at_last_layers": 1}

    def set_options(self, body: Body) -> object:
        """Load a checkpoint."""
        refuse_unknown(body, ("sd_model_checkpoint",), "The request")
        with self._activity.exclusive():
            self._checkpoints.load(self._checkpoints.resolve(read_text(body, "sd_model_checkpoint")))
        return None

    def _wanted(self, name: str) -> Checkpoint:
        """The named checkpoint, else the loaded one, else the first."""
        if name:
            return self._checkpoints.resolve(name)
        found = self._checkpoints.loaded() or next(iter(self._checkpoints.list()), None)
        if found is None:
            raise HostError("There is no checkpoint in this host's folder; put a .safetensors file there.")
        return found

    def _listed(self, checkpoint: Checkpoint) -> dict[str, object]:
        sha256 = self._checkpoints.known_hash(checkpoint)
        short = sha256[:10] if sha256 else None
        title = f"{checkpoint.title} [{short}]" if short else checkpoint.title
        file = {"filename": str(checkpoint.path), "config": None}
        return {"title": title, "model_name": checkpoint.name, "hash": short, "sha256": sha256, **file}


def _png(image: RenderedImage) -> str:
    text = PngInfo()
    text.add_text("parameters", image.infotext)
    stream = io.BytesIO()
    image.image.save(stream, format="PNG", pnginfo=text, compress_level=1)
    return base64.b64encode(stream.getvalue()).decode("ascii")


def _info(request: DrawRequest, images: list[RenderedImage], checkpoint: Checkpoint, identity: str) -> dict[str, object]:
    parameters, first = request.parameters, request.batches[0][0]
    asked = [one for batch in request.batches for one in batch]
    return {
        "prompt": first.prompt,
        "all_prompts": [one.prompt for one in asked],
        "negative_prompt": first.negative_prompt,
        "all_negative_prompts": [one.negative_prompt for one in asked],
        "seed": first.seed,
        "all_seeds": [one.seed for one in asked],
        "width": parameters.width,
        "height": parameters.height,
        "sampler_name": parameters.sampler,
        "cfg_scale": parameters.cfg_scale,
        "steps": parameters.steps,
        "batch_size": len(request.batches[0]),
        "sd_model_name": checkpoint.name,
        "sd_model_hash": identity[:10],
        "extra_generation_params": {"Schedule type": parameters.scheduler},
        "infotexts": [image.infotext for image in images],
        "clip_skip": parameters.clip_skip,
    }


def add_routes(app: Any, host: Host) -> None:
    """Add the routes to a FastAPI or Starlette ``app``. They ask for no login: the caller listens on this machine only.

    Raises:
        HostError: ``host`` is not the embedded one.
    """
    sampler, checkpoints = host.sampler, host.checkpoints
    if not isinstance(sampler, EmbeddedSampler) or not isinstance(checkpoints, EmbeddedCheckpoints):
        raise HostError("'{name}' has its own routes; only the embedded host gets them added.", name=host.name)
    api = WebuiApi(sampler, checkpoints)
    routes: tuple[tuple[str, str, Handler], ...] = (
        ("POST", "/txt2img", api.txt2img),
        ("GET", "/sd-models", api.sd_models),
        ("GET", "/samplers", api.samplers),
        ("GET", "/schedulers", api.schedulers),
        ("GET", "/progress", api.progress),
        ("POST", "/interrupt", api.interrupt),
        ("GET", "/options", api.options),
        ("POST", "/options", api.set_options),
        ("POST", "/refresh-checkpoints", api.refresh_checkpoints),
    )
    for method, path, handler in routes:
        app.add_route(PREFIX + path, _endpoint(handler), methods=[method])


def _endpoint(handler: Handler) -> Callable[[Any], Any]:
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import JSONResponse

    async def endpoint(request: Any) -> Any:
        try:
            body = await _read(request) if request.method == "POST" else {}
            return JSONResponse(await run_in_threadpool(handler, body))
        except TagAtelierError as error:
            return JSONResponse({"error": type(error).__name__, "detail": str(error)}, status_code=error.status)

    return endpoint


async def _read(request: Any) -> dict[str, object]:
    """The JSON object of a request of our own page or of a program; an empty body is an empty object."""
    refuse_other_sites(request)
    return await read_body(request)
