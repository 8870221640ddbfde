"""Stored runs through a real WebUI's routes: judged, compared, exported, deleted; taggers listed."""

from __future__ import annotations

import io
import json
import zipfile

from tests.webui.client import OURS, Client
from tests.webui.server import Server

PLAN = {
    "template": "1girl, solo, {tag}, forest",
    "tags": ["head tilt", "holding umbrella"],
    "checkpoints": ["tiny-sd15-a"],
    "parameters": {"sampler": "Euler", "steps": 2, "width": 64, "height": 64},
    "self_test": 0,
}


def run(client: Client, name: str, **changes: object) -> str:
    job = client.job("POST", "/benchmarks", {"spec": {**PLAN, "name": name, **changes}})
    assert job["state"] == "done", job
    return str(job["result"]["run"])


def test_a_run_is_judged_compared_exported_and_deleted(client: Client, server: Server) -> None:
    first, second = run(client, "judged"), run(client, "beside", seeds=[1, 2])
    listed = {item["id"]: item for item in client.get(f"{OURS}/runs")["runs"]}
    assert listed[first]["size_bytes"] > 1000 and "card.md" in listed[first]["files"]
    asked = client.get(f"{OURS}/runs/{first}/verdicts")
    key = asked["pictures"][0]["key"]
    assert client.post(f"{OURS}/runs/{first}/verdicts", {"verdicts": {key: {"answer": "broken"}}})["verdicts"] == 1
    report = client.request("GET", f"{OURS}/runs/{first}/report.html")
    assert report.status == 200 and '<span class="eye" title="broken">' in report.body.decode("utf-8")
    cells = client.get(f"{OURS}/runs/{first}/cells")["cells"]
    assert [cell["state"] for cell in cells] == ["done"] * 3
    thumb = client.request("GET", f"{OURS}/runs/{first}/thumbs/{cells[0]['image']}")
    assert thumb.status == 200 and thumb.body
    told = client.get(f"{OURS}/runs/compare?runs={first},{second}")
    assert told["seeds"] == [1] and len(told["columns"]) == 2
    packed = client.request("GET", f"{OURS}/runs/{first}/export.zip")
    with zipfile.ZipFile(io.BytesIO(packed.body)) as archive:
        texts = [archive.read(name).decode("utf-8") for name in archive.namelist() if name.endswith((".json", ".md", ".html"))]
    assert texts and not any(str(server.data) in text for text in texts)
    assert client.request("DELETE", f"{OURS}/runs/{first}").status == 200
    assert first not in {item["id"] for item in client.get(f"{OURS}/runs")["runs"]}
    assert client.request("DELETE", f"{OURS}/runs/{first}").status == 404


def test_taggers_are_listed_and_unknown_ones_refused(client: Client) -> None:
    told = client.get(f"{OURS}/taggers")
    assert [item["name"] for item in told["here"]] and "pixai-tagger-v0.9" in {item["name"] for item in told["known"]}
    refused = client.request("POST", f"{OURS}/taggers", {"name": "nobody"})
    assert refused.status == 404 and "pixai-tagger-v0.9" in refused.json()["detail"]


def test_a_batch_size_that_is_left_open_is_found_and_kept(client: Client) -> None:
    found = run(client, "open", batch_size="auto", seeds=[1, 2])
    results = json.loads(client.request("GET", f"{OURS}/runs/{found}/results.json").body)
    assert results["manifest"]["batch_size"] in (1, 2, 4)
    assert results["plan"]["spec"]["batch_size"] == "auto"
    again = client.job("POST", "/benchmarks", {"spec": results["plan"]["spec"]})
    assert (again["result"]["run"], again["result"]["drawn"]) == (found, 0), "taken up, not begun anew"
