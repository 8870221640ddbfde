"""Pictures per second of full-size SDXL by batch size, weights random: part of ``gpu.py``.

Noise is drawn in place of pictures, which takes as long: the embedded host samples and decodes as for a real checkpoint.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import torch

from tag_atelier.bench.fit import out_of_memory
from tag_atelier.errors import HostError
from tag_atelier.host.embedded import build
from tag_atelier.jobs.runner import Job
from tag_atelier.merge.header import render_header
from tag_atelier.ports import RenderRequest, SamplingParameters
from tag_atelier.world.anatomy import POSITIONS, Anatomy, checkpoint_shapes, sdxl
from tag_atelier.world.clip_vocabulary import grown_merges, write_tokenizer
from tag_atelier.world.tiny_checkpoints import SUPPORT_FOLDER

BATCHES = (1, 2, 4, 8)
FULL_SIZE = sdxl(320, 768, 1280, 128)
NAME = "random-sdxl"
_SPREAD = 0.02


def make_checkpoint(folder: Path, anatomy: Anatomy = FULL_SIZE) -> Path:
    """A whole checkpoint of SDXL's names and shapes, half precision, random; 6.9 GB at full size."""
    write_tokenizer(folder / SUPPORT_FOLDER / "clip-l", grown_merges())
    path = folder / f"{NAME}.safetensors"
    shapes = checkpoint_shapes(anatomy)
    positions = torch.arange(POSITIONS).numpy().tobytes()
    kinds = {name: "I64" if name.endswith("position_ids") else "F16" for name in shapes}
    noise = (_SPREAD * torch.randn(1 << 22, generator=torch.Generator().manual_seed(7))).half().numpy().tobytes()
    with path.open("wb") as file:
        file.write(render_header([(name, kinds[name], shape) for name, shape in shapes.items()], {"format": "pt"}))
        for name, shape in shapes.items():
            if kinds[name] == "I64":
                file.write(positions)
                continue
            size_bytes = 2 * int(torch.Size(shape).numel())
            for low in range(0, size_bytes, len(noise)):
                file.write(noise[: min(len(noise), size_bytes - low)])
    return path


def draw_line(
    folder: Path, repeat: int, device: torch.device, anatomy: Anatomy = FULL_SIZE, side: int = 1024
) -> dict[str, object]:
    """Medians over ``repeat`` turns of each batch size; a size that does not fit the memory is left out."""
    make_checkpoint(folder, anatomy)
    host = build(folder, folder / "data", device=str(device))
    checkpoint = host.checkpoints.resolve(NAME)
    parameters = SamplingParameters(sampler="Euler", steps=28 if device.type == "cuda" else 2, width=side, height=side)
    progress = Job("draw", "", lambda _: {})
    paces: dict[str, float] = {}
    for size in BATCHES:
        batch = [RenderRequest(f"1girl, {number}", "lowres", 1) for number in range(size)]
        try:
            host.sampler.render(batch, parameters, checkpoint, lambda _image: None, progress)  # warms up
            taken = []
            for _ in range(repeat):
                started = time.perf_counter()
                host.sampler.render(batch, parameters, checkpoint, lambda _image: None, progress)
                taken.append(time.perf_counter() - started)
        except HostError as error:
            if not out_of_memory(error):
                raise
            break
        paces[f"images_per_second_{size}"] = round(size / statistics.median(taken), 4)
    return {"benchmark": "gpu_draw", "side": side, "steps": parameters.steps, **paces}
