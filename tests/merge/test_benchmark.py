"""benchmarks/merge_file.py still runs and prints its one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "merge_file.py"


def test_one_json_line(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--gigabytes", "0.002", "--repeat", "1", "--folder", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    line = json.loads(done.stdout)
    assert {"wall_over_io", "wall_over_webui", "hashed_over_hash", "rss_mib_2", "rss_mib_6"} <= set(line)
    assert line["rss_mib_6"] < 250
    assert list(tmp_path.iterdir()) == []
