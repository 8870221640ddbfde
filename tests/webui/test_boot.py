"""The extension starts with the WebUI: panel, script, tab, settings and routes are there, and nothing is said in the log."""

from __future__ import annotations

from tests.webui.client import OURS, Client
from tests.webui.server import Server


def test_scripts_are_listed(client: Client) -> None:
    for tab, script in (("txt2img", "tag atelier"), ("img2img", "tag atelier"), ("txt2img", "rare-tag benchmark")):
        assert script in client.get("/sdapi/v1/scripts")[tab]


def test_status_names_the_host(client: Client, server: Server) -> None:
    status = client.get(f"{OURS}/status")
    assert status["host"] == server.checkout.host_name
    assert status["dirty"] is False and status["live_merge"] is None and status["jobs"] == []


def test_the_log_holds_no_error_of_ours(server: Server) -> None:
    log = server.log_text()
    assert "Error loading script" not in log and "tag_atelier/" not in log.replace("/scripts/tag_atelier.py", "")
