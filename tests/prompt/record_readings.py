"""Records what a WebUI checkout reads in our own prompts: ``python tests/prompt/record_readings.py PYTHON CHECKOUT``.

PYTHON is the checkout's interpreter. Writes ``tests/data/webui_readings.jsonl.gz``: one line ``[text, negative, reading]`` for
each prompt and one for the same prompt with its items shuffled as a careless tool would, at every comma.
"""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.prompt.prompt_maker import prompts  # noqa: E402

FILE = ROOT / "tests" / "data" / "webui_readings.jsonl.gz"
COUNT = 3_000
"""Prompts; twice as many readings."""


def carelessly_shuffled(text: str, number: int) -> str:
    """``text`` cut at every comma, its pieces in another order."""
    pieces = text.split(",")
    random.Random(number).shuffle(pieces)
    return ",".join(pieces)


def main() -> None:
    """Ask the WebUI and write the file."""
    python, checkout = sys.argv[1:]
    asked: list[tuple[str, bool]] = []
    for number, (text, negative) in enumerate(prompts(0, COUNT)):
        asked += [(text, negative), (carelessly_shuffled(text, number), negative)]
    command = [python, str(Path(__file__).with_name("webui_reader.py")), checkout]
    given = "".join(json.dumps(pair) + "\n" for pair in asked)
    answered = subprocess.run(command, input=given, capture_output=True, encoding="utf-8", check=True).stdout.splitlines()
    rows = [
        json.dumps([text, negative, json.loads(answer)], ensure_ascii=False, separators=(",", ":"))
        for (text, negative), answer in zip(asked, answered, strict=True)
    ]
    FILE.parent.mkdir(exist_ok=True)
    with FILE.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(("\n".join(rows) + "\n").encode("utf-8"))


if __name__ == "__main__":
    main()
