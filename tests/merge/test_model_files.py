"""Where a recipe's names lead, and where results go."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.torch import save_file

from tag_atelier.errors import RecipeError, UnknownName
from tag_atelier.merge.model_files import ModelFiles, find_below
from tag_atelier.ports import Host, PromptFiles
from tests.fakes import FakeCheckpointCatalogue, FakeSampler


@pytest.fixture
def files(tmp_path: Path) -> ModelFiles:
    import torch

    for name in ("models/a.safetensors", "models/old.ckpt", "lora/sub/detail.safetensors", "vae/nice.pt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({"x": torch.ones(1)}, path)
    (tmp_path / "data/diffusers/folder").mkdir(parents=True)
    (tmp_path / "data/diffusers/folder/model_index.json").write_text("{}", encoding="utf-8")
    checkpoints = FakeCheckpointCatalogue(tmp_path / "models", [])
    checkpoints.refresh()
    host = Host(
        name="fake",
        sampler=FakeSampler(checkpoints),
        checkpoints=checkpoints,
        data_folder=tmp_path / "data",
        prompt_files=PromptFiles(networks=(tmp_path / "nowhere", tmp_path / "lora")),
        vae_folders=(tmp_path / "vae",),
    )
    return ModelFiles(host)


def test_models_parts_and_folders_are_found(files: ModelFiles, tmp_path: Path) -> None:
    assert files.model("a") == tmp_path / "models/a.safetensors"
    assert files.model("old") == files.model("old.ckpt") == tmp_path / "models/old.ckpt"
    assert files.model("folder") == tmp_path / "data/diffusers/folder"
    assert files.part("lora", "detail") == files.part("lora", "sub/detail") == tmp_path / "lora/sub/detail.safetensors"
    assert files.part("vae", "nice.pt") == tmp_path / "vae/nice.pt"
    assert files.part("vae", "a") == files.part("text_encoder", "a") == tmp_path / "models/a.safetensors"


def test_hashes_that_the_host_knows(files: ModelFiles, tmp_path: Path) -> None:
    from tag_atelier.ports import Checkpoint

    assert files.known_hash("a") is None
    assert files.known_hash("nowhere") is None
    files._host.checkpoints.checkpoints.append(Checkpoint("k", "k", tmp_path / "k", "0" * 64))  # type: ignore[attr-defined]
    assert files.known_hash("k") == "0" * 64


def test_what_is_not_there(files: ModelFiles) -> None:
    with pytest.raises(UnknownName, match="checkpoint 'b'"):
        files.model("b")
    with pytest.raises(UnknownName, match="Unknown LoRA 'b'; expected one of: detail"):
        files.part("lora", "b")
    with pytest.raises(UnknownName, match="checkpoint 'b'"):
        files.part("vae", "b")


@pytest.mark.parametrize("name", ["../a", "x/../../a", "/etc/passwd", "C:\\x", "\\\\server\\x", "..\\a", "a\0b"])
@pytest.mark.parametrize("kind", ["lora", "vae"])
def test_no_name_leads_out_of_the_folders(files: ModelFiles, name: str, kind: str) -> None:
    with pytest.raises(RecipeError, match="leads out of the folder of models"):
        files.part(kind, name)
    with pytest.raises(RecipeError, match="leads out of the folder of models"):
        files.model(name)


def test_the_nearer_name_wins(tmp_path: Path) -> None:
    for name in ("deep/x.safetensors", "x.ckpt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    assert find_below((tmp_path,), "x") == tmp_path / "x.ckpt"
    assert find_below((tmp_path,), "deep/x") == tmp_path / "deep/x.safetensors"
    assert find_below((tmp_path,), "y") is None
