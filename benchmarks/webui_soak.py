"""Mixed load on a real WebUI for a while: pictures, benchmarks, merges, cancels, Reload UI; prints one JSON line.

growth_percent  resident memory at the end over that after the warm-up (medians of ten readings each), bound 5
dirty           rounds after which weights or picture were not what they were at the start, bound 0
lost            benchmarks that were not listed or not finished with all their cells in the end, bound 0
errors          answers of 500 and above, bound 0

Boots the first checkout found (SD_WEBUI_DIR, else the home folder) on tiny checkpoints. ``--minutes 30`` is what the issue
of the product asks for.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.webui.checkout import find_checkouts
from tests.webui.client import OURS, PROBE, Client
from tests.webui.data_folder import make_data_folder, make_models
from tests.webui.server import Server

WARM_UP_ROUNDS = 10
READINGS = 10
FIRST, SECOND = "tiny-sd15-a", "tiny-sd15-b"
RECIPE = {"models": [FIRST, SECOND], "method": "weighted_sum", "alpha": {"M00": 0.6, "CLIP_L": 0.3, "OUT03": 1.0}}
PLAN = {
    "template": "1girl, solo, {tag}, forest",
    "tags": ["head tilt", "holding umbrella", "smile"],
    "parameters": {"sampler": "Euler", "steps": 2, "width": 64, "height": 64},
    "checkpoints": [FIRST],
    "self_test": 0,
}
PATIENCE_S = 300


class Soak:
    """One WebUI under load, and what happened to it."""

    def __init__(self, server: Server, dice: random.Random) -> None:
        self.server, self.dice = server, dice
        self.done: Counter[str] = Counter()
        self.plans: list[dict[str, object]] = []
        self.runs: set[str] = set()
        self.memory: list[int] = []
        self.settle()
        self.before = (self.client.weights(), self.client.draw().pixels)

    @property
    def client(self) -> Client:
        return self.server.client

    def settle(self) -> None:
        self.client.choose(f"{FIRST}.safetensors")
        self.client.job("DELETE", "/live", timeout_s=PATIENCE_S)
        self.client.draw()

    def round(self, number: int) -> None:
        """A few things in random order; afterwards the model must be as it was."""
        actions: list[Callable[[], None]] = [self.draw, self.benchmark, self.cancel_and_resume, self.merge, self.merged_picture]
        for action in self.dice.sample(actions, len(actions)):
            action()
        if number % 10 == 9:
            self.reload_ui()
        self.settle()
        self.done["dirty"] += (self.client.weights(), self.client.draw().pixels) != self.before
        process = psutil.Process(self.server.pid)
        self.memory.append(sum(it.memory_info().rss for it in (process, *process.children(recursive=True))))

    def draw(self) -> None:
        answers = [self.client.try_draw(batch_size=2, seed=self.dice.randrange(1000)) for _ in range(3)]
        self._count("pictures", len(answers) * 2, [answer.status for answer in answers])

    def merge(self) -> None:
        self.client.apply(RECIPE)
        self.client.draw()
        started = self.client.post(f"{OURS}/live", {"recipe": {**RECIPE, "alpha": self.dice.random()}})
        self.client.post(f"{OURS}/jobs/{started['id']}/cancel")
        self.client.wait(started["id"], PATIENCE_S)
        self.client.job("DELETE", "/live", timeout_s=PATIENCE_S)
        self.done["live merges"] += 2

    def merged_picture(self) -> None:
        argument = {"alwayson_scripts": {"Tag Atelier": {"args": [{"merge": RECIPE}]}}}
        self._count("merged pictures", 1, [self.client.try_draw(**argument).status])

    def benchmark(self) -> None:
        """A run, and a picture of the user's own while it goes on."""
        started = self._start()
        self._count("pictures", 1, [self.client.try_draw().status])
        self._finish(started)

    def cancel_and_resume(self) -> None:
        started = self._start()
        self.client.post(f"{OURS}/jobs/{started}/cancel")
        self.client.wait(started, PATIENCE_S)
        self.done["cancels"] += 1
        self._finish(str(self.client.post(f"{OURS}/benchmarks", {"spec": self.plans[-1]})["id"]))

    def _start(self) -> str:
        self.plans.append({**PLAN, "name": f"soak {len(self.plans)}", "seeds": [self.dice.randrange(1000)]})
        return str(self.client.post(f"{OURS}/benchmarks", {"spec": self.plans[-1]})["id"])

    def _finish(self, job_id: str) -> None:
        job = self.client.wait(job_id, PATIENCE_S)
        self.done["benchmarks"] += 1
        self.done["lost"] += job["state"] != "done"
        if job["state"] == "done":
            self.runs.add(str(job["result"]["run"]))

    def _count(self, what: str, number: int, statuses: list[int]) -> None:
        self.done[what] += number
        self.done["errors"] += sum(status >= 500 for status in statuses)

    def reload_ui(self) -> None:
        printed = self.server.log_text().count("Startup time:")
        self.client.post(f"{PROBE}/reload")
        end = time.monotonic() + PATIENCE_S
        # A request between the port's opening and the API's mounting ends WebUI 1.10 (modules/api/api.py:147).
        while self.server.log_text().count("Startup time:") == printed or not self.client.answers(f"{OURS}/status"):
            if time.monotonic() > end:
                raise SystemExit("The WebUI did not come back from Reload UI.")
            time.sleep(1)
        self.done["reloads"] += 1

    def unfinished(self) -> int:
        """Runs that are gone or lack cells."""
        listed = {run["id"]: run for run in self.client.get(f"{OURS}/runs")["runs"]}
        return sum(name not in listed or listed[name]["drawn"] != listed[name]["total"] for name in self.runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    checkouts = find_checkouts()
    if not checkouts:
        sys.exit("No WebUI checkout was found in SD_WEBUI_DIR or the home folder; name one in SD_WEBUI_DIR.")
    with tempfile.TemporaryDirectory(prefix="tag-atelier-soak-", ignore_cleanup_errors=True) as folder:
        workplace = Path(folder)
        make_models(workplace / "models", checkouts[0])
        data = workplace / "data"
        make_data_folder(data, workplace / "models", "link", f"{FIRST}.safetensors")
        python = checkouts[0].layered_python(workplace / "python")
        server = Server(checkouts[0], python, data, checkouts[0].requirements_file(workplace), workplace / "log.txt")
        server.start()
        try:
            soak = Soak(server, random.Random(arguments.seed))
            began = time.monotonic()
            rounds = 0
            while time.monotonic() - began < 60 * arguments.minutes or rounds < WARM_UP_ROUNDS + READINGS:
                soak.round(rounds)
                rounds += 1
            soak.done["lost"] += soak.unfinished()
            minutes = (time.monotonic() - began) / 60
        finally:
            server.stop()
    early = statistics.median(soak.memory[WARM_UP_ROUNDS : WARM_UP_ROUNDS + READINGS])
    late = statistics.median(soak.memory[-READINGS:])
    result = {
        "benchmark": "webui_soak",
        "webui": checkouts[0].name,
        "minutes": round(minutes, 1),
        "rounds": rounds,
        **{name: soak.done[name] for name in ("dirty", "lost", "errors")},
        **{name: count for name, count in sorted(soak.done.items()) if name not in ("dirty", "lost", "errors")},
        "rss_mib": [round(early / 2**20), round(late / 2**20)],
        "growth_percent": round(100 * (late / early - 1), 2),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
