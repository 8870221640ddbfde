"""The GPU benchmark on a CPU and a narrow UNet: it runs, checks its own results, and says when there is no device."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest
import torch

from tag_atelier.world.tiny_checkpoints import SDXL

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("gpu")


def test_the_merge_part_measures_and_checks_itself(gpu, tmp_path: Path) -> None:
    line = gpu.merge_line(tmp_path, repeat=1, device=torch.device("cpu"), channels=32)
    assert line["merge_from_host_s"] > 0 and line["merge_from_gpu_ms"] > 0 and line["device"] == "cpu"


def test_the_drawing_part_measures_every_batch_size(gpu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("gpu_draw"), "BATCHES", (1, 2))
    line = gpu.draw_line(tmp_path, repeat=1, device=torch.device("cpu"), anatomy=SDXL, side=64)
    assert all(line[f"images_per_second_{size}"] > 0 for size in (1, 2))


@pytest.mark.skipif(torch.cuda.is_available(), reason="here it would measure")
def test_without_a_device_one_line_says_so(gpu, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu.py"])
    gpu.main()
    assert "no CUDA" in json.loads(capsys.readouterr().out)["skipped"]
