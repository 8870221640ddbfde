"""Lets our tests see what is drawn inside a job, find a face without a detector, and press other extensions' buttons."""

import hashlib
import sys

from modules import script_callbacks, scripts, sd_models, shared
from modules.call_queue import queue_lock
from PIL import Image, ImageDraw

PREFIX = "/tag-atelier-others"
DETECTOR = "tag-atelier-test.pt"
WATCH = {"on": False, "passes": [], "last": None}


def running():
    found, frame = [], sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "process_images" and frame.f_code.co_filename.endswith("processing.py"):
            found.append(frame.f_locals["p"])
        frame = frame.f_back
    return found


def unet():
    model = sd_models.model_data.sd_model
    network = model.forge_objects.unet.model.diffusion_model if hasattr(model, "forge_objects") else model.model.diffusion_model
    digest = hashlib.sha256()
    for _, tensor in sorted(network.state_dict().items()):
        digest.update(tensor.detach().cpu().contiguous().flatten()[:64].float().numpy().tobytes())
    return digest.hexdigest()


def note_pass(_params):
    if not WATCH["on"]:
        return
    jobs = running()
    now = (jobs[0], jobs[0].iteration)
    if WATCH["last"] != now:
        WATCH["last"] = now
        WATCH["passes"].append({"depth": len(jobs), "prompts": list(jobs[0].prompts), "unet": unet()})


def watch(body: dict):
    WATCH.update(on=bool(body.get("on")), passes=[], last=None)
    return {"unet": unet()}


def passes():
    return {"passes": WATCH["passes"], "unet": unet()}


def find_face(_model, image, **_more):
    """What ADetailer's detectors return: always the same square."""
    box = [image.width // 4, image.height // 4, image.width * 3 // 4, image.height * 3 // 4]
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).rectangle(box, fill=255)
    return sys.modules["adetailer"].PredictOutput(bboxes=[box], masks=[mask], confidences=[0.9], preview=image)


def replace_detector():
    for runner in (scripts.scripts_txt2img, scripts.scripts_img2img):
        for script in runner.alwayson_scripts:
            if script.title() == "ADetailer":
                known = type(script)._postprocess_image_inner.__globals__
                known["ultralytics_predict"] = find_face
                known["model_mapping"][DETECTOR] = DETECTOR


def supermerge(body: dict):
    """What supermerger's "Merge!" does once it has merged; the sum itself is ours: its own knows SD 1.5 no more."""
    mergers = sys.modules["scripts.mergers.mergers"]
    with queue_lock:
        shared.state.begin(job="supermerger")
        try:
            infos = [sd_models.get_closet_checkpoint_match(body[name]) for name in "ab"]
            first, second = (sd_models.read_state_dict(info.filename, map_location="cpu") for info in infos)
            alike = [key for key, value in first.items() if key in second and value.is_floating_point()]
            merged = {**first, **{key: first[key].lerp(second[key], body["alpha"]) for key in alike}}
            mergers.unload_model_weights(sd_models.model_data.sd_model)
            mergers.model_loader(infos[0], merged, {"format": "pt"}, f"{body['a']} x {body['alpha']} + {body['b']}")
        finally:
            shared.state.end()
    return {}


def add_routes(_demo, app):
    replace_detector()
    app.add_api_route(f"{PREFIX}/watch", watch, methods=["POST"])
    app.add_api_route(f"{PREFIX}/passes", passes, methods=["GET"])
    app.add_api_route(f"{PREFIX}/supermerge", supermerge, methods=["POST"])


script_callbacks.on_app_started(add_routes)
script_callbacks.on_cfg_denoiser(note_pass)
