"""What a merge to a file costs against the bytes it moves; prints one JSON line.

    python benchmarks/merge_file.py [--gigabytes 1.3] [--repeat 5] [--folder DIR]

Two half-precision files of SDXL's layout, weighted sum, page cache warm, medians of runs that take turns. Bringing the file to
the disk is left out everywhere: it costs the same for all and depends on the disk alone.

wall_over_io      our merge without hash / reading both files and writing one, one thread, 1 MiB at a time
wall_over_webui   our merge without hash / the WebUI's merger without hash: the real one where SD_WEBUI_DIR names a WebUI
                  1.10.1 (SD_WEBUI_PYTHON: its Python), else its way: load both, mix in half precision, save
hashed_over_hash  our merge with the SHA-256 of the result / that hash alone
hashed_over_webui  where the real one runs: our merge with the hash / the WebUI's, which always hashes
rss_mib_2, _6     peak memory of a merge of 2 and of 6 models over the same process before it
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from safetensors.torch import load_file, save_file

from benchmarks.machine import machine
from tag_atelier.merge.header import render_header
from tag_atelier.merge.plan import MergePlan, plan
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.stream import write

_PIECE = 1 << 20
_UNET = "model.diffusion_model."
_BLOCKS = {
    "conditioner.embedders.0.transformer.": (197, 3.6),
    "conditioner.embedders.1.model.": (390, 20.0),
    "first_stage_model.": (248, 2.4),
    f"{_UNET}input_blocks.4.": (58, 0.8),
    f"{_UNET}input_blocks.5.": (56, 0.8),
    f"{_UNET}input_blocks.7.": (218, 10.8),
    f"{_UNET}input_blocks.8.": (216, 11.0),
    f"{_UNET}middle_block.": (226, 11.9),
    f"{_UNET}output_blocks.0.": (218, 11.5),
    f"{_UNET}output_blocks.1.": (218, 11.5),
    f"{_UNET}output_blocks.2.": (220, 11.7),
    f"{_UNET}output_blocks.3.": (58, 1.1),
    f"{_UNET}output_blocks.4.": (58, 1.0),
    f"{_UNET}output_blocks.5.": (60, 1.0),
    f"{_UNET}label_emb.": (4, 0.2),
    f"{_UNET}out.": (4, 0.1),
}
"""Prefix → tensors and per cent of the bytes, of the real SDXL base model; blocks below 0.1 % left out."""


class Quiet:
    """A progress nobody looks at."""

    cancelled = False

    def begin(self, total: int, text: str = "") -> None:
        """Nothing."""

    def advance(self, steps: int = 1, text: str = "") -> None:
        """Nothing."""


def make(path: Path, size_bytes: int, seed: int) -> None:
    """A file of SDXL's layout, random values in half precision; half of a block's bytes lie in an eighth of its tensors."""
    tensors: list[tuple[str, str, tuple[int, ...]]] = []
    for prefix, (keys, share) in _BLOCKS.items():
        values, large = int(size_bytes * share / 200), max(1, keys // 8)
        for i in range(keys):
            count = values // 2 // large if i < large else values // 2 // (keys - large)
            tensors.append((f"{prefix}{i * 7919 % keys}.weight", "F16", (max(1, count),)))
    noise = (0.05 * torch.randn(1 << 20, generator=torch.Generator().manual_seed(seed))).half().numpy().tobytes()
    with path.open("wb") as file:
        file.write(render_header(tensors, {"format": "pt"}))
        for _, _, (length,) in tensors:
            for low in range(0, 2 * length, len(noise)):
                file.write(noise[: min(len(noise), 2 * length - low)])


def merge_plan(sources: list[Path]) -> MergePlan:
    """An even mix of all ``sources``."""
    names = [f"m{i}" for i in range(len(sources))]
    alpha = [0.7 / (len(names) - 1)] * (len(names) - 1)
    return plan(Recipe.from_value({"models": names, "alpha": alpha}), dict(zip(names, sources, strict=True)).__getitem__)


def plain_io(sources: list[Path], destination: Path) -> None:
    """Read every source once, write as much as one of them holds."""
    buffer = bytearray(_PIECE)
    with destination.open("wb", buffering=0) as out:
        for source in sources:
            with source.open("rb", buffering=0) as file:
                while count := file.readinto(buffer):
                    if source is sources[0]:
                        out.write(memoryview(buffer)[:count])


def webui(sources: list[Path], destination: Path) -> None:
    """What the WebUI's checkpoint merger does, in its order and precision (WebUI 1.10.1, modules/extras.py)."""
    other = load_file(sources[1])
    mixed = load_file(sources[0])
    for key in list(mixed):
        mixed[key] = (1 - 0.7) * mixed[key] + 0.7 * other[key]
    save_file(mixed, destination, {"format": "pt"})


class RealWebui:
    """The merger of a WebUI's checkout in a process of its own; started once, so that only merges are timed."""

    def __init__(self, checkout: Path, folder: Path) -> None:
        own = checkout / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        python = os.environ.get("SD_WEBUI_PYTHON") or (str(own) if own.exists() else sys.executable)
        command = [python, str(Path(__file__).with_name("webui_merger.py")), str(checkout), str(folder)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, text=True, **pipes)  # type: ignore[call-overload]
        self._answer()

    def merge(self) -> dict[str, float]:
        """Seconds of one merge, without and with the hash of the result."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return dict(zip(("webui_s", "webui_hashed_s"), map(float, self._answer().split()), strict=True))

    def _answer(self) -> str:
        line = str(self._process.stdout.readline())
        if not line:
            raise SystemExit("The WebUI's merger ended; try benchmarks/webui_merger.py by hand to see why.")
        return line

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait()


def find_webui() -> Path | None:
    """The first WebUI named in SD_WEBUI_DIR that is no Forge, whose tensors lie elsewhere."""
    named = [Path(part) for part in os.environ.get("SD_WEBUI_DIR", "").split(os.pathsep) if part]
    return next((root for root in named if (root / "launch.py").is_file() and not (root / "modules_forge").is_dir()), None)


def hash_file(path: Path) -> None:
    """SHA-256, read 1 MiB at a time."""
    digest, buffer = hashlib.sha256(), bytearray(_PIECE)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(memoryview(buffer)[:count])


def timed(work: Callable[[], object]) -> float:
    """Seconds that ``work`` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def peak_rss_mib() -> float:
    """Peak resident memory of this process, 0 where the system does not say."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux getrusage goes on from the peak of the process that started this one
        peak = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 1024
    try:
        import resource
    except ImportError:
        return 0.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)  # bytes, on macOS


def measure_rss(sources: list[Path], destination: Path) -> None:
    """Print by how much one merge raises this process's peak."""
    bare = peak_rss_mib()
    write(merge_plan(sources), destination, Quiet())
    print(round(peak_rss_mib() - bare))


def rss_of(models: int, sources: list[Path], destination: Path) -> int:
    """``measure_rss`` in a process of its own."""
    destination.unlink(missing_ok=True)
    command = [sys.executable, __file__, "--rss", str(destination), *(str(sources[i % 2]) for i in range(models))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout)


def measure_times(sources: list[Path], folder: Path, repeat: int) -> dict[str, float]:
    """Medians in seconds."""
    merge, out, other = merge_plan(sources), folder / "out.safetensors", folder / "other.safetensors"
    checkout = find_webui()
    real = RealWebui(checkout, folder) if checkout else None
    kinds: dict[str, Callable[[], object]] = {
        "io_s": lambda: plain_io(sources, other),
        "wall_s": lambda: write(merge, out, Quiet(), hashed=False),
        "webui_s": lambda: webui(sources, other),
        "hash_s": lambda: hash_file(sources[0]),
        "hashed_s": lambda: write(merge, out, Quiet()),
    }
    taken: dict[str, list[float]] = {name: [] for name in kinds}
    for turn in range(repeat + 1):
        for name, work in kinds.items():
            out.unlink(missing_ok=True)
            other.unlink(missing_ok=True)
            seconds = {name: timed(work)} if real is None or name != "webui_s" else real.merge()
            if turn:  # the first warms up
                for kind, value in seconds.items():
                    taken.setdefault(kind, []).append(value)
    if real:
        real.close()
    return {name: statistics.median(values) for name, values in taken.items()}


def _against_real(seconds: dict[str, float]) -> dict[str, object]:
    if "webui_hashed_s" not in seconds:
        return {"webui": "its way"}
    return {"webui": "real", "hashed_over_webui": round(seconds["hashed_s"] / seconds["webui_hashed_s"], 2)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=1.3)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--rss", nargs="+", type=Path, default=None, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.fsync = lambda descriptor: None  # type: ignore[assignment]
    if arguments.rss:
        measure_rss(arguments.rss[1:], arguments.rss[0])
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        sources = [folder / "a.safetensors", folder / "b.safetensors"]
        for seed, source in enumerate(sources):
            make(source, int(arguments.gigabytes * 1e9), seed)
        rss = {f"rss_mib_{models}": rss_of(models, sources, folder / "out.safetensors") for models in (2, 6)}
        seconds = measure_times(sources, folder, arguments.repeat)
        line = {
            "benchmark": "merge_file",
            "wall_over_io": round(seconds["wall_s"] / seconds["io_s"], 2),
            "wall_over_webui": round(seconds["wall_s"] / seconds["webui_s"], 2),
            "hashed_over_hash": round(seconds["hashed_s"] / seconds["hash_s"], 2),
            **_against_real(seconds),
            **rss,
            **{key: round(value, 3) for key, value in seconds.items()},
            "gigabytes_each": round(sources[0].stat().st_size / 1e9, 3),
            **machine(),
            "torch": torch.__version__,
        }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
