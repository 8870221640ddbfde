"""A checkpoint as a diffusers folder and back, tensor for tensor; what diffusers itself makes of it; broken folders."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tag_atelier.errors import Cancelled, CheckpointError, RecipeError
from tag_atelier.merge import diffusers_output
from tag_atelier.merge.output import write_result
from tag_atelier.merge.plan import plan
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.sources import open_model
from tag_atelier.world import tiny_checkpoints

LOST = (
    "position_ids",
    "logit_scale",
    "betas",
    "sigmas",
    "alphas_cumprod",
    "alphas_cumprod_prev",
    "posterior",
    "coef",
    "cumprod",
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    tiny_checkpoints.make(folder, ["tiny-sd15-a", "tiny-sdxl-a"])
    return folder


def write(source: Path, destination: Path, counter, **options: object) -> Path:
    recipe = Recipe.from_value({"models": [source.name], "options": options})
    write_result(plan(recipe, lambda name: source), destination, counter())
    return destination


@pytest.fixture(scope="module")
def folders(world: Path) -> dict[str, Path]:
    from tests.fakes import FakeProgress

    made = {}
    for family in ("sd15", "sdxl"):
        source, target = world / f"tiny-{family}-a.safetensors", world / family
        recipe = Recipe.from_value({"models": [source.name], "options": {"format": "diffusers"}})
        result = write_result(plan(recipe, lambda name, source=source: source), target, FakeProgress())
        assert result.size_bytes == sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
        assert any("no tokenizers" in note for note in result.notes)
        made[family] = target
    return made


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_there_and_back_again_is_the_same_bytes(
    world: Path, folders: dict[str, Path], counter, tmp_path: Path, family: str
) -> None:
    before = load_file(world / f"tiny-{family}-a.safetensors")
    after = load_file(write(folders[family], tmp_path / "back.safetensors", counter))
    learned = [key for key in before if not any(part in key for part in LOST)]
    assert [key for key in learned if key not in after or not torch.equal(before[key], after[key])] == []
    assert {key: after[key].shape for key in learned} == {key: before[key].shape for key in learned}
    added = set(after) - set(learned)
    assert {key.rpartition(".")[2] for key in added} == {"sd15": {"position_ids"}, "sdxl": {"position_ids", "logit_scale"}}[
        family
    ]


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_diffusers_builds_the_model_from_it(folders: dict[str, Path], family: str) -> None:
    diffusers = pytest.importorskip("diffusers")
    transformers = pytest.importorskip("transformers")
    folder = folders[family]
    kinds = {"unet": diffusers.UNet2DConditionModel, "vae": diffusers.AutoencoderKL, "text_encoder": transformers.CLIPTextModel}
    if family == "sdxl":
        kinds["text_encoder_2"] = transformers.CLIPTextModelWithProjection
    for part, kind in kinds.items():
        extra = {} if part in ("unet", "vae") else {"ignore_mismatched_sizes": False}
        model, info = kind.from_pretrained(folder / part, output_loading_info=True, low_cpu_mem_usage=False, **extra)
        assert (info["missing_keys"], info["unexpected_keys"]) == ([], []), part
        assert sum(parameter.numel() for parameter in model.parameters()) > 0
    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    assert index["_class_name"] == {"sd15": "StableDiffusionPipeline", "sdxl": "StableDiffusionXLPipeline"}[family]
    assert {name for name, value in index.items() if isinstance(value, list) and value[0]} >= {*kinds, "scheduler", "tokenizer"}


def test_a_folder_is_merged_with_a_file_and_converted(world: Path, folders: dict[str, Path], counter, tmp_path: Path) -> None:
    recipe = Recipe.from_value({"models": ["folder", "file"], "alpha": 0.5, "options": {"dtype": "bf16"}})
    file = world / "tiny-sdxl-a.safetensors"
    result = write_result(
        plan(recipe, {"folder": folders["sdxl"], "file": file}.__getitem__), tmp_path / "x.safetensors", counter()
    )
    before, after = load_file(file), load_file(tmp_path / "x.safetensors")
    assert {tensor.dtype for key, tensor in after.items() if "position_ids" not in key} == {torch.bfloat16}
    key = "conditioner.embedders.1.model.transformer.resblocks.3.attn.in_proj_weight"
    assert torch.equal(after[key], before[key].to(torch.bfloat16))
    assert not result.replaced


def test_text_encoders_of_folders_and_of_files_of_their_own(
    world: Path, folders: dict[str, Path], counter, tmp_path: Path
) -> None:
    """CLIP-G in transformers' names, CLIP-L of the other architecture."""
    second = folders["sdxl"] / "text_encoder_2" / "model.safetensors"
    changed = {key: value + 1 for key, value in load_file(second).items()}
    save_file(changed, tmp_path / "clip_g.safetensors")
    source = world / "tiny-sdxl-a.safetensors"
    files = {"a": source, "clip_g": tmp_path / "clip_g.safetensors", "folder": folders["sd15"]}
    options = {"text_encoders": {"CLIP_G": "clip_g", "CLIP_L": "folder"}}
    recipe = Recipe.from_value({"models": ["a"], "options": options})
    write_result(plan(recipe, files.__getitem__), tmp_path / "out.safetensors", counter())
    before, after = load_file(source), load_file(tmp_path / "out.safetensors")
    for key in ("transformer.resblocks.3.attn.in_proj_weight", "text_projection", "ln_final.bias"):
        key = f"conditioner.embedders.1.model.{key}"
        assert torch.equal(after[key], before[key] + 1), key
    first = "transformer.text_model.encoder.layers.2.mlp.fc1.weight"
    given = load_file(world / "tiny-sd15-a.safetensors")[f"cond_stage_model.{first}"]
    assert torch.equal(after[f"conditioner.embedders.0.{first}"], given)


def test_marks_shards_pickles_and_tokenizers(folders: dict[str, Path], counter, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(folders["sd15"], folder)
    (folder / "tokenizer").mkdir()
    (folder / "tokenizer" / "merges.txt").write_text("x", encoding="utf-8")
    scheduler = {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True}
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(scheduler), encoding="utf-8")
    unet = load_file(folder / "unet" / "diffusion_pytorch_model.safetensors")
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    names = [f"diffusion_pytorch_model-0000{i}-of-00002.safetensors" for i in (1, 2)]
    for i, name in enumerate(names):
        save_file({key: unet[key] for key in list(unet)[i::2]}, folder / "unet" / name)
    index = {"weight_map": {key: f"../{names[i % 2]}" for i, key in enumerate(unet)}}
    (folder / "unet" / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    torch.save(load_file(folder / "text_encoder" / "model.safetensors"), folder / "text_encoder" / "pytorch_model.bin")
    (folder / "text_encoder" / "model.safetensors").unlink()
    given, plain = open_model(folder), open_model(folders["sd15"])
    assert set(given.tensors) == {*plain.tensors, "v_pred", "ztsnr"}
    again = write(folder, tmp_path / "again", counter, format="diffusers")
    assert (again / "tokenizer" / "merges.txt").read_text(encoding="utf-8") == "x"
    assert load_file(again / "unet" / "diffusion_pytorch_model.safetensors").keys() == unet.keys()
    written = json.loads((again / "scheduler" / "scheduler_config.json").read_text(encoding="utf-8"))
    assert (written["prediction_type"], written["rescale_betas_zero_snr"]) == ("v_prediction", True)


def test_broken_folders(folders: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="folder 'empty' has no model_index.json"):
        (tmp_path / "empty").mkdir()
        open_model(tmp_path / "empty")
    folder = tmp_path / "model"
    shutil.copytree(folders["sdxl"], folder)
    path = folder / "text_encoder_2" / "model.safetensors"
    tensors = load_file(path)
    del tensors["text_model.encoder.layers.0.self_attn.k_proj.weight"]
    save_file(tensors, path)
    with pytest.raises(
        CheckpointError, match="no matching query, key and value for 'transformer.resblocks.0.attn.in_proj_weight'"
    ):
        open_model(folder)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(CheckpointError, match=r"'model.safetensors' is truncated"):
        open_model(folder)
    shutil.rmtree(folder / "vae")
    with pytest.raises(CheckpointError, match="'model' has no weights in its folder 'vae'"):
        open_model(folder)


def test_a_folder_that_changes_is_noticed(folders: dict[str, Path], counter, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(folders["sd15"], folder)
    merge = plan(Recipe.from_value({"models": ["m"]}), lambda name: folder)
    os.utime(folder / "vae" / "diffusion_pytorch_model.safetensors", (1, 1))
    with pytest.raises(CheckpointError, match=r"'diffusion_pytorch_model.safetensors' has changed"):
        write_result(merge, tmp_path / "x.safetensors", counter())


def test_the_folder_appears_whole_or_not_at_all(
    world: Path, folders: dict[str, Path], counter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = world / "tiny-sd15-a.safetensors"
    merge = plan(Recipe.from_value({"models": ["m"], "options": {"format": "diffusers"}}), lambda name: source)
    with pytest.raises(Cancelled):
        write_result(merge, tmp_path / "x", counter(stop_after=20))
    with pytest.raises(RecipeError, match="'sd15' exists already"):
        write_result(merge, folders["sd15"], counter())

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(diffusers_output.Path, "replace", full)
    with pytest.raises(RecipeError, match="No space left on device"):
        write_result(merge, tmp_path / "x", counter())
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_lacks_what_a_folder_needs(shelf, counter) -> None:
    shelf.add("a")
    with pytest.raises(CheckpointError, match="lacks tensors that a diffusers folder needs"):
        write(shelf.path("a"), shelf.folder / "x", counter, format="diffusers")
    assert not (shelf.folder / "x").exists()
