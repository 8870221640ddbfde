"""What a fleet costs and gains, with the miniature checkpoint in worker processes of this machine: one JSON line.

    python benchmarks/fleet.py [--pictures 48 --rounds 3]

``overhead_ms`` is what a picture takes longer through a fleet of one worker than in this process, ``driver_cpu_ms`` the part
of it that this process computes; ``speed_up`` the seconds of one worker over those of two. ``lost`` counts pictures that are
not there, or differ from those of this process, after one of two workers was killed half way (``killed_s`` seconds in all).
``four_over_ideal``: four WebUIs that only wait, over the shortest time they could take.
Medians of ``--rounds``. Wants the extra ``fleet``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import machine
from tag_atelier.cli.demo import make_world
from tag_atelier.host.embedded import build
from tag_atelier.host.fleet import build_of_fleet, build_of_webuis
from tag_atelier.jobs.runner import Job
from tag_atelier.ports import Host, RenderedImage, RenderRequest, SamplingParameters
from tests.host.fake_webui import FakeWebui, served

ROOT = Path(__file__).resolve().parent.parent
PARAMETERS = SamplingParameters(sampler="Euler", steps=12, cfg_scale=5, width=64, height=64)
NAME = "miniature-base"
WAIT_S = 0.5


def start(stack: ExitStack, folder: Path, lines: int, *arguments: str) -> tuple[subprocess.Popen[str], str]:
    """A process of ``tag_atelier fleet``, ended with ``stack``, and the last of the ``lines`` that it prints."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TAG_ATELIER_DATA": str(folder), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tag_atelier", "fleet", *arguments]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    stack.callback(process.kill)
    assert process.stdout is not None
    return process, [process.stdout.readline() for _ in range(lines)][-1].strip()


def fleet(stack: ExitStack, folder: Path, world: Path, workers: int) -> tuple[Host, list[subprocess.Popen[str]]]:
    """A fleet of ``workers`` processes that draw with our own host."""
    address = start(stack, folder, 1, "scheduler", "--listen", "127.0.0.1:0")[1].partition("tcp://")[2]
    of = ("--checkpoints", str(world), "--device", "cpu")
    names = [f"worker-{number}" for number in range(workers)]
    processes = [start(stack, folder / name, 2, "worker", address, "--name", name, *of)[0] for name in names]
    host = build_of_fleet(address, folder)
    stack.callback(host.sampler.close)  # type: ignore[attr-defined]  # FleetSampler's, not the port's
    return host, processes


def draw(host: Host, requests: list[RenderRequest], sampler: str = "Euler") -> tuple[list[bytes], float]:
    """The pixels of ``requests``, each drawn by itself, and the seconds they took."""
    parameters = dataclasses.replace(PARAMETERS, sampler=sampler)
    checkpoint, images = host.checkpoints.resolve(NAME), list[RenderedImage]()
    host.checkpoints.identify(checkpoint)
    started = time.perf_counter()
    for batch in [requests] if host.machines else [[request] for request in requests]:
        host.sampler.render(batch, parameters, checkpoint, images.append, Job("draw", "", lambda _: {}))
    seconds = time.perf_counter() - started
    return [image.image.tobytes() for image in images], seconds


class WaitingWebui(FakeWebui):
    """Takes half a second for a picture and no core, as another machine does."""

    def draw(self, body: dict[str, Any]) -> dict[str, Any]:
        """The picture, later."""
        time.sleep(WAIT_S)
        return super().draw(body)


def over_ideal(folder: Path, machines: int = 4, batches: int = 4) -> float:
    """Seconds that so many WebUIs take for batches of four pictures each, over those that their waiting alone would take."""
    with ExitStack() as stack:
        webuis = [stack.enter_context(served(WaitingWebui({NAME: "aa" * 32}))) for _ in range(machines)]
        host = build_of_webuis([webui.url for webui in webuis], folder)
        stack.callback(host.sampler.close)  # type: ignore[attr-defined]
        requests = [RenderRequest(f"1girl, {number}", "", number) for number in range(4 * machines)]
        draw(host, requests[:machines], "Euler a")
        seconds = [draw(host, requests, "Euler a")[1] for _ in range(batches)]
    return sum(seconds) / (batches * 4 * WAIT_S)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    requests = [RenderRequest(f"1girl, solo, smile, {number}", "", number) for number in range(given.pictures)]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        world = make_world(folder / "world")
        alone = build(world, folder / "alone", device="cpu")
        one, _ = fleet(stack, folder / "one", world, 1)
        two, (doomed, _) = fleet(stack, folder / "two", world, 2)
        for host in (alone, one, two):
            draw(host, requests[:4])  # loads and warms up
        seconds = [[draw(host, requests)[1] for host in (alone, one, two)] for _ in range(given.rounds)]
        in_one, of_one, of_two = (statistics.median(column) for column in zip(*seconds, strict=True))
        expected, cpu_s = draw(alone, requests)[0], time.process_time()
        draw(one, requests)
        cpu_s = time.process_time() - cpu_s
        threading.Timer(of_two / 2, doomed.kill).start()
        drawn, killed_s = draw(two, requests)
        waiting = over_ideal(folder / "waiting")
    same = sum(one == other for one, other in zip(drawn, expected, strict=False))
    figures = {
        "alone_ms": round(1000 * in_one / given.pictures, 1),
        "overhead_ms": round(1000 * (of_one - in_one) / given.pictures, 1),
        "driver_cpu_ms": round(1000 * cpu_s / given.pictures, 1),
        "speed_up": round(of_one / of_two, 2),
        "killed_s": round(killed_s, 2),
        "two_s": round(of_two, 2),
        "four_over_ideal": round(waiting, 3),
        "lost": given.pictures - same,
    }
    print(json.dumps({**figures, **machine()}))


if __name__ == "__main__":
    main()
