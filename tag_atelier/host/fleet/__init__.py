"""Several machines behind one ``Host``: WebUIs named by their addresses, or a fleet that workers have joined.

Only the command line builds it. The engine under it is optional (``pip install -e .[fleet]``); see docs/many_machines.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tag_atelier.errors import HostError
from tag_atelier.host.fleet.catalogue import FleetCheckpoints
from tag_atelier.host.fleet.members import Members
from tag_atelier.host.fleet.sampler import FleetSampler
from tag_atelier.ports import Host


def build_of_webuis(
    urls: Sequence[str],
    data_folder: Path,
    tagger_folders: Sequence[Path] = (),
    credentials: tuple[str, str] | None = None,
) -> Host:
    """WebUIs that share every batch. The engine runs inside this process and opens no port to anybody.

    Asks nothing of the WebUIs yet. ``credentials`` are for those whose address holds no ``user:password@``.

    Raises:
        HostError: the engine is missing, an address is none, or is given twice.
    """
    from tag_atelier.host.fleet.engine import engine
    from tag_atelier.host.fleet.machine import Machine
    from tag_atelier.host.fleet.workers import in_this_process
    from tag_atelier.host.remote import build
    from tag_atelier.host.remote.client import Client

    engine()
    clients = [Client(url, credentials) for url in urls]
    labels = [client.url for client in clients]
    twice = next((label for label in labels if labels.count(label) > 1), "")
    if twice:
        raise HostError("{address} is given twice; expected each WebUI once.", address=twice)
    hosts = [build(url, data_folder, credentials=credentials) for url in urls]
    machines = [Machine(number, label, host) for number, (label, host) in enumerate(zip(labels, hosts, strict=True), start=1)]
    return _host("remote", Members(lambda: in_this_process(machines)), len(machines), data_folder, tagger_folders)


def build_of_fleet(
    address: str, data_folder: Path, tagger_folders: Sequence[Path] = (), certificates: Path | None = None
) -> Host:
    """The machines that have joined the fleet at ``address``, and those that join later.

    Raises:
        HostError: the engine is missing, ``address`` is none, nobody answers there, or no machine joins within seconds.
    """
    from tag_atelier.host.fleet.engine import full_address, security
    from tag_atelier.host.fleet.workers import join

    full_address(address, certificates), security(certificates)
    members = Members(lambda: join(address, certificates))
    return _host("fleet", members, len(members.addresses()), data_folder, tagger_folders)


def _host(name: str, members: Members, count: int, data_folder: Path, tagger_folders: Sequence[Path]) -> Host:
    checkpoints = FleetCheckpoints(members)
    return Host(
        name=name,
        sampler=FleetSampler(members, checkpoints),
        checkpoints=checkpoints,
        data_folder=data_folder,
        tagger_folders=tuple(tagger_folders),
        machines=count,
    )
