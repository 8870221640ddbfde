"""The benchmark through both HTTP doors: the selectable script inside one job, and a job of our own that can be stopped."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.webui.background import slow
from tests.webui.client import JOB_S, OURS, Client, pictures
from tests.webui.server import Server

TAGS = ["head tilt", "holding umbrella"]
PARAMETERS = {"sampler": "Euler", "steps": 2, "width": 64, "height": 64}


def plan(name: str, **fields: object) -> dict[str, object]:
    return {"name": name, "template": "1girl, solo, {tag}, forest", "tags": TAGS, "parameters": PARAMETERS, **fields}


def script(value: object) -> dict[str, object]:
    return {"script_name": "Rare-tag benchmark", "script_args": [value]}


@pytest.mark.parametrize("written", ["object", "JSON", "YAML"])
def test_the_script_returns_sheet_and_grid_and_leaves_a_report(client: Client, server: Server, written: str) -> None:
    spec: dict[str, object] = {"tags": TAGS, "checkpoints": ["tiny-sd15-a"], "note": written}
    forms = {"object": spec, "JSON": json.dumps(spec), "YAML": "\n".join(f"{k}: {json.dumps(v)}" for k, v in spec.items())}
    answer = client.try_draw("1girl, solo, {tag}, best quality", **script(forms[written]))
    assert answer.status == 200, answer.body
    sheet, grid = pictures(answer)
    assert min(sheet.image().size) >= 64 and min(grid.image().size) >= 64
    info = json.loads(answer.json()["info"])
    run = info["extra_generation_params"]["Tag Atelier run"]
    folder = server.data / "tag-atelier" / "runs" / run
    assert f"{run}" in info["infotexts"][0]
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert "1girl, solo, {tag}, best quality" in json.dumps(results)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert all(tag in page for tag in TAGS) and "data:image" in page
    served = client.request("GET", f"{OURS}/runs/{run}/report.html")
    assert served.status == 200 and served.body.decode("utf-8") == page


def test_a_job_draws_two_checkpoints_and_tells_how_far_it_is(client: Client, server: Server) -> None:
    spec = plan("two checkpoints", checkpoints=["tiny-sd15-a", "tiny-sd15-b"], seeds=[1, 2])
    planned = client.post(f"{OURS}/benchmarks/plan", {"spec": spec})
    with slow(client, 0.05):
        started = client.request("POST", f"{OURS}/benchmarks", {"spec": spec})
        assert started.status == 202
        seen = watch(client, started.json()["id"])
    job = seen[-1]
    assert job["state"] == "done", job
    assert job["result"]["drawn"] == planned["estimate"]["images"]
    assert any(0 < step["done"] < step["total"] and step["eta_s"] is not None for step in seen), seen
    assert [step["done"] for step in seen] == sorted(step["done"] for step in seen)
    runs = client.get(f"{OURS}/runs")["runs"]
    assert next(run for run in runs if run["id"] == job["result"]["run"])["files"][0] == "report.html"


def test_a_stopped_job_is_taken_up_where_it_stopped(client: Client) -> None:
    spec = plan("stopped", checkpoints=["tiny-sd15-a"], seeds=[1, 2, 3], batch_size=1)
    total = client.post(f"{OURS}/benchmarks/plan", {"spec": spec})["estimate"]["images"]
    with slow(client, 0.25):
        started = client.post(f"{OURS}/benchmarks", {"spec": spec})
        wait_until(lambda: client.get(f"{OURS}/jobs/{started['id']}")["done"] >= 2)
        client.post(f"{OURS}/jobs/{started['id']}/cancel")
        stopped = client.wait(started["id"])
    assert stopped["state"] == "cancelled" and 2 <= stopped["done"] < total
    resumed = client.job("POST", "/benchmarks", {"spec": spec})
    assert resumed["state"] == "done", resumed
    assert 0 < resumed["result"]["drawn"] <= total - 2
    again = client.job("POST", "/benchmarks", {"spec": spec})
    assert again["state"] == "done" and again["result"]["drawn"] == 0


def test_a_users_own_generate_goes_before_the_next_batch(client: Client) -> None:
    spec = plan("yields", checkpoints=["tiny-sd15-a"], seeds=[1, 2, 3, 4, 5, 6], batch_size=1)
    with slow(client, 1.0):
        started = client.post(f"{OURS}/benchmarks", {"spec": spec})
        wait_until(lambda: client.get(f"{OURS}/jobs/{started['id']}")["done"] >= 1)
        before = client.get(f"{OURS}/jobs/{started['id']}")["done"]
        picture = client.draw("1girl, solo", seed=99)
        after = client.get(f"{OURS}/jobs/{started['id']}")
    assert after["state"] == "running" and after["done"] - before <= 3 < after["total"] - before, (before, after)
    alone = client.draw("1girl, solo", seed=99)
    assert picture.pixels == alone.pixels
    assert client.wait(started["id"])["state"] == "done"


def test_the_interrupt_button_stops_a_job_and_nothing_unfinished_is_kept(client: Client) -> None:
    spec = plan("interrupted", checkpoints=["tiny-sd15-a"], seeds=[5, 6], batch_size=2)
    with slow(client, 0.5):
        started = client.post(f"{OURS}/benchmarks", {"spec": spec})
        wait_until(lambda: is_drawing(client))
        client.post("/sdapi/v1/interrupt")
        stopped = client.wait(started["id"])
    assert stopped["state"] == "cancelled", stopped
    resumed = client.job("POST", "/benchmarks", {"spec": spec})
    assert resumed["state"] == "done", resumed


def test_a_cell_is_the_picture_that_txt2img_draws(client: Client, server: Server) -> None:
    spec = plan("same picture", checkpoints=["tiny-sd15-a"], tags=["glaring"], seeds=[7], batch_size=4)
    job = client.job("POST", "/benchmarks", {"spec": spec})
    assert job["state"] == "done", job
    alone = client.draw("1girl, solo, glaring, forest", seed=7)
    stored = sorted((server.data / "tag-atelier" / "runs" / job["result"]["run"]).rglob("*.png"))
    assert any(close_to(path, alone) for path in stored), stored


def test_the_loaded_model_is_restored_after_a_benchmark_of_another(client: Client) -> None:
    before = client.draw()
    job = client.job("POST", "/benchmarks", {"spec": plan("another", checkpoints=["tiny-sd15-b"])})
    assert job["state"] == "done", job
    assert client.get("/sdapi/v1/options")["sd_model_checkpoint"].startswith("tiny-sd15-a")
    assert client.draw().pixels == before.pixels


def test_a_benchmark_is_refused_while_the_loaded_model_is_merged(client: Client) -> None:
    client.apply({"models": ["tiny-sd15-a", "tiny-sd15-b"], "alpha": 0.5})
    answer = client.request("POST", f"{OURS}/benchmarks", {"spec": plan("merged", checkpoints=["tiny-sd15-a"])})
    assert answer.status == 409 and "restore" in answer.json()["detail"]
    answer = client.try_draw("{tag}", **script({"tags": TAGS}))
    assert answer.status == 409 and "restore" in answer.json()["detail"]


REFUSED = {
    "malformed": ("{tags: [", ("JSON", "YAML")),
    "a list": (["glaring"], ("mapping",)),
    "unknown key": ({"tagz": TAGS}, ("tagz", "tags")),
    "unknown checkpoint": ({"tags": TAGS, "checkpoints": ["nobody"]}, ("nobody", "tiny-sd15-a")),
    "unknown sampler": ({"tags": TAGS, "parameters": {"sampler": "Oiler"}}, ("Oiler", "Euler")),
    "unknown preset": ({"preset": "common-8"}, ("common-8",)),
    "no place for the tag": ({"tags": TAGS, "template": "1girl"}, ("{tag}",)),
    "missing tagger": ({"tags": TAGS, "tagger": "nobody"}, ("nobody", "tiny")),
    "size": ({"tags": TAGS, "parameters": {"width": 65}}, ("65", "multiple of 8")),
}


@pytest.mark.parametrize(("value", "named"), REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_plan_is_refused_by_both_doors(client: Client, server: Server, value: object, named: tuple[str, ...]) -> None:
    folder = server.data / "tag-atelier" / "runs"
    before = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    full = {"name": "x", "template": "{tag}", **value} if isinstance(value, dict) and "preset" not in value else value
    answers = [client.try_draw("{tag}", **script(value)), client.request("POST", f"{OURS}/benchmarks", {"spec": full})]
    for answer in answers:
        assert 400 <= answer.status < 500, answer.body
        sentence = answer.json()["detail"]
        assert all(word in sentence for word in named) and "\n" not in sentence, sentence
    assert (sorted(path.name for path in folder.iterdir()) if folder.exists() else []) == before


def watch(client: Client, job_id: str) -> list[dict]:
    seen = []
    deadline = time.monotonic() + JOB_S
    while time.monotonic() < deadline:
        seen.append(client.get(f"{OURS}/jobs/{job_id}"))
        if seen[-1]["state"] in ("done", "failed", "cancelled"):
            return seen
        time.sleep(0.05)
    raise AssertionError(seen[-1])


def is_drawing(client: Client) -> bool:
    """A job of ours is at its second step or later; the WebUI keeps the last job's steps until the next begins."""
    state = client.get("/sdapi/v1/progress?skip_current_image=true")["state"]
    return state["job"] == "tag_atelier" and state["sampling_step"] >= 1


def wait_until(condition) -> None:
    deadline = time.monotonic() + JOB_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def close_to(path: Path, other) -> bool:
    """Whether two pictures differ by at most one grey level, as they may between batch sizes."""
    from PIL import Image, ImageChops

    with Image.open(path) as stored:
        if stored.size != other.image().size:
            return False
        difference = ImageChops.difference(stored.convert("RGB"), other.image())
    return max(high for _, high in difference.getextrema()) <= 1
