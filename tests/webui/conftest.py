"""A real WebUI with the extension in it, booted as seldom as possible; all is skipped where there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.webui.checkout import Checkout, find_checkouts
from tests.webui.client import OURS, PROBE, Client
from tests.webui.data_folder import make_data_folder, make_models
from tests.webui.server import Server

SHOWN_LOG = 6000
"""Characters of the server's log under a failed test."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test once per checkout."""
    if "checkout" in metafunc.fixturenames:
        found = find_checkouts()
        none = pytest.param(None, marks=pytest.mark.skip(reason="no WebUI checkout in SD_WEBUI_DIR or the home folder"))
        metafunc.parametrize(
            "checkout", found or [none], ids=lambda it: it.name if it else "none", scope="session", indirect=True
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Show the end of the server's log under a failed test."""
    report = yield
    servers = [value for value in getattr(item, "funcargs", {}).values() if isinstance(value, Server)]
    if report.failed:
        report.sections.extend(("log of the WebUI", server.log_text()[-SHOWN_LOG:]) for server in servers)
    return report


@pytest.fixture(autouse=True)
def _where_it_applies(request: pytest.FixtureRequest) -> None:
    """Skip what one of the WebUIs cannot do: ``@pytest.mark.only("a1111", reason=…)``."""
    marker = request.node.get_closest_marker("only")
    if marker is not None and "checkout" in request.fixturenames:
        checkout = request.getfixturevalue("checkout")
        if checkout.name not in marker.args:
            pytest.skip(marker.kwargs["reason"])


@pytest.fixture(scope="session")
def checkout(request: pytest.FixtureRequest) -> Iterator[Checkout]:
    """The WebUI under test; it is found as it was left."""
    found: Checkout = request.param
    before = found.state()
    yield found
    assert found.state() == before, "the tests changed the WebUI's checkout"


@pytest.fixture(scope="session")
def workplace(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of everything that belongs to one checkout: environment, models, data folders."""
    return tmp_path_factory.mktemp(checkout.name)


@pytest.fixture(scope="session")
def boot(checkout: Checkout, workplace: Path) -> Iterator[Callable[..., Server]]:
    """``boot(name, "link" or "copy", *flags)``: a server on a data folder of its own; all end with the session.

    ``prepare`` is handed the data folder and the server's Python before it starts; then no installer but ours runs.
    """
    python = checkout.layered_python(workplace / "python")
    requirements = checkout.requirements_file(workplace)
    make_models(workplace / "models", checkout)
    running: list[Server] = []

    def start(
        name: str,
        kind: str,
        *flags: str,
        credentials: tuple[str, str] | None = None,
        install: bool = False,
        prepare: Callable[[Path, Path], None] | None = None,
    ) -> Server:
        data = workplace / name
        make_data_folder(data, workplace / "models", kind, "tiny-sd15-a.safetensors")
        if prepare is not None:
            prepare(data, python)
        server = Server(checkout, python, data, requirements, workplace / f"{name}.log")
        running.append(server)
        if install and (checkout.has_parts or prepare is not None):
            server.install()
        if prepare is not None or not install:
            flags = (*flags, "--skip-install")
        server.start(flags, credentials)
        return server

    try:
        yield start
    finally:
        for server in running:
            server.stop()


@pytest.fixture(scope="session")
def server(boot: Callable[..., Server]) -> Server:
    """The one that most tests share: with the page, the extension linked, install.py run."""
    return boot("linked", "link", install=True)


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    """Speaks to the shared server; afterwards nothing is merged, failing or slow, and the first checkpoint is loaded."""
    yield server.client
    server.client.post(f"{PROBE}/plan", {"fail": "", "step_delay_s": 0.0})
    if server.client.get(f"{OURS}/status")["dirty"]:
        server.client.restore()
    server.client.choose("tiny-sd15-a.safetensors")
