"""What a GPU makes of full-size SDXL: re-merging a loaded model's UNet, drawing in batches; one JSON line per part.

    python benchmarks/gpu.py [--repeat 5] [--folder DIR]

Two half-precision files with the shapes of SDXL's UNet and random values (5.1 GB each) are made in DIR; every block gets
another weight each time. Prints one line that says so where there is no CUDA device.

merge_from_host_s  sources in this machine's memory, page-locked
merge_from_gpu_ms  sources kept on the device
images_per_second_B  pictures of 1024 pixels in 28 steps of Euler with CFG, B = 1, 2, 4, 8 at once: ``gpu_draw``
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import torch
from gpu_draw import draw_line
from merge_file import Quiet, timed
from merge_live import Loaded
from safetensors.torch import load_file

from tag_atelier.merge import live_sources
from tag_atelier.merge.header import render_header
from tag_atelier.merge.live import LiveMerger
from tag_atelier.merge.plan import MergePlan, plan
from tag_atelier.merge.recipe import Recipe
from tag_atelier.world.anatomy import sdxl, unet_shapes

_UNET = "model.diffusion_model."
_WEIGHTS = (0.2, 0.35, 0.5, 0.65, 0.8)


def make_unet(path: Path, seed: int, channels: int) -> None:
    """The UNet of SDXL alone, random values in half precision; the real one has 320 ``channels``."""
    anatomy = sdxl(channels, 768, 1280, 128).unet
    shapes = [(f"{_UNET}{name}", "F16", shape) for name, shape in unet_shapes(anatomy)]
    noise = (0.05 * torch.randn(1 << 22, generator=torch.Generator().manual_seed(seed))).half().numpy().tobytes()
    with path.open("wb") as file:
        file.write(render_header(shapes, {"format": "pt"}))
        for _, _, shape in shapes:
            size_bytes = 2 * int(torch.Size(shape).numel())
            for low in range(0, size_bytes, len(noise)):
                file.write(noise[: min(len(noise), size_bytes - low)])


def merge_line(folder: Path, repeat: int, device: torch.device, channels: int = 320) -> dict[str, object]:
    """Medians of re-merging every UNet block, with the sources on either side of the bus; results are checked."""
    files = {name: folder / f"{name}.safetensors" for name in "ab"}
    for seed, file in enumerate(files.values()):
        make_unet(file, seed, channels)
    plans = [plan(Recipe.from_value({"models": ["a", "b"], "alpha": {"UNET": w}}), files.__getitem__) for w in _WEIGHTS]
    host = _median(files["a"], plans, repeat, device, near=False)
    near = _median(files["a"], plans, repeat, device, near=True)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return {
        "benchmark": "gpu_merge",
        "merge_from_host_s": round(host, 3),
        "merge_from_gpu_ms": round(1000 * near, 1),
        "unet_gb": round(files["a"].stat().st_size / 1e9, 2),
        "device": name,
        "torch": torch.__version__,
    }


def _median(first: Path, plans: list[MergePlan], repeat: int, device: torch.device, near: bool) -> float:
    """Seconds of one re-merge; ``near`` says whether sources may be kept on the device."""
    room = live_sources._has_room
    live_sources._has_room = lambda where, size: near or where.type == "cpu"  # type: ignore[assignment]
    try:
        model = Loaded(first)
        model.tensors = {key: tensor.to(device) for key, tensor in model.tensors.items()}
        merger, taken = LiveMerger(model), []
        for turn in range(repeat + 2):
            each = plans[turn % len(plans)]
            seconds = timed(lambda each=each: _carry_out(merger, each, device))
            if turn > 1:  # the first keep originals and sources
                taken.append(seconds)
        _check(model, plans[(repeat + 1) % len(plans)], first)
        return statistics.median(taken)
    finally:
        live_sources._has_room = room


def _carry_out(merger: LiveMerger, each: MergePlan, device: torch.device) -> None:
    merger.apply(each, Quiet())
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _check(model: Loaded, merged: MergePlan, first: Path) -> None:
    """A few tensors against float64; one unit in the last place may differ where the device adds in another order."""
    sources = [load_file(path) for path in (first, first.with_name("b.safetensors"))]
    weight = merged.block_weights[0]["M00"]
    for key in list(sources[0])[::200]:
        exact = sources[0][key].double() * (1 - weight) + sources[1][key].double() * weight
        off = (model.tensors[key].cpu().double() - exact).abs()
        assert bool((off <= exact.abs() * 2.0**-10 + 2.0**-24).all()), key


def main() -> None:
    """Measure and print; a line that says so where there is nothing to measure with."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=None)
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        print(json.dumps({"benchmark": "gpu", "skipped": "there is no CUDA device", "torch": torch.__version__}))
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        print(json.dumps(merge_line(Path(name), arguments.repeat, torch.device("cuda"))), flush=True)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        print(json.dumps(draw_line(Path(name), arguments.repeat, torch.device("cuda"))), flush=True)


if __name__ == "__main__":
    main()
