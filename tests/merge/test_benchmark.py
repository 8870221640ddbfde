"""benchmarks/merge_stream.py still runs and prints its one line."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "merge_stream.py"


def test_one_json_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["merge_stream.py", "--gigabytes", "0.001", "--models", "3", "--repeat", "1"])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    line = json.loads(capsys.readouterr().out)
    assert line["models"] == 3
    assert {"wall_s", "io_s", "bytes_per_s", "copy_bytes_per_s", "wall_over_io", "rss_over_bare_mib"} <= set(line)
