"""How long arranging takes, proof included: prints one JSON line of milliseconds. Run: python benchmarks/arrange.py"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import machine
from tag_atelier.prompt.arrange import arrange
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.profile import get_profile, load_profiles
from tag_atelier.prompt.reading import tags_of

PROMPTS = 200
SIZES = (75, 150, 300)


def prompts(tags: list[str], size: int, seed: int) -> list[str]:
    """``PROMPTS`` distinct prompts of ``size`` tags, one in eight of them weighted or scheduled."""
    shapes = ("{}", "{}", "{}", "{}", "{}", "{}", "{}", "({}:1.2)", "[{}:{}:0.5]", "(({}))")
    chance = random.Random(seed)
    return [", ".join(chance.choice(shapes).format(*chance.sample(tags, 2)) for _ in range(size)) for _ in range(PROMPTS)]


def milliseconds(texts: list[str]) -> float:
    """Median time of one prompt, each met for the first time."""
    catalogue, profile = Catalogue.load(), get_profile("aidxl")
    spent = []
    for text in texts:
        tags_of.cache_clear()
        catalogue.forget()
        started = time.perf_counter()
        arrange(text, profile, catalogue)
        spent.append((time.perf_counter() - started) * 1000)
    return round(statistics.median(spent), 3)


def main() -> None:
    """Measure loading, then arranging."""
    started = time.perf_counter()
    tags = [entry.text for entry in Catalogue.load().entries.values() if ":" not in entry.name and "|" not in entry.name]
    load_profiles()
    loading = round((time.perf_counter() - started) * 1000, 1)
    result = {"benchmark": Path(__file__).stem, "tags": len(tags), "load_ms": loading}
    for size in SIZES:
        result[f"median_ms_{size}"] = milliseconds(prompts(tags, size, seed=size))
    print(json.dumps({**result, **machine()}))


if __name__ == "__main__":
    main()
