"""What merging one block into a loaded model costs against copying the block's bytes; prints one JSON line.

    python benchmarks/merge_live.py [--gigabytes 1.3] [--repeat 5]

The loaded model is a dictionary of tensors on the CPU; files lie in the page cache. Medians of runs that take turns.

block_over_copy  merging IN07 of a clean model / copying IN07's tensors from memory into the model
noop_ms          applying a recipe that changes nothing to a clean model
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import torch
from merge_file import Quiet, make, timed
from safetensors.torch import load_file

from tag_atelier.merge.live import apply
from tag_atelier.merge.plan import MergePlan, plan
from tag_atelier.merge.recipe import Recipe
from tag_atelier.ports import Checkpoint

_BLOCK = "model.diffusion_model.input_blocks.7."


class Loaded:
    """A loaded model that is put back by copying, outside what is timed."""

    dirty = False

    def __init__(self, path: Path) -> None:
        self._checkpoint = Checkpoint(path.stem, path.stem, path)
        self.tensors = {key: tensor.clone() for key, tensor in load_file(path).items()}

    def checkpoint(self) -> Checkpoint:
        """The file it was loaded from."""
        return self._checkpoint

    def keys(self) -> Sequence[str]:
        """Names as in the file."""
        return list(self.tensors)

    def overwrite(self, tensors: Iterable[tuple[str, torch.Tensor]]) -> None:
        """Copy each into place."""
        for key, tensor in tensors:
            self.tensors[key].copy_(tensor)

    def restore(self) -> None:
        """Never called: it is never dirty."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=1.3)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        files = {model: Path(name) / f"{model}.safetensors" for model in "ab"}
        for seed, file in enumerate(files.values()):
            make(file, int(arguments.gigabytes * 1e9), seed)
        model = Loaded(files["a"])
        block = {key: tensor.clone() for key, tensor in model.tensors.items() if key.startswith(_BLOCK)}

        def planned(weight: float) -> MergePlan:
            recipe = Recipe.from_value({"models": ["a", "b"], "alpha": {"IN07": weight}})
            return plan(recipe, files.__getitem__)

        def copy() -> None:
            for key, tensor in block.items():
                model.tensors[key].copy_(tensor)

        some, nothing = planned(0.37), planned(0)
        taken: dict[str, list[float]] = {"copy": [], "block": [], "noop": []}
        for turn in range(arguments.repeat + 1):
            for kind, work in (
                ("copy", copy),
                ("block", lambda: apply(some, model, Quiet())),
                ("noop", lambda: apply(nothing, model, Quiet())),
            ):
                seconds = timed(work)
                if turn:  # the first warms up
                    taken[kind].append(seconds)
    median = {kind: statistics.median(values) for kind, values in taken.items()}
    line = {
        "benchmark": "merge_live",
        "block_over_copy": round(median["block"] / median["copy"], 2),
        "noop_ms": round(1000 * median["noop"], 2),
        "block_ms": round(1000 * median["block"], 1),
        "copy_ms": round(1000 * median["copy"], 1),
        "block_mib": round(sum(tensor.nbytes for tensor in block.values()) / (1 << 20)),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "torch": torch.__version__,
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
