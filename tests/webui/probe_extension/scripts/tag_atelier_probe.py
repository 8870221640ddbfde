"""Looks into the running WebUI for our tests: hashes of the live weights, the conditioning caches, planned failures."""

import hashlib
import time

import torch
from modules import processing, script_callbacks, scripts, sd_models, shared
from modules.call_queue import queue_lock

PREFIX = "/tag-atelier-probe"
PLANNED = {"fail": "", "step_delay_s": 0.0, "prompts": []}


def parts(model):
    if hasattr(model, "forge_objects"):
        objects = model.forge_objects
        yield "unet", objects.unet.model.diffusion_model
        yield "text", objects.clip.cond_stage_model
        yield "vae", objects.vae.first_stage_model
    else:
        yield "unet", model.model
        yield "text", model.cond_stage_model
        yield "vae", model.first_stage_model


def fingerprint(module):
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().to("cpu", torch.float32).contiguous().numpy().tobytes())
    return digest.hexdigest()


def weights():
    with queue_lock, torch.no_grad():
        model = sd_models.model_data.sd_model
        if getattr(model, "sd_checkpoint_info", None) is None:
            return {"checkpoint": ""}
        found = {name: fingerprint(module) for name, module in parts(model)}
        return {**found, "checkpoint": model.sd_checkpoint_info.name_for_extra}


def conditionings():
    caches = [getattr(processing.StableDiffusionProcessing, name) for name in ("cached_c", "cached_uc")]
    caches += [getattr(processing.StableDiffusionProcessingTxt2Img, name) for name in ("cached_hr_c", "cached_hr_uc")]
    return {"filled": sum(item is not None for cache in caches for item in cache)}


def plan(body: dict):
    PLANNED.update(body)
    return PLANNED


def reload_ui():
    """What the page's "Reload UI" does."""
    shared.state.request_restart()
    return {}


def add_routes(_demo, app):
    app.add_api_route(f"{PREFIX}/weights", weights, methods=["GET"])
    app.add_api_route(f"{PREFIX}/conditionings", conditionings, methods=["GET"])
    app.add_api_route(f"{PREFIX}/plan", plan, methods=["POST"])
    app.add_api_route(f"{PREFIX}/reload", reload_ui, methods=["POST"])


def slow_down(_params):
    time.sleep(PLANNED["step_delay_s"])


class ProbeScript(scripts.Script):
    """Raises inside the next job, or gives each of its pictures a prompt of its own, where a test asked for it."""

    def title(self):
        return "Tag Atelier probe"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def process(self, p, *args):
        step, PLANNED["fail"] = PLANNED["fail"], ""
        own, PLANNED["prompts"] = PLANNED["prompts"], []
        p.all_prompts = [*own, *p.all_prompts[len(own) :]]
        if step:
            setattr(p, step, self.fail)

    @staticmethod
    def fail(*args, **kwargs):
        raise RuntimeError("the probe was asked to fail here")


script_callbacks.on_app_started(add_routes)
script_callbacks.on_cfg_denoiser(slow_down)
