"""The tiny checkpoint files: counts, values, repeatability, and what stands beside them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy
import pytest
import yaml
from safetensors import safe_open

from tag_atelier.merge.header import read_header
from tag_atelier.world import tiny_checkpoints


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(("name", "count", "megabytes"), [("tiny-sd15-a", 1143, 36), ("tiny-sdxl-b", 2516, 86)])
def test_counts_and_sizes_are_the_measured_ones(
    tiny_checkpoints: dict[str, Path], name: str, count: int, megabytes: int
) -> None:
    header = read_header(tiny_checkpoints[name])
    assert len(header.tensors) == count
    assert megabytes - 2 < header.size_bytes / 1e6 < megabytes
    assert header.metadata["format"] == "pt"


def test_values_are_numbers_and_b_differs_everywhere_from_a(tiny_checkpoints: dict[str, Path]) -> None:
    with (
        safe_open(str(tiny_checkpoints["tiny-sd15-a"]), "numpy") as first,
        safe_open(str(tiny_checkpoints["tiny-sd15-b"]), "numpy") as second,
    ):
        for name in first.keys():  # noqa: SIM118  safe_open is no mapping
            one, other = first.get_tensor(name), second.get_tensor(name)
            assert numpy.isfinite(one).all() and numpy.isfinite(other).all(), name
            learned = one.dtype == numpy.float16
            assert learned == bool((one != other).any()), name


def test_schedules_are_stable_diffusions(tiny_checkpoints: dict[str, Path]) -> None:
    with safe_open(str(tiny_checkpoints["tiny-sd15-a"]), "numpy") as file:
        betas = file.get_tensor("betas")
        kept = file.get_tensor("alphas_cumprod")
    assert betas[[0, 999]] == pytest.approx([0.00085, 0.012])
    assert kept[[0, 999]] == pytest.approx([0.99915, 0.0046601], rel=1e-4)
    with safe_open(str(tiny_checkpoints["tiny-sdxl-a"]), "numpy") as file:
        assert file.get_tensor("denoiser.sigmas")[[0, 999]] == pytest.approx([0.029167, 14.6146], rel=1e-4)


def test_a_file_is_made_once_again_the_same_and_mended(tmp_path: Path, tiny_checkpoints: dict[str, Path]) -> None:
    (path,) = tiny_checkpoints_made(tmp_path)
    assert digest(path) == digest(tiny_checkpoints["tiny-sd15-a"])
    before = path.stat().st_mtime_ns
    tiny_checkpoints_made(tmp_path)
    assert path.stat().st_mtime_ns == before
    path.write_bytes(b"broken")
    tiny_checkpoints_made(tmp_path)
    assert digest(path) == digest(tiny_checkpoints["tiny-sd15-a"])
    assert not list(tmp_path.rglob("*.part"))


def tiny_checkpoints_made(folder: Path) -> list[Path]:
    return list(tiny_checkpoints.make(folder, ["tiny-sd15-a"]).values())


def test_the_yaml_names_folders_that_are_there(tiny_checkpoints: dict[str, Path]) -> None:
    path = tiny_checkpoints["tiny-sdxl-a"]
    parameters = yaml.safe_load(path.with_suffix(".yaml").read_text(encoding="utf-8"))["model"]["params"]
    clip, bigg = parameters["conditioner_config"]["params"]["emb_models"][:2]
    clip_folder = Path(clip["params"]["version"])
    assert json.loads((clip_folder / "config.json").read_text(encoding="utf-8"))["hidden_size"] == 64
    assert {"vocab.json", "merges.txt"} <= {file.name for file in clip_folder.iterdir()}
    towers = Path(parameters["sampler_config"]["params"]["path"])
    tower = json.loads((towers / f"{bigg['params']['arch']}.json").read_text(encoding="utf-8"))
    assert tower["text_cfg"]["width"] == 96
    assert parameters["network_config"]["params"]["context_dim"] == 64 + 96
