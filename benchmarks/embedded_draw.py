"""How fast the embedded host draws, and what a batch changes: one JSON line with the device's name.

    python benchmarks/embedded_draw.py [--checkpoints FOLDER --name NAME --size 1024 --steps 20]

Without a checkpoint the tiny SDXL one is made and drawn at 128x128. ``batch_gain`` is seconds per image alone over
seconds per image in a batch of 8; ``batch_max_difference`` the largest grey-level difference of the same cell drawn
both ways; ``live_equals_file`` whether a live merge draws the pixels of the merged file.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tag_atelier.host.embedded import build
from tag_atelier.jobs.runner import Job
from tag_atelier.merge.live import apply
from tag_atelier.merge.plan import plan
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.stream import write
from tag_atelier.ports import Host, RenderedImage, RenderRequest, SamplingParameters
from tag_atelier.world import tiny_checkpoints

TAGS = ("smile", "glaring", "reaching", "sitting", "white dress", "business suit", "from above", "hat")


def draw(host: Host, name: str, prompts: list[str], parameters: SamplingParameters) -> tuple[list[Any], float]:
    """The pictures of one batch as arrays, and its seconds."""
    images: list[RenderedImage] = []
    started = time.perf_counter()
    requests = [RenderRequest(prompt, "lowres", 1) for prompt in prompts]
    host.sampler.render(requests, parameters, host.checkpoints.resolve(name), images.append, Job("draw", "", lambda _: {}))
    seconds = time.perf_counter() - started
    return [numpy.asarray(image.image).astype(int) for image in sorted(images, key=lambda image: image.index)], seconds


def live_equals_file(host: Host, first: str, second: str, folder: Path, parameters: SamplingParameters) -> bool:
    """Merge the two live and to a file, and compare what both draw."""
    recipe = Recipe.from_value(
        {"method": "weighted_sum", "models": [first, second], "alpha": {"BASE": 0.5, "M00": 0.5, "OUT00": 0.25}}
    )
    planned = plan(recipe, lambda name: host.checkpoints.resolve(name).path or Path(name))
    host.checkpoints.load(host.checkpoints.resolve(first))
    assert host.live_model is not None
    apply(planned, host.live_model, Job("live", "", lambda _: {}))
    live, _ = draw(host, first, ["1girl, smile"], parameters)
    host.live_model.restore()
    write(planned, folder / "benchmark-merged.safetensors", Job("file", "", lambda _: {}))
    host.checkpoints.refresh()
    file, _ = draw(host, "benchmark-merged", ["1girl, smile"], parameters)
    (folder / "benchmark-merged.safetensors").unlink()
    return bool((live[0] == file[0]).all())


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--checkpoints", type=Path)
    arguments.add_argument("--name", default="tiny-sdxl-a")
    arguments.add_argument("--size", type=int, default=128)
    arguments.add_argument("--steps", type=int, default=8)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.checkpoints or Path(scratch) / "models"
        if given.checkpoints is None:
            tiny_checkpoints.make(folder, ("tiny-sdxl-a", "tiny-sdxl-b"))
        host = build(folder, Path(scratch) / "data")
        parameters = SamplingParameters("Euler", steps=given.steps, width=given.size, height=given.size)
        prompts = [f"1girl, {tag}, white background" for tag in TAGS]
        draw(host, given.name, prompts, parameters)
        alone = [draw(host, given.name, [prompt], parameters) for prompt in prompts]
        together, seconds = min((draw(host, given.name, prompts, parameters) for _ in range(3)), key=lambda drawn: drawn[1])
        result: dict[str, object] = {
            "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
            "checkpoint": given.name,
            "size": given.size,
            "steps": given.steps,
            "images_per_s_alone": round(len(prompts) / sum(taken for _, taken in alone), 3),
            "images_per_s_batch_8": round(len(prompts) / seconds, 3),
            "batch_gain": round(sum(taken for _, taken in alone) / seconds, 3),
            "batch_max_difference": max(int(abs(a[0] - b).max()) for (a, _), b in zip(alone, together, strict=True)),
        }
        if given.checkpoints is None:
            result["live_equals_file"] = live_equals_file(host, "tiny-sdxl-a", "tiny-sdxl-b", folder, parameters)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
