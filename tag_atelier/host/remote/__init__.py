"""WebUIs on other machines (or ``tag_atelier serve``), spoken to over ``/sdapi/v1``. Loads without torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tag_atelier.errors import HostError, say
from tag_atelier.ports import Host


def build(
    url: str | Sequence[str],
    data_folder: Path,
    tagger_folders: Sequence[Path] = (),
    credentials: tuple[str, str] | None = None,
) -> Host:
    """The remote host's ports, on one WebUI or on several that share every batch.

    Asks nothing of the other machines yet. There is no live model: weights cannot be changed over ``/sdapi/v1``.

    Args:
        url: one address or several; one that holds ``user:password@`` is spoken to with these.
        credentials: user and password of the WebUIs' ``--api-auth`` where the address names none.

    Raises:
        HostError: an address is not an http address, is given twice, or there is none.
    """
    from tag_atelier.host.remote.catalogue import RemoteCheckpoints
    from tag_atelier.host.remote.client import Client
    from tag_atelier.host.remote.fleet import Fleet, Machine
    from tag_atelier.host.remote.fleet_checkpoints import FleetCheckpoints
    from tag_atelier.host.remote.sampler import RemoteSampler

    clients = [Client(one, credentials) for one in ([url] if isinstance(url, str) else url)]
    addresses = [client.url for client in clients]
    twice = next((address for address in addresses if addresses.count(address) > 1), "")
    if twice or not clients:
        raise HostError(
            "{twice} is given; expected each WebUI once, such as http://127.0.0.1:7860.", twice=twice or say("No address")
        )
    catalogues = [RemoteCheckpoints(client) for client in clients]
    samplers = [RemoteSampler(client, catalogue) for client, catalogue in zip(clients, catalogues, strict=True)]
    machines = [Machine(*parts) for parts in zip(addresses, samplers, catalogues, strict=True)]
    alone = len(machines) == 1

    def interrupt() -> None:
        for client in clients:
            client.interrupt()

    return Host(
        name="remote",
        sampler=samplers[0] if alone else Fleet(machines),
        checkpoints=catalogues[0] if alone else FleetCheckpoints(machines),
        data_folder=data_folder,
        tagger_folders=tuple(tagger_folders),
        live_model=None,
        interrupt=interrupt,
        machines=len(machines),
    )
