"""``serve``: the page, our routes and the small part of ``/sdapi/v1`` on the embedded host, on this machine only."""

from __future__ import annotations

import argparse
import socket
from pathlib import Path
from typing import Any

from tag_atelier.cli.progress import data_folder, embedded_host
from tag_atelier.errors import HostError
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.jobs.origins import OnlyThisMachine, is_this_machine

STOP_S = 10.0
"""How long a running job may take to stop at its next safe point when the server ends."""


def add_commands(commands: Any) -> None:
    """Add the command."""
    serve = commands.add_parser("serve", help="open the page without a WebUI")
    serve.add_argument("--checkpoints", metavar="FOLDER", type=Path, help="folder of checkpoints (default: the miniature ones)")
    serve.add_argument("--tagger", metavar="FOLDER", type=Path, help="folder of the tagger")
    serve.add_argument("--port", metavar="N", type=int, default=7861, help="port to listen on (default: 7861; 0: any free one)")
    serve.add_argument("--listen", metavar="ADDRESS", default="127.0.0.1", help="address to listen on (no login is asked)")
    serve.set_defaults(run=_serve)


def build_app(atelier: Atelier) -> Any:
    """The whole application: routes first, then the page at ``/``."""
    from fastapi import FastAPI

    from tag_atelier import api
    from tag_atelier.host.embedded.server import add_routes
    from tag_atelier.ui.standalone import mount_page

    app = FastAPI(title="Tag Atelier")
    api.mount(app, atelier, lambda _request: True)
    add_routes(app, atelier.host)
    return mount_page(app, atelier)


def _serve(given: argparse.Namespace) -> int:
    import uvicorn

    listener = _listen(given.listen, given.port)
    checkpoints, tagger = given.checkpoints, given.tagger
    if checkpoints is None:
        from tag_atelier.cli.demo import make_world, tagger_folder

        checkpoints = make_world(data_folder() / "miniature")
        tagger = tagger or tagger_folder()
    atelier = Atelier(embedded_host(checkpoints, tagger, data_folder()))
    app = build_app(atelier)
    if is_this_machine(given.listen):
        app = OnlyThisMachine(app)
    print(f"Tag Atelier: http://{given.listen}:{listener.getsockname()[1]}", flush=True)
    try:
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
    finally:
        atelier.runner.stop(STOP_S)
    return 0


def _listen(address: str, port: int) -> socket.socket:
    """A listening socket, before anything is loaded.

    Raises:
        HostError: the port is taken or none, or the address is not this machine's.
    """
    try:
        family, _, _, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server((place[0], port), family=family)
    except (OSError, OverflowError) as error:
        raise HostError(f"Cannot listen on {address}:{port} ({error}); choose another --port or --listen.") from error
