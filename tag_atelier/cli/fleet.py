"""``fleet scheduler | worker``: the meeting point of several machines, and a machine that draws for whoever asks there."""

from __future__ import annotations

import argparse
import asyncio
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tag_atelier.cli.progress import add_certificates, add_login_options, data_folder, embedded_host, read_login
from tag_atelier.errors import HostError, RequestError, Said
from tag_atelier.jobs.origins import is_this_machine
from tag_atelier.language import system_language, tell

if TYPE_CHECKING:
    from tag_atelier.host.fleet.machine import Machine


def add_commands(commands: Any) -> None:
    """Add the command and its two actions."""
    fleet = commands.add_parser("fleet", help="let several machines share a benchmark's pictures")
    actions = fleet.add_subparsers(dest="action", required=True, metavar="scheduler|worker")
    scheduler = actions.add_parser("scheduler", help="the meeting point: one process, anywhere, that draws nothing")
    scheduler.add_argument(
        "--listen", metavar="ADDRESS", default="127.0.0.1", help="HOST or HOST:PORT (default: 127.0.0.1:8786)"
    )
    scheduler.set_defaults(run=_scheduler)
    worker = actions.add_parser("worker", help="draw for a fleet: with this machine's GPU, or with a WebUI by its address")
    worker.add_argument("address", metavar="ADDRESS", help="HOST or HOST:PORT of the meeting point")
    worker.add_argument("--checkpoints", metavar="FOLDER", type=Path, help="draw here with the checkpoints of this folder")
    worker.add_argument("--device", metavar="NAME", help="cpu, cuda:0, cuda:1 … (default: the first GPU); one worker each")
    add_login_options(worker, "draw with this WebUI, started with --api")
    worker.add_argument("--name", metavar="NAME", help="what pictures say they were drawn by (default: computer and device)")
    worker.add_argument("--port", metavar="N", type=int, default=0, help="port on which the fleet reaches it (default: any)")
    worker.set_defaults(run=_worker)
    for action in (scheduler, worker):
        add_certificates(action)
        action.add_argument("--no-tls", action="store_true", help="do without certificates: nobody else can reach this network")


def _scheduler(given: argparse.Namespace) -> int:
    from tag_atelier.host.fleet.workers import meet

    _refuse_open(given.listen, given)
    try:
        asyncio.run(meet(given.listen, given.certificates, _tell))
    except OSError as error:
        raise HostError(
            "Cannot listen on {address} ({reason}); choose another --listen.", address=given.listen, reason=error
        ) from error
    return 0


def _worker(given: argparse.Namespace) -> int:
    from tag_atelier.host.fleet.workers import work

    _refuse_open(given.address, given)
    machine = _machine(given)
    asyncio.run(work(given.address, given.certificates, machine, _tell, given.port))
    return 0


def _machine(given: argparse.Namespace) -> Machine:
    from tag_atelier.host.fleet.machine import Machine

    if bool(given.host) == bool(given.checkpoints) or len(given.host or ()) > 1:
        raise RequestError("Expected either --checkpoints FOLDER or one --host URL; start a worker for each machine.")
    if given.host:
        from tag_atelier.host.remote import build
        from tag_atelier.host.remote.client import Client

        label = Client(given.host[0]).url
        return Machine(given.name or label, label, build(given.host[0], data_folder(), credentials=read_login(given.login)))
    host = embedded_host(given.checkpoints, None, data_folder(), given.device)
    name = given.name or " ".join(part for part in (platform.node(), given.device) if part)
    return Machine(name, name, host)


def _refuse_open(address: str, given: argparse.Namespace) -> None:
    """Raises RequestError where strangers could reach a port that runs what it is sent."""
    if not (given.certificates or given.no_tls or is_this_machine(address.rpartition("://")[2])):
        raise RequestError(
            "Whoever reaches a fleet's ports can run programs here; expected --certificates FOLDER for {address}, "
            "or --no-tls where nobody else can reach this network.",
            address=address,
        )


def _tell(line: Said) -> None:
    print(tell(line, system_language()), flush=True)
