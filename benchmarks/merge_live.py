"""What re-merging one block of a loaded model costs against copying the block's bytes; prints one JSON line.

    python benchmarks/merge_live.py [--gigabytes 1.3] [--repeat 5]

The loaded model is a dictionary of tensors on the CPU; files lie in the page cache. Medians of runs that take turns.

block_over_copy  IN07 merged anew with another weight, the other blocks staying merged / copying IN07's tensors into the model
noop_ms          applying the recipe that is in the model already
first_ms         merging IN07 into a clean model for the first time: its originals are kept, the files are looked through
plan_ms          from a recipe with another weight to its plan, headers read anew
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import torch
from merge_file import Quiet, make, timed
from safetensors.torch import load_file

from benchmarks.machine import machine
from tag_atelier.merge.live import LiveMerger
from tag_atelier.merge.plan import MergePlan, plan
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.stream import write
from tag_atelier.ports import Checkpoint, Values

_BLOCK = "model.diffusion_model.input_blocks.7."


class Loaded:
    """A loaded model that keeps the originals of what is changed, as the port asks."""

    def __init__(self, path: Path) -> None:
        self.version = 0
        self.originals: dict[str, torch.Tensor] = {}
        self._checkpoint = Checkpoint(path.stem, path.stem, path)
        self.tensors = {key: tensor.clone() for key, tensor in load_file(path).items()}

    def checkpoint(self) -> Checkpoint:
        """The file it was loaded from."""
        return self._checkpoint

    def keys(self) -> Sequence[str]:
        """Names as in the file."""
        return list(self.tensors)

    @property
    def dirty(self) -> bool:
        """Whether anything is changed."""
        return bool(self.originals)

    def overwrite(self, tensors: Iterable[tuple[str, torch.Tensor | Values]]) -> None:
        """Bring each into place."""
        self.version += 1
        for key, tensor in tensors:
            if key not in self.originals:
                self.originals[key] = self.tensors[key].clone()
            if isinstance(tensor, torch.Tensor):
                self.tensors[key].copy_(tensor)
            else:
                tensor.fill(self.tensors[key])

    def restore(self, keys: Collection[str] | None = None) -> None:
        """Copy originals back."""
        self.version += 1
        for key in list(self.originals) if keys is None else keys:
            self.tensors[key].copy_(self.originals.pop(key))


def check(model: Loaded, files: dict[str, Path], merge: MergePlan, merger: LiveMerger) -> None:
    """What is in the model is what the file holds, and after the restore what it was loaded from."""
    merger.apply(merge, Quiet())
    write(merge, files["a"].with_name("out.safetensors"), Quiet(), hashed=False)
    for path in (files["a"].with_name("out.safetensors"), files["a"]):
        held = load_file(path)
        assert all(torch.equal(tensor, held[key]) for key, tensor in model.tensors.items()), path.name
        merger.restore()


def measure(files: dict[str, Path], repeat: int) -> dict[str, object]:
    """Seconds of each kind of work, medians of ``repeat``, and the block's size, as they are printed."""
    model = Loaded(files["a"])
    block = {key: tensor.clone() for key, tensor in model.tensors.items() if key.startswith(_BLOCK)}

    def planned(weight: float) -> MergePlan:
        recipe = Recipe.from_value({"models": ["a", "b"], "alpha": {"IN04-OUT05": 0.5, "IN07": weight}})
        return plan(recipe, files.__getitem__)

    def copy() -> None:
        for key, tensor in block.items():
            model.tensors[key].copy_(tensor)

    merger = LiveMerger(model)
    some, other = planned(0.37), planned(0.61)
    first_s = timed(lambda: merger.apply(some, Quiet()))
    taken: dict[str, list[float]] = {"copy": [], "block": [], "noop": [], "plan": []}
    for turn in range(repeat + 1):
        merger.apply(some, Quiet())
        for kind, work in (
            ("block", lambda: merger.apply(other, Quiet())),
            ("noop", lambda: merger.apply(other, Quiet())),
            ("plan", lambda: planned(0.5)),
            ("copy", copy),
        ):
            seconds = timed(work)
            if turn:  # the first warms up
                taken[kind].append(seconds)
        merger.apply(planned(0.13), Quiet())
    check(model, files, other, merger)
    median = {kind: statistics.median(values) for kind, values in taken.items()}
    return {
        "block_over_copy": round(median["block"] / median["copy"], 2),
        "noop_ms": round(1000 * median["noop"], 2),
        "plan_ms": round(1000 * median["plan"], 1),
        "first_ms": round(1000 * first_s, 1),
        "block_ms": round(1000 * median["block"], 1),
        "copy_ms": round(1000 * median["copy"], 1),
        "block_mib": round(sum(tensor.nbytes for tensor in block.values()) / (1 << 20)),
    }


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
        measured = measure(files, arguments.repeat)
    line = {
        "benchmark": "merge_live",
        **measured,
        **machine(),
        "torch": torch.__version__,
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
