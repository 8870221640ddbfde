"""The hosts the contract is held against: the fakes, and the embedded host with a tiny SD1.5 file."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tag_atelier.ports import Host, SamplingParameters
from tests.fakes import fake_host

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Candidate:
    """A host under test and what the tests need to know about it."""

    host: Host
    parameters: SamplingParameters
    """Small and quick for this host."""
    checkpoint: str
    """Name of a checkpoint it has."""
    key: str
    """Checkpoint name of a tensor that shapes the image."""
    tensor: Callable[[], torch.Tensor]
    """That tensor's values in the file."""
    image_follows_weights: bool
    """False for the fake, whose images do not come from its tensors."""


def _fake(folder: Path) -> Candidate:
    torch = pytest.importorskip("torch")
    host = fake_host(folder, tensors={"out.weight": torch.arange(4.0), "out.bias": torch.ones(2)})
    return Candidate(host, SamplingParameters(width=64, height=64), "model-a", "out.weight", lambda: torch.arange(4.0), False)


def _embedded(folder: Path, checkpoints: dict[str, Path]) -> Candidate:
    embedded = importlib.import_module("tag_atelier.host.embedded")
    if not hasattr(embedded, "build"):
        pytest.skip("host.embedded.build is not there yet")
    path = checkpoints["tiny-sd15-a"]
    host = embedded.build(path.parent, folder / "data", device="cpu")
    key = "model.diffusion_model.out.2.weight"

    def tensor() -> torch.Tensor:
        from safetensors import safe_open

        with safe_open(path, "pt") as file:
            return file.get_tensor(key)

    parameters = SamplingParameters(sampler="Euler", steps=2, width=64, height=64)
    return Candidate(host, parameters, "tiny-sd15-a", key, tensor, True)


@pytest.fixture(scope="package", params=["fake", "embedded"])
def candidate(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Candidate:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "fake":
        return _fake(folder)
    return _embedded(folder, request.getfixturevalue("tiny_checkpoints"))
