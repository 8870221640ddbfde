"""Models in every format they come in, read and merged; faults put right; parts taken from other files."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from tag_atelier.errors import CheckpointError, UnknownName
from tag_atelier.merge.composer import open_file
from tag_atelier.merge.header import ComposedHeader
from tag_atelier.merge.plan import MergePlan, plan
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.sources import open_model, open_vae
from tag_atelier.merge.stream import write

UNET = "model.diffusion_model."
IN00, OUT00 = f"{UNET}input_blocks.0.0.weight", f"{UNET}output_blocks.0.0.weight"
TEXT = "cond_stage_model.transformer.text_model.layers.0.weight"
IDS = "cond_stage_model.transformer.text_model.embeddings.position_ids"
VAE = "first_stage_model.decoder.conv_in.weight"


def planned(folder: Path, **recipe: object) -> MergePlan:
    def resolve(name: str) -> Path:
        found = [path for path in (folder / name, folder / f"{name}.safetensors") if path.exists()]
        if not found:
            raise UnknownName("checkpoint", name)
        return found[0]

    return plan(Recipe.from_value({"models": ["a", "b"], "alpha": 0.5, **recipe}), resolve)


def merged(shelf, counter, **recipe: object) -> dict[str, torch.Tensor]:
    path = shelf.path("out")
    path.unlink(missing_ok=True)
    write(planned(shelf.folder, **recipe), path, counter())
    return load_file(path)


@pytest.mark.parametrize("suffix", [".ckpt", ".pt", ".pth", ".bin"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_pickled_file_gives_the_same_bytes_as_a_safetensors_file(shelf, counter, suffix: str, wrapped: bool) -> None:
    shelf.add("a", seed=1)
    made = shelf.add("b", seed=2)
    expected = merged(shelf, counter)
    table = {"state_dict": made, "epoch": 3, "note": "trained"} if wrapped else made
    torch.save(table, shelf.folder / f"b{suffix}")
    got = merged(shelf, counter, models=["a", f"b{suffix}"])
    assert got.keys() == expected.keys()
    assert all(torch.equal(got[key], expected[key]) for key in got)


def test_tensors_that_share_memory_or_are_not_contiguous_are_read_as_they_look(shelf, counter) -> None:
    made = shelf.add("a", seed=1)
    shared = torch.randn(4, 5, generator=torch.Generator().manual_seed(3)).half()
    made[OUT00], made[f"{UNET}input_blocks.1.0.weight"] = shared.T, shared
    torch.save(made, shelf.folder / "a.pt")
    out = merged(shelf, counter, models=["a.pt"], alpha=[])
    assert torch.equal(out[OUT00], shared.T)
    assert torch.equal(out[f"{UNET}input_blocks.1.0.weight"], shared)


def test_torchs_old_format_is_read_and_said(shelf, counter) -> None:
    made = shelf.add("a", seed=1)
    torch.save(made, shelf.folder / "a.ckpt", _use_new_zipfile_serialization=False)
    merge = planned(shelf.folder, models=["a.ckpt"], alpha=[])
    assert merge.notes == ("'a.ckpt' is of torch's old format and was read into memory as a whole.",)
    out = merged(shelf, counter, models=["a.ckpt"], alpha=[])
    assert all(torch.equal(out[key], made[key]) for key in made)


class Hostile:
    """Writes a file when it is unpickled by a loader that runs what it finds."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("form", ["zip", "legacy", "plain pickle", "tar"])
def test_a_hostile_pickle_is_refused_and_runs_nothing(tmp_path: Path, form: str) -> None:
    proof, path = tmp_path / "ran", tmp_path / "evil.ckpt"
    payload = {"state_dict": {"x": torch.ones(2)}, "callbacks": Hostile(proof)}
    if form == "plain pickle":
        path.write_bytes(pickle.dumps(payload))
    elif form == "tar":
        import tarfile

        inner = tmp_path / "pickle"
        inner.write_bytes(pickle.dumps(payload))
        with tarfile.open(path, "w") as archive:
            archive.add(inner, "pickle")
    else:
        torch.save(payload, path, _use_new_zipfile_serialization=form == "zip")
    with pytest.raises(CheckpointError, match=r"'evil.ckpt' (holds more than tensors|is neither)") as refusal:
        open_model(path)
    assert not proof.exists()
    assert str(refusal.value).count(". ") == 0


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "is neither"),
        (b"GGUF" + b"\0" * 20, "is neither"),
        (b"PK\x03\x04" + b"\0" * 30, "cannot be read as a checkpoint"),
    ],
)
def test_files_that_are_no_checkpoints(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "x.ckpt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=found):
        open_model(path)


def test_pickles_without_tensors_and_truncated_ones(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    torch.save({"epoch": 3}, path)
    with pytest.raises(CheckpointError, match="holds no tensors with names"):
        open_model(path)
    torch.save({"x": torch.ones(2, dtype=torch.complex64)}, path)
    with pytest.raises(CheckpointError, match="stores 'x' as complex64"):
        open_model(path)
    torch.save({"x": torch.ones(1000)}, path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(CheckpointError, match="cannot be read as a checkpoint"):
        open_model(path)
    with pytest.raises(CheckpointError, match="cannot be read \\(No such file"):
        open_model(tmp_path / "none.ckpt")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("hello.txt", "no checkpoint")
    with pytest.raises(CheckpointError, match="cannot be read as a checkpoint"):
        open_model(path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1), bits=st.integers(1, 255), count=st.integers(1, 4), legacy=st.booleans())
def test_a_damaged_pickle_is_read_or_refused_never_more(
    tmp_path: Path, place: float, bits: int, count: int, legacy: bool
) -> None:
    path = tmp_path / "x.ckpt"
    torch.save({"a": torch.ones(3, 4), "b": torch.arange(5)}, path, _use_new_zipfile_serialization=not legacy)
    content = bytearray(path.read_bytes())
    start = int(place * (len(content) - count))
    for i in range(count):
        content[start + i] ^= bits
    path.write_bytes(content)
    try:
        header = open_file(path)
    except CheckpointError as refusal:
        assert "'x.ckpt'" in str(refusal)
    else:
        assert all(entry.size_bytes >= 0 for entry in header.tensors.values())


def test_a_pickled_source_that_changes_is_noticed(shelf, counter) -> None:
    shelf.add("a")
    made = shelf.add("b")
    torch.save(made, shelf.folder / "b.ckpt")
    merge = planned(shelf.folder, models=["a", "b.ckpt"])
    os.utime(shelf.folder / "b.ckpt", (1, 1))
    with pytest.raises(CheckpointError, match=r"'b.ckpt' has changed"):
        write(merge, shelf.path("out"), counter())


def test_novelai_names_become_the_usual_ones(shelf, counter) -> None:
    made = shelf.add("b", seed=2)
    old = {key.replace("text_model.layers", "encoder.layers").replace("text_model.", ""): value for key, value in made.items()}
    save_file(old, shelf.path("a"))
    out = merged(shelf, counter, models=["a"], alpha=[])
    assert torch.equal(out["cond_stage_model.transformer.text_model.encoder.layers.0.weight"], made[TEXT])
    assert IDS in out
    assert "old names" in planned(shelf.folder, models=["a"], alpha=[]).notes[0]


def test_damaged_position_ids_are_repaired_and_said(shelf, counter) -> None:
    shelf.add("a", change={IDS: torch.tensor([[0.0, 1.0, 1.9, 3.0, 4.0, 5.0, 6.0]]).half()})
    merge = planned(shelf.folder, models=["a"], alpha=[])
    assert merge.notes == ("The position ids of 'a.safetensors' were not 0 to 6 in whole numbers; they are repaired.",)
    assert type(merge.sources[0].header) is ComposedHeader
    out = merged(shelf, counter, models=["a"], alpha=[], options={"dtype": "bf16"})
    assert torch.equal(out[IDS], torch.arange(7)[None])
    assert out[IN00].dtype == torch.bfloat16
    shelf.add("a", change={IDS: torch.zeros(1, 7, dtype=torch.int64)})
    assert torch.equal(merged(shelf, counter, models=["a"], alpha=[])[IDS], torch.arange(7)[None])


def test_averaged_weights_are_used_only_when_they_are_wanted(shelf, counter) -> None:
    average = torch.full((5, 4), 7.0).half()
    shelf.add(
        "a", fill=1.0, change={"model_ema.diffusion_modeloutput_blocks00weight": average, "model_ema.decay": torch.ones(1)}
    )
    plain = merged(shelf, counter, models=["a"], alpha=[])
    assert not any(key.startswith("model_ema.") for key in plain)
    assert bool((plain[OUT00] == 1).all())
    wanted = {"models": ["a"], "alpha": [], "options": {"ema": True}}
    assert torch.equal(merged(shelf, counter, **wanted)[OUT00], average)
    assert planned(shelf.folder, **wanted).notes[0] == "The UNet of 'a.safetensors' is its averaged (EMA) weights: 1 tensors."
    shelf.add("a")
    assert "has no averaged (EMA) weights" in planned(shelf.folder, **wanted).notes[0]


@pytest.mark.parametrize("naming", ["bare", "prefixed", "pickled", "diffusers"])
def test_a_vae_from_a_file_of_its_own(shelf, counter, naming: str) -> None:
    shelf.add("a", fill=1.0)
    vae = {"decoder.conv_in.weight": torch.full((2, 2), 5.0), "encoder.conv_out.bias": torch.ones(2), "loss.x": torch.ones(1)}
    name = "vae.pt" if naming == "pickled" else "vae.safetensors"
    if naming == "prefixed":
        vae = {f"first_stage_model.{key}": value for key, value in vae.items()}
    if naming == "diffusers":
        vae["decoder.mid_block.attentions.0.to_q.weight"] = torch.ones(3, 3)
        assert open_vae_of(shelf, vae)["first_stage_model.decoder.mid.attn_1.q.weight"] == (3, 3, 1, 1)
    torch.save(vae, shelf.folder / name) if naming == "pickled" else save_file(vae, shelf.folder / name)
    out = merged(shelf, counter, models=["a"], alpha=[], options={"vae": name})
    assert bool((out[VAE] == 5).all())
    assert out[VAE].dtype == torch.float16
    assert bool((out[IN00] == 1).all())


def open_vae_of(shelf, vae: dict[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    save_file(vae, shelf.folder / "vae.safetensors")
    return {key: entry.shape for key, entry in open_vae(shelf.folder / "vae.safetensors").tensors.items()}


def test_text_encoders_from_any_model(shelf, counter) -> None:
    shelf.add("a", architecture="sdxl", fill=1.0)
    shelf.add("b", architecture="sdxl", fill=2.0)
    shelf.add("old", fill=3.0)
    first, second = (
        "conditioner.embedders.0.transformer.text_model.layers.0.weight",
        "conditioner.embedders.1.model.layers.0.weight",
    )
    out = merged(shelf, counter, options={"text_encoders": "b"})
    assert (float(out[first][0, 0]), float(out[second][0, 0]), float(out[IN00][0, 0, 0, 0])) == (2.0, 2.0, 1.5)
    out = merged(shelf, counter, models=["a"], alpha=[], options={"text_encoders": {"CLIP_G": "b.safetensors"}})
    assert (float(out[first][0, 0]), float(out[second][0, 0])) == (1.0, 2.0)
    # CLIP-L of a Stable Diffusion 1.5 model
    made = load_file(shelf.path("old"))
    made["cond_stage_model.transformer.text_model.embeddings.weight"] = torch.ones(1)
    save_file(made, shelf.path("old"))
    out = merged(shelf, counter, models=["a"], alpha=[], options={"text_encoders": {"CLIP_L": "old"}})
    assert (float(out[first][0, 0]), float(out[second][0, 0])) == (3.0, 1.0)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"vae": "lora.safetensors"}, "nothing that looks like a VAE"),
        ({"text_encoders": {"CLIP_L": "lora.safetensors"}}, "nothing that looks like the text encoder CLIP_L"),
    ],
)
def test_donors_that_have_no_such_part(shelf, options: dict[str, object], found: str) -> None:
    shelf.add("a")
    save_file({"lora_unet_x.alpha": torch.ones(1)}, shelf.folder / "lora.safetensors")
    with pytest.raises(CheckpointError, match=found):
        planned(shelf.folder, models=["a"], alpha=[], options=options)


@pytest.mark.parametrize(
    "change",
    [
        {f"{UNET}input_blocks.1.0.scale_weight": torch.ones(1)},
        {"scaled_fp8": torch.ones(2)},
        {OUT00: torch.ones(10, 1, dtype=torch.uint8)},
        {f"{UNET}output_blocks.0.0.weight.absmax": torch.ones(1)},
    ],
)
def test_quantised_weights_are_refused(shelf, change: dict[str, torch.Tensor]) -> None:
    shelf.add("a")
    shelf.add("b", change=change)
    with pytest.raises(CheckpointError, match="'b.safetensors' has quantised weights"):
        planned(shelf.folder)


def test_a_donor_that_is_not_there(shelf) -> None:
    shelf.add("a")
    with pytest.raises(UnknownName, match="'my-vae'"):
        planned(shelf.folder, models=["a"], alpha=[], options={"vae": "my-vae"})


def test_prune_leaves_out_what_no_block_holds(shelf) -> None:
    change = {"loss.weight": torch.ones(2), "alphas_cumprod": torch.ones(3), "v_pred": torch.empty(0)}
    made = shelf.add("a", change=change)
    merge = planned(shelf.folder, models=["a"], alpha=[], options={"prune": True})
    assert {step.key for step in merge.steps} == set(made) - {"loss.weight"}
    assert merge.notes == ("1 tensors of 'a' that no block holds are left out.",)


def test_stable_diffusion_1_with_xl_is_refused_at_once_whatever_the_size(tmp_path: Path) -> None:
    """From sparse files of real size: nothing of 7 GB is read or allocated."""
    import time
    import tracemalloc
    from math import prod

    from tag_atelier.merge.header import render_header
    from tag_atelier.world.anatomy import checkpoint_shapes, sd15, sdxl

    for name, anatomy in (("a", sdxl(320, 768, 1280, 128)), ("b", sd15(320, 768, 128))):
        shapes = checkpoint_shapes(anatomy)
        start = render_header([(key, "F16", shape) for key, shape in shapes.items()], {})
        with (tmp_path / f"{name}.safetensors").open("wb") as file:
            file.write(start)
            file.truncate(len(start) + 2 * sum(map(prod, shapes.values())))
    refused = pytest.raises(CheckpointError, match="'a' is Stable Diffusion XL but 'b' is Stable Diffusion 1.5")
    started = time.process_time()
    with refused:
        planned(tmp_path)
    assert time.process_time() - started < 1
    tracemalloc.start()
    with refused:
        planned(tmp_path)
    assert tracemalloc.get_traced_memory()[1] < 30e6
    tracemalloc.stop()
