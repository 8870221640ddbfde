"""Where a fleet's machines run: inside this process (WebUIs by their addresses), or as a process that joins from anywhere."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from tag_atelier.errors import Said, say
from tag_atelier.host.fleet.engine import NO_WEB_PAGE, engine, full_address, security
from tag_atelier.host.fleet.machine import Machine

AGAIN_S: Final = 3.0
"""After so long a worker tries to join again when the meeting point is gone."""
_ONE_AT_A_TIME: Final = {"nthreads": 1, "memory_limit": 0, **NO_WEB_PAGE}
"""The engine would pause or kill a process by its memory; models fill memory on purpose."""

Tell = Callable[[Said], None]
"""Takes a line for the person at the console."""


def in_this_process(machines: Sequence[Machine]) -> Any:
    """A client of a fleet of ``machines``, which lives in this process and has no port that leads to it."""
    distributed = engine()
    inside = {"protocol": "inproc://", **NO_WEB_PAGE}
    workers = {machine.name: {"cls": hire, "options": {**_ONE_AT_A_TIME, **inside, "machine": machine}} for machine in machines}
    scheduler = {"cls": distributed.Scheduler, "options": inside}
    with warnings.catch_warnings():  # without a network it cannot find out an address that nobody needs here
        warnings.filterwarnings("ignore", "Couldn't detect a suitable IP address", RuntimeWarning)
        return distributed.Client(distributed.SpecCluster(workers=workers, scheduler=scheduler), set_as_default=False)


def join(address: str, certificates: Path | None) -> Any:
    """A client of the fleet whose meeting point is at ``address``.

    Raises:
        OSError: nobody answers there.
    """
    return engine().Client(
        full_address(address, certificates), security=security(certificates), timeout=10, set_as_default=False
    )


def hire(address: str, machine: Machine, **options: Any) -> Any:
    """The engine's worker for ``machine``, not started yet."""
    worker = engine().Worker(address, **options)
    worker.machine = machine
    return worker


async def work(address: str, certificates: Path | None, machine: Machine, tell: Tell, port: int = 0) -> None:
    """Draw for the fleet at ``address`` until the task is cancelled; join again whenever the meeting point was gone.

    Args:
        port: on which drivers and meeting point reach this machine; 0: any free one.
    """
    meeting_point = full_address(address, certificates)
    options = {**_ONE_AT_A_TIME, "name": machine.name, "host": own_address(meeting_point), "port": port}
    while True:
        tell(say("{machine}: waiting for {address}", machine=machine.label, address=meeting_point))
        async with hire(meeting_point, machine, **options, security=security(certificates)) as worker:
            tell(say("{machine}: joined, listens on {address}", machine=machine.label, address=worker.address))
            await worker.finished()
        await asyncio.sleep(AGAIN_S)


async def meet(address: str, certificates: Path | None, tell: Tell) -> None:
    """Be the meeting point of a fleet at ``address`` until the task is cancelled. Raises OSError where the port is taken."""
    host = full_address(address, certificates)
    async with engine().Scheduler(host=host, security=security(certificates), **NO_WEB_PAGE) as scheduler:
        tell(say("Fleet: {address}", address=scheduler.address))
        await scheduler.finished()


def own_address(meeting_point: str) -> str:
    """This machine's address on the way to ``meeting_point``, so that a worker listens there and nowhere else."""
    distributed = engine()
    host, _ = distributed.comm.get_address_host_port(meeting_point)
    found: str = distributed.utils.get_ip(host)
    return found
