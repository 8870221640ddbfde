"""A benchmark against X/Y/Z plot in the same running WebUI; part of ``grid_overhead.py``.

Both draw the same cells with the tiny SDXL checkpoint and save every picture; the plot's legend and grid file are off,
while the benchmark also tags, stores and reports. Boots the first checkout found (SD_WEBUI_DIR, else the home folder).
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.webui.checkout import Checkout, find_checkouts
from tests.webui.client import OURS, Client
from tests.webui.data_folder import make_data_folder, make_models
from tests.webui.server import Server

CHECKPOINT = "tiny-sdxl-a"
PROMPT = "1girl, solo, {tag}, white background"
PATIENCE_S = 1800.0
"""How long one answer may take: a whole plot is one, on a machine that others load too."""
POLL_S = 0.25
"""Not more often: the answers are computed by the process that draws."""
PLOT = "x/y/z plot"
PROMPT_AXIS = "Prompt S/R"
PLOT_OPTIONS = ("Nothing", "Seed", "Var. seed", "Var. strength", "Steps", "Hires steps", "CFG Scale", PROMPT_AXIS)
"""The first axes of txt2img in WebUI 1.10.1, in its order; over HTTP an axis is named by its place."""


def benchmark_s(client: Client, tags: Sequence[str], fields: dict[str, object], batch: int, name: str) -> float:
    """Seconds per cell of a benchmark from its request to the end of its job, report included."""
    parameters = {key: fields[key] for key in ("sampler", "steps", "width", "height")}
    spec = {"name": name, "template": PROMPT, "tags": list(tags), "checkpoints": [CHECKPOINT], "parameters": parameters}
    spec |= {"batch_size": batch, "self_test": 0, "escape": False}
    started = time.perf_counter()
    job = client.post(f"{OURS}/benchmarks", {"spec": spec})
    while (job := client.get(f"{OURS}/jobs/{job['id']}"))["state"] in ("queued", "running"):
        time.sleep(POLL_S)
    seconds = time.perf_counter() - started
    assert job["state"] == "done", job
    return seconds / int(job["result"]["drawn"])


def plot_s(client: Client, tags: Sequence[str], fields: dict[str, object]) -> float:
    """Seconds per cell of X/Y/Z plot over the same prompts, one axis, every picture saved."""
    axis = [PLOT_OPTIONS.index(PROMPT_AXIS), ", ".join(f'"{tag}"' for tag in ("{tag}", *tags)), []]
    nothing: list[object] = [0, "", []]
    switches: list[object] = [False, False, False, False, False, False, False, 0, False]  # legend … text instead of menus
    job = {"prompt": PROMPT, "sampler_name": fields["sampler"], "seed": 1, "cfg_scale": 7, "save_images": True}
    job |= {key: fields[key] for key in ("steps", "width", "height")}
    job |= {"script_name": PLOT, "script_args": [*axis, *nothing, *nothing, *switches], "send_images": False}
    started = time.perf_counter()
    client.post("/sdapi/v1/txt2img", job)
    return (time.perf_counter() - started) / (len(tags) + 1)


def measure(tags: Sequence[str], fields: dict[str, object], batch: int, repeats: int) -> dict[str, object]:
    """Medians of alternating repeats; empty where no WebUI is at hand."""
    checkouts = [checkout for checkout in find_checkouts() if not checkout.has_parts]
    if not checkouts:
        return {}
    with tempfile.TemporaryDirectory(prefix="tag-atelier-grid-") as scratch:
        server = _server(checkouts[0], Path(scratch))
        try:
            server.start()  # without --skip-install: our install.py adds what the tagger needs
            client = server.client
            client.timeout_s = PATIENCE_S
            client.post("/sdapi/v1/options", {"sd_model_checkpoint": f"{CHECKPOINT}.safetensors", "samples_save": True})
            plot_s(client, tags[:2], fields)  # warms up
            pairs = [
                (plot_s(client, tags, fields), benchmark_s(client, tags, fields, batch, f"grid {number}"))
                for number in range(repeats)
            ]
        finally:
            server.stop()
    plot, ours = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    return {
        "webui": checkouts[0].name,
        "xyz_cells_per_second": round(1 / plot, 3),
        "webui_cells_per_second": round(1 / ours, 3),
        "cells_per_second_over_xyz": round(statistics.median(plot / ours for plot, ours in pairs), 3),
    }


def _server(checkout: Checkout, folder: Path) -> Server:
    make_models(folder / "models", checkout)
    make_data_folder(folder / "data", folder / "models", "link", f"{CHECKPOINT}.safetensors")
    python = checkout.layered_python(folder / "python")
    return Server(checkout, python, folder / "data", checkout.requirements_file(folder), folder / "log.txt")
