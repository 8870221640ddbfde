"""A drawing in another thread, slow enough that something can happen to it on the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.webui.client import PROBE, Answer, Client

PATIENCE_S = 180


@contextmanager
def drawing(client: Client, step_delay_s: float = 0.2, **fields: object) -> Iterator[list[Answer]]:
    """A txt2img job that is under way in the body; its answer is in the list afterwards."""
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(client.try_draw(**{"steps": 20, **fields})), daemon=True)
    with slow(client, step_delay_s):
        thread.start()
        wait_until_sampling(client)
        yield answers
        thread.join(PATIENCE_S)
    assert not thread.is_alive()


@contextmanager
def slow(client: Client, step_delay_s: float) -> Iterator[None]:
    """Every denoising step takes at least this long."""
    client.post(f"{PROBE}/plan", {"step_delay_s": step_delay_s})
    try:
        yield
    finally:
        client.post(f"{PROBE}/plan", {"step_delay_s": 0.0})


def wait_until_sampling(client: Client) -> None:
    """Until the WebUI has done a first step of some job."""
    deadline = time.monotonic() + PATIENCE_S
    while client.get("/sdapi/v1/progress?skip_current_image=true")["state"]["sampling_step"] < 1:
        assert time.monotonic() < deadline, "nothing is being drawn"
        time.sleep(0.02)
