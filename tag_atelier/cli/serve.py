"""``serve``: page and routes on this machine only, on the embedded host with a part of ``/sdapi/v1``, or on other WebUIs."""

from __future__ import annotations

import argparse
import socket
from pathlib import Path
from typing import Any

from tag_atelier.cli.progress import add_remote_options, chosen_language, data_folder, embedded_host, other_machines
from tag_atelier.errors import HostError
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.jobs.origins import OnlyThisMachine, is_this_machine
from tag_atelier.ports import Host
from tag_atelier.settings import DEFAULTS

STOP_S = 10.0
"""How long a running job may take to stop at its next safe point when the server ends."""


def add_commands(commands: Any) -> None:
    """Add the command."""
    serve = commands.add_parser("serve", help="open the page without a WebUI")
    serve.add_argument("--checkpoints", metavar="FOLDER", type=Path, help="folder of checkpoints (default: the miniature ones)")
    serve.add_argument("--tagger", metavar="FOLDER", type=Path, help="folder of the tagger")
    add_remote_options(serve)
    serve.add_argument("--port", metavar="N", type=int, default=7861, help="port to listen on (default: 7861; 0: any free one)")
    serve.add_argument("--listen", metavar="ADDRESS", default="127.0.0.1", help="address to listen on (no login is asked)")
    serve.add_argument("--language", choices=("auto", "en", "zh_CN"), default="auto", help="language of page and reports")
    serve.set_defaults(run=_serve)


def build_app(atelier: Atelier) -> Any:
    """The whole application: routes first, then the page at ``/``."""
    from fastapi import FastAPI

    from tag_atelier import api
    from tag_atelier.ui.standalone import mount_page

    app = FastAPI(title="Tag Atelier")
    api.mount(app, atelier, lambda _request: True)
    if not atelier.host.machines:  # other WebUIs have their own
        from tag_atelier.host.embedded.server import add_routes

        add_routes(app, atelier.host)
    return mount_page(app, atelier)


def _serve(given: argparse.Namespace) -> int:
    import uvicorn

    listener = _listen(given.listen, given.port)
    language = chosen_language(given)
    atelier = Atelier(_host(given), lambda: {**DEFAULTS, "language": language})
    app = build_app(atelier)
    if is_this_machine(given.listen):
        app = OnlyThisMachine(app)
    print(f"Tag Atelier: http://{given.listen}:{listener.getsockname()[1]}", flush=True)
    try:
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
    finally:
        atelier.runner.stop(STOP_S)
    return 0


def _host(given: argparse.Namespace) -> Host:
    others = other_machines(given)
    if others is not None:
        return others
    checkpoints, tagger = given.checkpoints, given.tagger
    if checkpoints is None:
        from tag_atelier.cli.demo import make_world, tagger_folder

        checkpoints = make_world(data_folder() / "miniature")
        tagger = tagger or tagger_folder()
    return embedded_host(checkpoints, tagger, data_folder())


def _listen(address: str, port: int) -> socket.socket:
    """A listening socket, before anything is loaded.

    Raises:
        HostError: the port is taken or none, or the address is not this machine's.
    """
    try:
        family, _, _, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server((place[0], port), family=family)
    except (OSError, OverflowError) as error:
        raise HostError(
            "Cannot listen on {address}:{port} ({error}); choose another --port or --listen.",
            address=address,
            port=port,
            error=str(error),
        ) from error
