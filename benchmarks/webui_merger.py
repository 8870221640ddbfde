"""The checkpoint merger of a real WebUI (1.10.1, modules/extras.py), run for ``merge_file`` by the WebUI's own Python.

    PYTHON webui_merger.py CHECKOUT FOLDER

Merges FOLDER's a.safetensors and b.safetensors into other.safetensors each time a line comes in, with the merger's usual
settings, and prints the seconds without and with hashing the new file, which the WebUI always does at the end.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path


def load(checkout: Path, folder: Path) -> None:
    """Import the WebUI as its launcher does, with ``folder`` as data and checkpoint folder."""
    os.chdir(checkout)
    sys.path.insert(0, str(checkout))
    sys.argv = ["webui.py", "--data-dir", str(folder), "--ckpt-dir", str(folder), "--skip-torch-cuda-test", "--no-half"]
    from modules import initialize

    initialize.imports()
    from modules import sd_models

    sd_models.list_models()


def merge() -> tuple[float, float]:
    """Seconds of one merge, without and with the hash of the new file."""
    from modules import extras, sd_models

    hashing = 0.0
    hash_file = sd_models.CheckpointInfo.calculate_shorthash

    def timed(info: object) -> object:
        nonlocal hashing
        begun = time.perf_counter()
        found = hash_file(info)
        hashing += time.perf_counter() - begun
        return found

    sd_models.CheckpointInfo.calculate_shorthash = timed
    first, second = (next(title for title in sd_models.checkpoints_list if title.startswith(name)) for name in "ab")
    start = time.perf_counter()
    extras.run_modelmerger(
        None, first, second, "", "Weighted sum", 0.7, False, "other", "safetensors", 3, "None", "", True, False, False, "{}"
    )
    seconds = time.perf_counter() - start
    sd_models.CheckpointInfo.calculate_shorthash = hash_file
    return seconds - hashing, seconds


def main() -> None:
    """Answer until there is nothing more to read."""
    checkout, folder = (Path(argument).resolve() for argument in sys.argv[1:3])
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    with contextlib.redirect_stdout(sys.stderr):
        load(checkout, folder)
        answers.write("ready\n")
        answers.flush()
        for _ in sys.stdin:
            answers.write("{} {}\n".format(*merge()))
            answers.flush()


if __name__ == "__main__":
    main()
