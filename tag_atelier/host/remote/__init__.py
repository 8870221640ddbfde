"""A WebUI on another machine (or ``tag_atelier serve``), spoken to over ``/sdapi/v1``. Loads without torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tag_atelier.ports import Host


def build(url: str, data_folder: Path, tagger_folders: Sequence[Path] = (), credentials: tuple[str, str] | None = None) -> Host:
    """The remote host's ports.

    Asks nothing of the other machine yet. There is no live model: weights cannot be changed over ``/sdapi/v1``.

    Args:
        url: one that holds ``user:password@`` is spoken to with these.
        credentials: user and password of the WebUI's ``--api-auth`` where ``url`` names none.

    Raises:
        HostError: ``url`` is not an http address.
    """
    from tag_atelier.host.remote.catalogue import RemoteCheckpoints
    from tag_atelier.host.remote.client import Client
    from tag_atelier.host.remote.sampler import RemoteSampler

    client = Client(url, credentials)
    checkpoints = RemoteCheckpoints(client)
    return Host(
        name="remote",
        sampler=RemoteSampler(client, checkpoints),
        checkpoints=checkpoints,
        data_folder=data_folder,
        tagger_folders=tuple(tagger_folders),
        live_model=None,
        interrupt=client.interrupt,
        machines=1,
    )
