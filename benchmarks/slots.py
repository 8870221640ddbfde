"""How well tags find their slots: prints one JSON line. Run: python benchmarks/slots.py

``rows``: how sure the catalogue is of its own rows, by number and by use (posts), and how many rare names stand beside them.
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

from tag_atelier.prompt.catalogue import RARE_FILE, Catalogue
from tag_atelier.prompt.slot_rules import guess
from tag_atelier.prompt.slots import CONFIDENT, UNKNOWN
from tag_atelier.settings import PRESETS_FOLDER

BLIND = Path(__file__).resolve().parent.parent / "tests" / "prompt" / "blind_slots.csv"


def agreement(path: Path = BLIND) -> dict[str, float]:
    """Rows, share of equal slots, and Cohen's kappa (Cohen 1960: agreement beyond what chance gives)."""
    with path.open(encoding="utf-8", newline="") as lines:
        pairs = [(row["first"], row["second"]) for row in csv.DictReader(lines)]
    equal = sum(one == other for one, other in pairs) / len(pairs)
    firsts, seconds = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    chance = sum(firsts[slot] * seconds[slot] for slot in firsts) / len(pairs) ** 2
    return {"rows": len(pairs), "equal": round(equal, 3), "kappa": round((equal - chance) / (1 - chance), 3)}


def rows(catalogue: Catalogue) -> dict[str, float]:
    """Shares of the general rows that the catalogue calls sure, and the number of names in ``rare.txt``."""
    entries = [entry for entry in catalogue.entries.values() if entry.slot != "character"]
    sure = [entry for entry in entries if catalogue.slot(entry.text).confidence >= CONFIDENT]
    by_use = sum(entry.posts for entry in sure) / sum(entry.posts for entry in entries)
    names = (PRESETS_FOLDER / "tags" / RARE_FILE).read_text(encoding="utf-8").split()
    return {
        "general": len(entries),
        "sure": round(len(sure) / len(entries), 3),
        "sure_by_use": round(by_use, 3),
        "rare": sum(name[0] != "[" for name in names),
    }


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
    timing, catalogue = speed(), Catalogue.load()
    result = {"benchmark": Path(__file__).stem, "speed": timing, "rows": rows(catalogue), "rules": rules(catalogue)}
    print(json.dumps({**result, "blind": agreement()}))


if __name__ == "__main__":
    main()
