"""Where results go."""

from __future__ import annotations

from pathlib import Path

from tag_atelier.jobs.merge_files import destination
from tag_atelier.merge.recipe import Recipe
from tag_atelier.ports import Host, PromptFiles
from tests.fakes import FakeCheckpointCatalogue, FakeSampler


def test_results_go_where_their_kind_is_looked_for(tmp_path: Path) -> None:
    checkpoints = FakeCheckpointCatalogue(tmp_path / "models", [])
    host = Host(
        name="fake",
        sampler=FakeSampler(checkpoints),
        checkpoints=checkpoints,
        data_folder=tmp_path / "data",
        prompt_files=PromptFiles(networks=(tmp_path / "lora",)),
    )

    def path_of(kind: str) -> Path:
        return destination(host, Recipe.from_value({"models": ["a", "b"], "alpha": 1, "options": {"format": kind}}), "new")

    assert path_of("safetensors") == tmp_path / "models/new.safetensors"
    assert path_of("lora") == tmp_path / "lora/new.safetensors"
    assert path_of("diffusers") == tmp_path / "data/diffusers/new"
