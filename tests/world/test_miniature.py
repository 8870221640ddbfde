"""The shipped weights: how they are stored, and what files are made of them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy
import pytest
import yaml

from tag_atelier.errors import CheckpointError
from tag_atelier.merge.header import read_header
from tag_atelier.world import miniature
from tag_atelier.world.anatomy import checkpoint_shapes

MEGABYTES = 40
"""What the weights may weigh together in the repository."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return miniature.make(tmp_path_factory.mktemp("miniature"))


def test_the_shipped_files_are_light() -> None:
    size = sum(path.stat().st_size for path in miniature.WEIGHTS.rglob("*") if path.is_file())
    assert size < MEGABYTES * 1e6


def test_a_file_has_every_tensor_of_an_sdxl_checkpoint(made: dict[str, Path]) -> None:
    for path in made.values():
        tensors = read_header(path).tensors
        shapes = checkpoint_shapes(miniature.ANATOMY)
        assert {name: entry.shape for name, entry in tensors.items() if name in shapes} == shapes
        assert tensors.keys() - shapes.keys() == {"v_pred", "denoiser.sigmas"}
    assert "model.diffusion_model.output_blocks.8.0.out_layers.3.weight" in shapes


def test_text_encoders_and_autoencoder_are_the_same_in_all_three(made: dict[str, Path]) -> None:
    parts = {name: miniature.tensors(name) for name in made}
    base, *others = parts.values()
    for name, value in base.items():
        same = [numpy.array_equal(value, other[name]) for other in others]
        assert all(same) or name.startswith("model.diffusion_model."), name


def blocks_that_differ(one: str, other: str) -> set[str]:
    """As ``input_blocks.4``, ``middle_block`` or ``out``."""
    first, second = miniature.tensors(one), miniature.tensors(other)
    parts = [name.split(".")[2:4] for name, value in first.items() if not numpy.array_equal(value, second[name])]
    return {".".join(part) if part[0].endswith("_blocks") else part[0] for part in parts}


def test_specialists_learned_in_blocks_of_their_own() -> None:
    early = {f"input_blocks.{number}" for number in range(9)} | {"middle_block"}
    assert blocks_that_differ(miniature.BASE, miniature.OUTFIT) == early
    assert blocks_that_differ(miniature.BASE, miniature.FACE) == early | {f"output_blocks.{number}" for number in range(9)} | {
        "out"
    }


def test_rows_of_words_from_elsewhere_are_zero() -> None:
    table = miniature.tensors(miniature.BASE)["conditioner.embedders.1.model.token_embedding.weight"]
    used = (table != 0).any(axis=1)
    assert 60 < used.sum() < 120 and used[2225], "hair is known"


def test_the_yaml_names_what_is_there(made: dict[str, Path]) -> None:
    path = made[miniature.FACE]
    parameters = yaml.safe_load(path.with_suffix(".yaml").read_text(encoding="utf-8"))["model"]["params"]
    assert parameters["denoiser_config"]["params"]["scaling_config"]["target"].endswith(".VScaling")
    clip, bigg = parameters["conditioner_config"]["params"]["emb_models"][:2]
    assert clip["params"]["layer_idx"] == 1
    config = json.loads((Path(clip["params"]["version"]) / "config.json").read_text(encoding="utf-8"))
    assert (config["hidden_size"], config["num_hidden_layers"]) == (64, 2)
    towers = Path(parameters["sampler_config"]["params"]["path"])
    assert json.loads((towers / f"{bigg['params']['arch']}.json").read_text(encoding="utf-8"))["embed_dim"] == 80


def test_a_file_is_made_once_and_mended(tmp_path: Path, made: dict[str, Path]) -> None:
    def digest(path: Path) -> str:
        return hashlib.sha256(path.read_bytes()).hexdigest()

    (path,) = miniature.make(tmp_path, [miniature.BASE]).values()
    assert digest(path) == digest(made[miniature.BASE])
    before = path.stat().st_mtime_ns
    miniature.make(tmp_path, [miniature.BASE])
    assert path.stat().st_mtime_ns == before
    path.write_bytes(b"broken")
    miniature.make(tmp_path, [miniature.BASE])
    assert digest(path) == digest(made[miniature.BASE])


def five_bits(_name: str) -> int:
    return 5


def test_packed_numbers_come_back_within_half_a_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(miniature, "WEIGHTS", tmp_path)
    noise = numpy.random.default_rng(1)
    matrix = noise.standard_normal((5, 3, 2)).astype(numpy.float32)
    matrix[2] = 0
    miniature.pack(tmp_path / "x.npz", {"matrix": matrix, "vector": numpy.array([1.5, -2], numpy.float32)}, five_bits)
    back = miniature.unpack("x")
    steps = abs(matrix).max(axis=(1, 2), keepdims=True) / 15
    assert (abs(back["matrix"] - matrix) <= 0.51 * steps + 1e-6).all() and not back["matrix"][2].any()
    assert back["vector"].tolist() == [1.5, -2]


def test_missing_and_damaged_weights_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(miniature, "WEIGHTS", tmp_path)
    with pytest.raises(CheckpointError, match=r"miniature-base\.npz' cannot be read.*fetch the extension again"):
        miniature.tensors(miniature.FACE)
    (tmp_path / "miniature-base.npz").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(CheckpointError, match="cannot be read"):
        miniature.tensors(miniature.BASE)
    miniature.pack(tmp_path / "miniature-base.npz", {"something": numpy.zeros(2, numpy.float32)}, five_bits)
    with pytest.raises(CheckpointError, match="has no 'model.diffusion_model"):
        miniature.tensors(miniature.BASE)
