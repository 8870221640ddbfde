"""``serve``: the page, our routes and the small part of ``/sdapi/v1`` on the embedded host, on this machine only."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tag_atelier.cli.progress import data_folder, embedded_host
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.ports import Host


def add_commands(commands: Any) -> None:
    """Add the command."""
    serve = commands.add_parser("serve", help="open the page without a WebUI")
    serve.add_argument("--checkpoints", metavar="FOLDER", type=Path, help="folder of checkpoints (default: tiny ones)")
    serve.add_argument("--tagger", metavar="FOLDER", type=Path, help="folder of the tagger")
    serve.add_argument("--port", type=int, default=7861)
    serve.add_argument("--listen", metavar="ADDRESS", default="127.0.0.1", help="address to listen on (no login is asked)")
    serve.set_defaults(run=_serve)


def build_app(host: Host) -> Any:
    """The whole application: routes first, then the page at ``/``."""
    from fastapi import FastAPI

    from tag_atelier import api
    from tag_atelier.host.embedded.server import add_routes
    from tag_atelier.ui.standalone import mount_page

    app = FastAPI(title="Tag Atelier")
    atelier = Atelier(host)
    api.mount(app, atelier, lambda _request: True)
    add_routes(app, host)
    return mount_page(app, atelier)


def _serve(given: argparse.Namespace) -> int:
    import uvicorn

    checkpoints, tagger = given.checkpoints, given.tagger
    if checkpoints is None:
        from tag_atelier.cli.demo import make_world

        checkpoints = make_world(data_folder() / "world")
        tagger = tagger or checkpoints / "tagger"
    app = build_app(embedded_host(checkpoints, tagger, data_folder()))
    print(f"Tag Atelier: http://{given.listen}:{given.port}")
    uvicorn.run(app, host=given.listen, port=given.port, log_level="warning")
    return 0
