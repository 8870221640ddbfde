"""What the extension adds to a real WebUI's start, by the WebUI's own startup profile; prints one JSON line.

Boots the first checkout found (SD_WEBUI_DIR, else the home folder) in turn with and without the extension and compares
medians: seconds to import our scripts, to run install.py when nothing is missing, and to build the page.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.webui.checkout import Checkout, find_checkouts
from tests.webui.data_folder import EXTENSION, make_data_folder
from tests.webui.server import Server

PROFILE = "/internal/profile-startup"
IMPORT_LIMIT_MS, PAGE_LIMIT_MS = 150, 400

Profile = Mapping[str, float]


def boot(checkout: Checkout, workplace: Path, python: Path, with_extension: bool) -> Profile:
    """One start; the WebUI's profile: phase → seconds."""
    data = workplace / ("with" if with_extension else "without")
    if not data.exists():
        make_data_folder(data, workplace / "models", "link", "")
        if not with_extension:
            (data / "extensions" / EXTENSION).unlink()
    server = Server(checkout, python, data, checkout.requirements_file(workplace), workplace / "log.txt")
    server.answers_when_ready = PROFILE
    try:
        server.start()
        deadline = time.monotonic() + 60
        while (profile := server.client.get(PROFILE)) is None and time.monotonic() < deadline:
            time.sleep(0.2)
        records: Profile = profile["records"]
        return records
    finally:
        server.stop()


def phase(profile: Profile, *ends: str) -> float:
    """Seconds of all phases whose name ends so."""
    return sum(seconds for name, seconds in profile.items() if name.endswith(ends))


def median_ms(values: Sequence[float]) -> float:
    return round(1000 * statistics.median(values), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boots", type=int, default=3, help="starts with and as many without the extension")
    boots: int = parser.parse_args().boots
    checkouts = find_checkouts()
    if not checkouts:
        sys.exit("No WebUI checkout was found in SD_WEBUI_DIR or the home folder; name one in SD_WEBUI_DIR.")
    with tempfile.TemporaryDirectory(prefix="tag-atelier-startup-") as folder:
        workplace = Path(folder)
        (workplace / "models" / "Stable-diffusion").mkdir(parents=True)
        python = checkouts[0].layered_python(workplace / "python")
        boot(checkouts[0], workplace, python, True)  # installs what is missing and compiles
        boot(checkouts[0], workplace, python, False)
        ours = []
        others = []
        for _ in range(boots):
            ours.append(boot(checkouts[0], workplace, python, True))
            others.append(boot(checkouts[0], workplace, python, False))
    built = ("create ui", "add APIs")  # the API draws every script's controls again, for their defaults
    page = median_ms([phase(it, *built) for it in ours]) - median_ms([phase(it, *built) for it in others])
    result = {
        "benchmark": "webui_startup",
        "webui": checkouts[0].name,
        "boots": boots,
        "import_ms": median_ms([phase(it, "load scripts/tag_atelier.py") for it in ours]),
        "import_limit_ms": IMPORT_LIMIT_MS,
        "page_ms": round(page, 1),
        "page_limit_ms": PAGE_LIMIT_MS,
        "installer_ms": median_ms([phase(it, f"/{EXTENSION}") for it in ours]),
        "added_to_app_started_ms": median_ms([phase(it, "app_started_callback/tag_atelier.py") for it in ours]),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
