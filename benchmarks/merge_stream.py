"""Speed and memory of the streamed merge against a plain copy of the same bytes; prints one JSON line.

    python benchmarks/merge_stream.py [--gigabytes 0.4] [--models 2] [--repeat 3]

``io_s``: every model read once and one written and brought to the disk, one thread, 1 MiB at a time. ``mix_s``: read and
mixed, thrown away. ``hash_s``: SHA-256 of the result alone. ``wall_s``: the whole merge, hash and disk included.
``rss_over_bare_mib``: peak memory over the process after its imports. Medians; the page cache is warm.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from tag_atelier.merge.header import render_header
from tag_atelier.merge.plan import MergePlan, plan
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.stream import results, write

_PIECE = 1 << 20
_SHARES = {"conditioner.embedders.1.model.big": 0.2, "model.diffusion_model.input_blocks.8.1.big": 0.12}


class Quiet:
    """A progress nobody looks at."""

    cancelled = False

    def begin(self, total: int, text: str = "") -> None:
        """Nothing."""

    def advance(self, steps: int = 1, text: str = "") -> None:
        """Nothing."""


def make(path: Path, size_bytes: int, seed: int) -> None:
    """A file of SDXL's layout: as many tensors as the real one, a few of them large, random half-precision values."""
    count = size_bytes // 2
    tensors: list[tuple[str, str, tuple[int, ...]]] = [(key, "F16", (int(count * share),)) for key, share in _SHARES.items()]
    small = (count - sum(shape[0] for _, _, shape in tensors)) // 2500
    for i in range(2500):
        folder = f"input_blocks.{i % 9}" if i % 2 else f"output_blocks.{i % 9}"
        tensors.append((f"model.diffusion_model.{folder}.1.{i}.weight", "F16", (small,)))
    tensors.append(("model.diffusion_model.label_emb.0.0.weight", "F16", (8,)))
    noise = (0.05 * torch.randn(1 << 20, generator=torch.Generator().manual_seed(seed))).half()
    with path.open("wb") as file:
        file.write(render_header(tensors, {"format": "pt"}))
        for _, _, (length,) in tensors:
            for low in range(0, length, noise.numel()):
                file.write(noise[: min(noise.numel(), length - low)].numpy().tobytes())


def copy(sources: list[Path], destination: Path) -> None:
    """Read every source once, write the first and bring it to the disk."""
    buffer = bytearray(_PIECE)
    with destination.open("wb", buffering=0) as out:
        for source in sources:
            with source.open("rb", buffering=0) as file:
                while count := file.readinto(buffer):
                    if source is sources[0]:
                        out.write(memoryview(buffer)[:count])
        os.fsync(out.fileno())


def timed(work: Callable[[], object]) -> float:
    """Seconds that ``work`` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def peak_rss_mib() -> float:
    """Peak resident memory of this process, 0 where the system does not say."""
    try:
        import resource
    except ImportError:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20) if sys.platform == "darwin" else peak / 1024


def hash_file(path: Path) -> str:
    """SHA-256, read 1 MiB at a time."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def compute_only(merge: MergePlan) -> None:
    """Read and mix, throw the result away."""
    for _ in results(merge, merge.steps, Quiet()):
        pass


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=0.4)
    parser.add_argument("--models", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    bare = peak_rss_mib()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        names = [f"m{i}" for i in range(arguments.models)]
        for seed, model in enumerate(names):
            make(folder / f"{model}.safetensors", int(arguments.gigabytes * 1e9), seed)
        sources = [folder / f"{model}.safetensors" for model in names]
        alpha = [0.7 / (len(names) - 1)] * (len(names) - 1)
        merge = plan(Recipe.from_value({"models": names, "alpha": alpha}), lambda model: folder / f"{model}.safetensors")
        compute_only(merge)
        out, copied = folder / "out.safetensors", folder / "copy"
        wall, io, mixing, hashing = [], [], [], []
        for _ in range(arguments.repeat):
            out.unlink(missing_ok=True)
            copied.unlink(missing_ok=True)
            io.append(timed(lambda: copy(sources, copied)))
            mixing.append(timed(lambda: compute_only(merge)))
            wall.append(timed(lambda: write(merge, out, Quiet())))
            hashing.append(timed(lambda: hash_file(out)))
        seconds = {"wall_s": wall, "io_s": io, "mix_s": mixing, "hash_s": hashing}
        medians = {key: round(statistics.median(values), 3) for key, values in seconds.items()}
        rate = merge.write_bytes / medians["wall_s"]
        line = {
            "benchmark": "merge_stream",
            "models": len(names),
            "gigabytes_each": arguments.gigabytes,
            **medians,
            "bytes_per_s": round(rate),
            "copy_bytes_per_s": round(merge.write_bytes / medians["io_s"]),
            "wall_over_io": round(medians["wall_s"] / medians["io_s"], 2),
            "wall_over_hash": round(medians["wall_s"] / medians["hash_s"], 2),
            "mix_over_io": round(medians["mix_s"] / medians["io_s"], 2),
            "rss_over_bare_mib": round(peak_rss_mib() - bare),
            "torch": torch.__version__,
        }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
