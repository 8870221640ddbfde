"""Which family a checkpoint belongs to: hash before name before what its file says, else the settings."""

from __future__ import annotations

import dataclasses
import json
import struct
from pathlib import Path

import pytest

from tag_atelier.jobs.families import Families, Family
from tag_atelier.ports import Checkpoint, Host
from tests.fakes import FakeCheckpointCatalogue, fake_host

PONY_HASH = "f" * 64


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return fake_host(tmp_path)


@pytest.fixture
def own_profile(tmp_path: Path) -> Path:
    from tag_atelier.settings import PRESETS_FOLDER

    folder = tmp_path / "profiles"
    folder.mkdir()
    text = (PRESETS_FOLDER / "profiles" / "pony.yaml").read_text(encoding="utf-8")
    (folder / "mine.yaml").write_text(f"hashes: ['{PONY_HASH[:10]}']\n{text.replace('hashes:', '# hashes:')}", encoding="utf-8")
    return folder


def with_metadata(path: Path, title: str) -> Path:
    header = json.dumps({"__metadata__": {"modelspec.title": title}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    return path


def test_the_hash_goes_before_the_name(host: Host, own_profile: Path) -> None:
    families = Families(host, dict, own_profile)
    known = Checkpoint("animagine-xl-4.0", "animagine-xl-4.0", sha256=PONY_HASH)
    assert families.of(known) == Family("mine", "hash", "animagine-xl-4.0")


def test_the_name_goes_before_the_metadata(host: Host, tmp_path: Path) -> None:
    path = with_metadata(tmp_path / "animagine-xl-4.0.safetensors", "Pony Diffusion V6 XL")
    families = Families(host, dict)
    assert families.of(Checkpoint("animagine-xl-4.0", "x", path)) == Family("animagine-xl-4", "name", "animagine-xl-4.0")
    assert families.of(Checkpoint("my mix", "x", path)) == Family("pony", "metadata", "my mix")


@pytest.mark.parametrize(
    ("options", "expected"), [({}, "aidxl"), ({"profile": "noobai-eps"}, "noobai-eps"), ({"profile": "gone"}, "aidxl")]
)
def test_what_tells_nothing_is_taken_for_the_family_in_the_settings(
    host: Host, tmp_path: Path, options: dict[str, str], expected: str
) -> None:
    broken = tmp_path / "my mix.safetensors"
    broken.write_bytes(b"not safetensors")
    families = Families(host, lambda: options)
    for path in (None, broken, tmp_path / "missing.safetensors"):
        assert families.of(Checkpoint("my mix", "x", path)) == Family(expected, "settings", "my mix")
    assert families.of(None) == Family(expected, "settings", "")


def test_the_chosen_checkpoint_goes_before_the_loaded_one(tmp_path: Path) -> None:
    host = fake_host(tmp_path)
    assert isinstance(host.checkpoints, FakeCheckpointCatalogue)
    host.checkpoints.checkpoints += [Checkpoint("ponyDiffusionV6XL", "p"), Checkpoint("aidxl-0.8", "a")]
    host.checkpoints.current = host.checkpoints.checkpoints[-1]
    assert Families(host, dict).current() == Family("aidxl", "name", "aidxl-0.8")
    chosen = dataclasses.replace(host, live_settings=lambda: {"checkpoint": "p"})
    assert Families(chosen, dict).current() == Family("pony", "name", "ponyDiffusionV6XL")
    unknown = dataclasses.replace(host, live_settings=lambda: {"checkpoint": "gone"})
    assert Families(unknown, dict).current().profile_id == "aidxl"
