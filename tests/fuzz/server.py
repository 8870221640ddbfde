"""Serves the page and every route on a host of fakes with real checkpoint files, for the fuzzer; a program.

Prints its address, then, once its standard input ends, one JSON line: requests by status and what was answered with 5xx.
Jobs that the fuzzer starts are stopped after a second, so that what it sends cannot keep the machine busy.
"""

from __future__ import annotations

import json
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

PATIENCE_S = 1.0


class Counting:
    """Counts answers by status, and remembers the requests that were answered with 5xx or that broke."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.statuses: Counter[int] = Counter()
        self.failures: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        what = f"{scope['method']} {scope['path']}?{scope['query_string'].decode('latin-1')}"

        async def counted(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.statuses[message["status"]] += 1
                if message["status"] >= 500:
                    self.failures.append(f"{message['status']} {what}")
            await send(message)

        try:
            await self.app(scope, receive, counted)
        except Exception as error:
            self.failures.append(f"{type(error).__name__}: {error} at {what}")
            raise


def stop_old_jobs(atelier: Any) -> None:
    """Cancel what runs longer than ``PATIENCE_S``, for as long as the process lives."""
    seen: dict[str, float] = {}
    while True:
        for job in atelier.runner.list():
            if not job.over and time.monotonic() - seen.setdefault(job.id, time.monotonic()) > PATIENCE_S:
                atelier.runner.cancel(job.id)
        time.sleep(PATIENCE_S / 5)


def build(folder: Path) -> tuple[Any, Any]:
    """The atelier, with one finished run to ask for, and the application."""
    from fastapi import FastAPI

    from tag_atelier import api
    from tag_atelier.jobs.atelier import Atelier
    from tag_atelier.ui.standalone import mount_page
    from tag_atelier.world import tiny_checkpoints
    from tests.fakes import FakeScorer, fake_host

    host = fake_host(folder, names=(), tensors={})
    tiny_checkpoints.make(host.checkpoints.output_folder())
    host.checkpoints.refresh()
    atelier = Atelier(host, find_scorer=lambda _folders, _name: FakeScorer())
    first = host.checkpoints.list()[0].name
    plan = {"name": "seen", "template": "1girl, {tag}", "tags": ["glaring"], "checkpoints": [first]}
    job = atelier.start_benchmark({**plan, "parameters": {"width": 64, "height": 64, "steps": 2, "sampler": "Euler"}})
    while not job.over:
        time.sleep(0.05)
    if job.state != "done":
        sys.exit(f"The run to fuzz could not be made: {job.error}")
    app = FastAPI(title="Tag Atelier")
    api.mount(app, atelier, lambda _request: True)
    return atelier, mount_page(app, atelier)


def main() -> None:
    import uvicorn

    with tempfile.TemporaryDirectory() as folder:
        atelier, app = build(Path(folder))
        counting = Counting(app)
        threading.Thread(target=stop_old_jobs, args=(atelier,), daemon=True).start()
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(counting, log_level="critical"))
        threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
        sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        sys.stdin.read()
        server.should_exit = server.force_exit = True
        atelier.runner.stop(10.0)
        sys.stdout.write(
            json.dumps({"statuses": dict(sorted(counting.statuses.items())), "failures": counting.failures}) + "\n"
        )


if __name__ == "__main__":
    main()
