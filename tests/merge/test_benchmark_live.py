"""benchmarks/merge_live.py still runs and prints its one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "merge_live.py"


def test_one_json_line() -> None:
    command = [sys.executable, str(SCRIPT), "--gigabytes", "0.002", "--repeat", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert {"block_over_copy", "noop_ms"} <= set(json.loads(done.stdout))
