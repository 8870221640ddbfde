"""Merges as jobs on the embedded host and tiny files: names that are refused, what is restored, what lies beside a merge."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

pytest.importorskip("diffusers")

from tag_atelier.errors import Busy, HostError, RecipeError
from tag_atelier.host.embedded import build
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.jobs.merge_files import output_path
from tag_atelier.jobs.runner import Job
from tag_atelier.merge.recipe import Recipe
from tests.fakes import fake_host

A, B = "tiny-sd15-a", "tiny-sd15-b"
RECIPE: Mapping[str, object] = {"method": "weighted_sum", "models": [A, B], "alpha": {"M00": 0.5}}
REVERSED: Mapping[str, object] = {**RECIPE, "models": [B, A]}


@pytest.fixture(scope="module")
def folder(tiny_checkpoints: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two checkpoints with their configurations, and their tokenizer."""
    made = tmp_path_factory.mktemp("merges") / "models"
    source = tiny_checkpoints[A].parent
    shutil.copytree(source, made, ignore=shutil.ignore_patterns("tiny-sdxl-*"))
    return made


@pytest.fixture
def atelier(folder: Path, tmp_path: Path) -> Iterator[Atelier]:
    made = Atelier(build(folder, tmp_path, device="cpu"))
    yield made
    made.runner.stop(20)


def ended(job: Job) -> Job:
    assert job.wait(60)
    return job


def middle(atelier: Atelier) -> torch.Tensor:
    """One weight of block M00 as it is in the loaded model."""
    model = atelier.host.checkpoints.model  # type: ignore[attr-defined]
    weight: torch.Tensor = next(iter(model.unet.mid_block.parameters()))
    return weight.detach().clone()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a:b", "x\0", ".hidden", "x ", "x.", "\ud800", "界" * 100])
def test_what_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecipeError, match="is no file name; expected"):
        output_path(tmp_path, name)


@pytest.mark.parametrize("name", ["CON", "nul", "com1", "LPT9.safetensors", "aux.v2"])
def test_windows_devices_are_refused_everywhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecipeError, match="is a device's name on Windows"):
        output_path(tmp_path, name)


def test_plain_names_get_their_extension_once(tmp_path: Path) -> None:
    for name in ("my merge 合并", "my merge 合并.safetensors", "my merge 合并.SafeTensors"):
        assert output_path(tmp_path, name) == tmp_path / "my merge 合并.safetensors"
    assert output_path(tmp_path, "console") == tmp_path / "console.safetensors"


def test_an_existing_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"mine")
    with pytest.raises(RecipeError, match=r"'x\.safetensors' exists already"):
        output_path(tmp_path, "x")


def test_a_merge_lies_beside_its_first_models_configuration(atelier: Atelier, folder: Path) -> None:
    job = ended(atelier.start_merge(RECIPE, "with a configuration"))
    assert (job.state, job.error) == ("done", "")
    written = folder / "with a configuration.yaml"
    assert written.read_bytes() == (folder / f"{A}.yaml").read_bytes()
    assert "with a configuration" in [checkpoint.name for checkpoint in atelier.host.checkpoints.list()]


def test_the_second_of_two_merges_of_one_name_overwrites_nothing(atelier: Atelier, folder: Path) -> None:
    first, second = atelier.start_merge(RECIPE, "twice"), atelier.start_merge(REVERSED, "twice")
    assert (ended(first).state, ended(second).state) == ("done", "failed")
    assert "exists already" in second.error
    assert sorted(path.name for path in folder.glob("twice*")) == ["twice.safetensors", "twice.yaml"]


def test_a_live_merge_loads_its_first_model_when_none_is_loaded(atelier: Atelier) -> None:
    assert atelier.status()["loaded"] is None
    job = ended(atelier.start_live_merge(RECIPE))
    assert (job.state, job.error) == ("done", "")
    assert (atelier.status()["loaded"], atelier.status()["dirty"]) == (A, True)


def test_a_live_merge_that_does_not_fit_leaves_the_one_before(atelier: Atelier) -> None:
    ended(atelier.start_live_merge(RECIPE))
    merged, digest = middle(atelier), atelier.status()["live_merge"]
    job = ended(atelier.start_live_merge(REVERSED))
    assert (job.state, "is loaded but the recipe starts from" in job.error) == ("failed", True)
    assert torch.equal(middle(atelier), merged)
    assert (atelier.status()["dirty"], atelier.status()["live_merge"]) == (True, digest)


def test_what_another_extension_merged_in_memory_is_left_alone(atelier: Atelier, monkeypatch: pytest.MonkeyPatch) -> None:
    atelier.host.checkpoints.load(atelier.host.checkpoints.resolve(A))
    before, theirs = middle(atelier), replace(atelier.host.checkpoints.resolve(A), name="a x b", in_memory_only=True)
    monkeypatch.setattr(atelier.host.checkpoints, "loaded", lambda: theirs)
    monkeypatch.setattr(atelier.host.live_model, "checkpoint", lambda: theirs)
    assert (atelier.status()["loaded"], atelier.status()["in_memory_only"]) == ("a x b", True)
    job = ended(atelier.start_live_merge(RECIPE))
    assert job.state == "failed" and "'a x b' was made in memory by another extension" in job.error
    with pytest.raises(Busy, match="made in memory by another extension"):
        atelier.start_benchmark({"name": "n", "template": "{tag}", "tags": ["glaring"], "checkpoints": [A]})
    assert torch.equal(middle(atelier), before)


def test_restore_gives_back_every_bit_and_may_be_asked_for_twice(atelier: Atelier) -> None:
    atelier.host.checkpoints.load(atelier.host.checkpoints.resolve(A))
    before = middle(atelier)
    ended(atelier.start_live_merge(RECIPE))
    assert not torch.equal(middle(atelier), before)
    jobs = [ended(atelier.restore_live()) for _ in range(2)]
    assert [job.result for job in jobs] == [{"dirty": False}] * 2
    assert torch.equal(middle(atelier), before)
    assert atelier.status()["live_merge"] is None


def test_without_a_live_model_the_sentence_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="merge to a file instead"):
        Atelier(fake_host(tmp_path)).restore_live()


class Told:
    """A progress nobody looks at."""

    cancelled = False

    def begin(self, total: int, text: str = "") -> None: ...

    def advance(self, steps: int = 1, text: str = "") -> None: ...


@pytest.fixture
def loaded(atelier: Atelier) -> Atelier:
    atelier.host.checkpoints.load(atelier.host.checkpoints.resolve(A))
    return atelier


def test_a_chosen_recipe_is_followed_and_left(loaded: Atelier) -> None:
    before, chosen = middle(loaded), Recipe.from_value(RECIPE)
    loaded.merges.follow(chosen, Told())
    merged = middle(loaded)
    assert not torch.equal(merged, before) and loaded.merges.stays
    loaded.merges.follow(chosen, Told())
    loaded.merges.end_job()
    assert torch.equal(middle(loaded), merged)
    loaded.merges.follow(None, Told())
    assert torch.equal(middle(loaded), before) and not loaded.merges.stays


def test_a_merge_by_hand_stays_over_the_choice(loaded: Atelier) -> None:
    ended(loaded.start_live_merge(RECIPE))
    by_hand = middle(loaded)
    loaded.merges.follow(Recipe.from_value({**RECIPE, "alpha": 1.0}), Told())
    loaded.merges.follow(None, Told())
    assert torch.equal(middle(loaded), by_hand)
    ended(loaded.restore_live())
    assert loaded.status()["dirty"] is False


def test_a_jobs_own_merge_gives_way_to_what_stood_before(loaded: Atelier) -> None:
    before, chosen = middle(loaded), Recipe.from_value(RECIPE)
    loaded.merges.follow(chosen, Told())
    merged = middle(loaded)
    loaded.merges.apply_for_job({**RECIPE, "alpha": 1.0}, Told())
    assert not torch.equal(middle(loaded), merged) and not loaded.merges.stays
    loaded.merges.apply_for_job({**RECIPE, "alpha": 0.1}, Told())
    loaded.merges.end_job()
    assert torch.equal(middle(loaded), merged) and loaded.merges.live_recipe == chosen
    loaded.merges.follow(None, Told())
    assert torch.equal(middle(loaded), before)


def test_what_cannot_be_put_back_after_a_job_leaves_the_models_own_weights(loaded: Atelier, folder: Path) -> None:
    before, donor = middle(loaded), folder / "donor.safetensors"
    shutil.copy2(folder / f"{B}.safetensors", donor)
    loaded.host.checkpoints.refresh()
    ended(loaded.start_live_merge({**RECIPE, "models": [A, "donor"]}))
    loaded.merges.apply_for_job({**RECIPE, "alpha": 1.0}, Told(), over_another=True)
    donor.unlink()
    loaded.merges.end_job()
    assert torch.equal(middle(loaded), before) and loaded.status()["dirty"] is False


def test_a_job_is_refused_over_a_merge_by_hand_unless_it_is_the_same(loaded: Atelier) -> None:
    ended(loaded.start_live_merge(RECIPE))
    loaded.merges.apply_for_job(RECIPE, Told())
    with pytest.raises(Busy, match="merged already"):
        loaded.merges.apply_for_job({**RECIPE, "alpha": 1.0}, Told())
    loaded.merges.end_job()
    assert loaded.merges.stays


def test_a_written_merge_is_in_the_history_and_saved_recipes_are_listed(atelier: Atelier) -> None:
    job = ended(atelier.start_merge(RECIPE, "for the history"))
    atelier.merges.save_recipe(RECIPE, "middle")
    kept = atelier.merges.kept()
    assert kept["history"][0]["file"] == "for the history.safetensors"  # type: ignore[index]
    assert kept["history"][0]["sha256"] == job.result["sha256"]  # type: ignore[index]
    assert Recipe.from_value(kept["recipes"]["middle"]).digest == job.result["digest"]  # type: ignore[index]
    atelier.merges.delete_recipe("middle")
    assert atelier.merges.kept()["recipes"] == {}


def test_a_plan_is_made_once_while_its_files_stay(atelier: Atelier, monkeypatch: pytest.MonkeyPatch) -> None:
    from tag_atelier.merge import plan

    made = []
    whole = plan.plan
    monkeypatch.setattr(plan, "plan", lambda *given, **more: made.append(1) or whole(*given, **more))
    for _ in range(3):
        atelier.check_merge(RECIPE)
    assert len(made) == 1
    atelier.check_merge(REVERSED)
    assert len(made) == 2


def test_a_job_lists_what_could_not_be_mixed_and_what_was_remarked(atelier: Atelier, folder: Path) -> None:
    spoilt = load_file(folder / f"{B}.safetensors")
    key = next(key for key in spoilt if ".middle_block." in key and spoilt[key].is_floating_point())
    spoilt[key] = torch.full_like(spoilt[key], float("nan"))
    save_file(spoilt, folder / "spoilt.safetensors")
    atelier.host.checkpoints.refresh()
    job = ended(atelier.start_merge({**RECIPE, "models": [A, "spoilt"]}, "mended"))
    assert (job.state, job.result["notes"]) == ("done", [])
    why = {"why": "'spoilt' has NaN or infinite values there", "template": "'{name}' has NaN or infinite values there"}
    assert job.result["replaced"] == [{**why, "values": {"name": "spoilt"}, "count": 1, "keys": [key]}]
    (folder / "spoilt.safetensors").unlink()
    atelier.host.checkpoints.refresh()
