"""A run killed at random moments, again and again, ends like an undisturbed one and draws little twice.

TAG_ATELIER_KILLS=30 makes the kills as many as the method page reports.
"""

import multiprocessing
import os
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tag_atelier.bench.run import run
from tag_atelier.bench.store import Store
from tests.bench.bench_parts import LABELS, small_host, small_plan
from tests.bench.test_run import contents
from tests.fakes import FakeProgress, FakeSampler, FakeScorer

KILLS = int(os.environ.get("TAG_ATELIER_KILLS", "5"))
BATCH = 4
QUEUED = 2
SEEDS = [*range(1, 41)]
LONGEST_S = 0.8
"""The latest moment of a kill after the run began; a whole run takes longer."""


class SlowSampler(FakeSampler):
    """Takes its time, and writes down what it draws before it does."""

    def render(self, batch: Any, parameters: Any, checkpoint: Any, deliver: Any, progress: Any) -> None:
        with (self.checkpoints.folder / "rendered.txt").open("a", encoding="utf-8") as log:
            log.writelines(f"{checkpoint.name}|{request.prompt}|{request.seed}\n" for request in batch)
        time.sleep(0.01)
        super().render(batch, parameters, checkpoint, deliver, progress)


def draw(folder: str) -> None:
    host = small_host(Path(folder))
    host.sampler.__class__ = SlowSampler
    with Store(Path(folder) / "run") as store:
        plan = small_plan(host, seeds=SEEDS)
        (Path(folder) / "began").touch()
        run(plan, host, FakeScorer(LABELS), store, FakeProgress())


def kill_after(folder: Path, seconds: float) -> bool:
    """Start the run in a process of its own and kill it so long after it began; False when it was over before."""
    process = multiprocessing.get_context("spawn").Process(target=draw, args=(str(folder),))
    (folder / "began").unlink(missing_ok=True)
    process.start()
    while process.is_alive() and not (folder / "began").exists():
        time.sleep(0.005)
    process.join(seconds)
    process.kill()
    process.join()
    return process.exitcode != 0


def test_killed_again_and_again_it_ends_like_an_undisturbed_run(tmp_path: Path) -> None:
    moments = random.Random(20221117)
    (tmp_path / "disturbed").mkdir()
    killed = sum(kill_after(tmp_path / "disturbed", moments.uniform(0.0, LONGEST_S / KILLS * 5)) for _ in range(KILLS))
    draw(str(tmp_path / "disturbed"))
    (tmp_path / "whole").mkdir()
    draw(str(tmp_path / "whole"))
    assert contents(tmp_path / "disturbed" / "run") == contents(tmp_path / "whole" / "run")
    drawn = {
        name: Counter((tmp_path / name / "models" / "rendered.txt").read_text(encoding="utf-8").splitlines())
        for name in ("disturbed", "whole")
    }
    again = drawn["disturbed"].total() - drawn["whole"].total()
    assert killed >= KILLS - 2
    assert again <= killed * (BATCH + QUEUED), f"{again} pictures were drawn again after {killed} kills"
    print(f"{killed} kills, {again} of {drawn['whole'].total()} pictures drawn again")  # noqa: T201 — shown by pytest -s
