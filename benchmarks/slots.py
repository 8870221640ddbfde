"""How well tags find their slots: prints one JSON line. Run: python benchmarks/slots.py

``rules``: the rules alone on the catalogue's own rows, as a tag that has no row meets them (a row's second slot counts too).
``blind``: two readers who did not see each other's slots, on every fourth common tag of the 2,000 most used
(tests/prompt/blind_slots.csv). ``speed``: milliseconds for loading, and for 10,000 tags, rows first, then
names that no row has.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.slot_rules import guess
from tag_atelier.prompt.slots import CONFIDENT, UNKNOWN

BLIND = Path(__file__).resolve().parent.parent / "tests" / "prompt" / "blind_slots.csv"


def agreement(path: Path = BLIND) -> dict[str, float]:
    """Rows, share of equal slots, and Cohen's kappa (Cohen 1960: agreement beyond what chance gives)."""
    with path.open(encoding="utf-8", newline="") as lines:
        pairs = [(row["first"], row["second"]) for row in csv.DictReader(lines)]
    equal = sum(one == other for one, other in pairs) / len(pairs)
    firsts, seconds = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    chance = sum(firsts[slot] * seconds[slot] for slot in firsts) / len(pairs) ** 2
    return {"rows": len(pairs), "equal": round(equal, 3), "kappa": round((equal - chance) / (1 - chance), 3)}


def rules(catalogue: Catalogue) -> dict[str, float]:
    """Shares of all general rows: placed well, sure, sure and wrong, abstained."""
    rows = [entry for entry in catalogue.entries.values() if entry.slot != "character"]
    answers = [(guess(entry.name), (entry.slot, entry.also)) for entry in rows]
    sure = [(slot, accepted) for (slot, confidence), accepted in answers if confidence >= CONFIDENT]
    shares = {
        "right": sum(slot in accepted for (slot, _), accepted in answers),
        "sure": len(sure),
        "sure_but_wrong": sum(slot not in accepted for slot, accepted in sure),
        "abstained": sum(slot == UNKNOWN for (slot, _), _ in answers),
    }
    return {"rows": len(rows)} | {name: round(count / len(rows), 3) for name, count in shares.items()}


def speed() -> dict[str, float]:
    """Milliseconds to load the catalogue and to place 10,000 tags that were not met before."""
    started = time.perf_counter()
    catalogue = Catalogue.load()
    loaded = time.perf_counter()
    tags = [f"{prefix}{name}" for prefix in ("", "odd_") for name in catalogue.entries][:10_000]
    for tag in tags:
        catalogue.slot(tag)
    done = time.perf_counter()
    return {"load_ms": round((loaded - started) * 1000, 1), "ms_10000": round((done - loaded) * 1000, 1)}


def main() -> None:
    """Measure and print."""
    timing = speed()
    print(
        json.dumps({"benchmark": Path(__file__).stem, "speed": timing, "rules": rules(Catalogue.load()), "blind": agreement()})
    )


if __name__ == "__main__":
    main()
