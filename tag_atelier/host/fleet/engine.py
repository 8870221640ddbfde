"""The engine under a fleet: Dask's ``distributed``, an optional package. Everything of it is reached through here.

Why Dask and not Ray, and what its ports allow to whoever reaches them: docs/many_machines.md.
"""

from __future__ import annotations

import importlib
import logging
import re
from pathlib import Path
from typing import Any, Final

from tag_atelier.errors import HostError

SILENT_S: Final = 30
"""A machine that was not heard of for so long is lost, which is looked at as often; its pictures go to the others."""
PORT: Final = 8786
"""Where a fleet's meeting point listens; the engine's own default."""
NO_WEB_PAGE: Final = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
"""The engine opens a web server whatever one asks for: on this machine only, any port, and with nothing in it."""
CERTIFICATES: Final = ("ca.pem", "cert.pem", "key.pem")
"""Files in the folder of ``--certificates``: who is believed, who one is, and the key to it."""


def engine() -> Any:
    """The package ``distributed``, set up for drawing.

    Raises:
        HostError: it is not installed.
    """
    try:
        distributed, dask = importlib.import_module("distributed"), importlib.import_module("dask")
    except ModuleNotFoundError as error:
        raise HostError(
            "Several machines at once want the package '{package}'; run: pip install -e .[fleet]", package=error.name
        ) from error
    dask.config.set(
        {
            "distributed.scheduler.worker-ttl": f"{SILENT_S}s",
            "distributed.scheduler.http.routes": [],
            "distributed.worker.http.routes": [],
            "distributed.worker.profile.enabled": False,
        }
    )
    for name in ("distributed", "distributed.client"):  # it tells of a lost machine over a page; we do in a line
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return distributed


def security(certificates: Path | None) -> Any:
    """The engine's settings for TLS in both directions; None without certificates.

    Raises:
        HostError: a file is missing.
    """
    if certificates is None:
        return None
    missing = [name for name in CERTIFICATES if not (certificates / name).is_file()]
    if missing:
        raise HostError(
            "'{folder}' has no {missing}; expected ca.pem, cert.pem and key.pem (docs/many_machines.md says how to make them).",
            folder=certificates,
            missing=", ".join(missing),
        )
    authority, own, key = (str(certificates / name) for name in CERTIFICATES)
    roles = {
        f"tls_{role}_{part}": path for role in ("client", "scheduler", "worker") for part, path in (("cert", own), ("key", key))
    }
    return engine().Security(require_encryption=True, tls_ca_file=authority, **roles)


def full_address(address: str, certificates: Path | None) -> str:
    """``address`` (``HOST`` or ``HOST:PORT``) as the engine writes it.

    Raises:
        HostError: it names another protocol, or a port that is none.
    """
    protocol = "tls" if certificates else "tcp"
    found = re.fullmatch(rf"(?:{protocol}://)?(\[[0-9a-fA-F:.]+]|[^:/\[\]\s]+)(?::(\d+))?", address)
    if found is None:
        raise HostError("'{address}' is not a fleet's address; expected one such as 192.168.0.10:8786.", address=address)
    return f"{protocol}://{found[1]}:{found[2] or PORT}"
