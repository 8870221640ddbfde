"""The routes: what they answer, whom they refuse, and that every error is one sentence."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import FakeScorer, fake_host

fastapi = pytest.importorskip("fastapi")
pytest.importorskip("httpx")

from fastapi.testclient import TestClient  # noqa: E402

from tag_atelier import api  # noqa: E402
from tag_atelier.errors import RecipeError, say  # noqa: E402
from tag_atelier.jobs.atelier import Atelier  # noqa: E402
from tag_atelier.openapi import BODIES, QUERIES  # noqa: E402
from tag_atelier.ports import Progress  # noqa: E402

PLAN = {"name": "two tags", "template": "1girl, {tag}", "tags": ["glaring", "reaching"], "checkpoints": ["model-a"]} | {
    "parameters": {"width": 64, "height": 64, "steps": 2, "sampler": "Euler"}
}


@pytest.fixture
def atelier(tmp_path: Path) -> Atelier:
    return Atelier(fake_host(tmp_path), find_scorer=lambda _folders, _name: FakeScorer())


@pytest.fixture
def client(atelier: Atelier) -> Any:
    app = fastapi.FastAPI()
    api.mount(app, atelier, lambda _request: True)
    return TestClient(app)


def finished(client: Any, job: dict[str, Any]) -> dict[str, Any]:
    """The job once it is over."""
    for _ in range(600):
        shown: dict[str, Any] = client.get(f"/tag-atelier/v1/jobs/{job['id']}").json()
        if shown["state"] in ("done", "failed", "cancelled"):
            return shown
        time.sleep(0.05)
    raise AssertionError(f"the job did not end: {shown}")


def test_arrange_answers_with_the_text_in_order(client: Any) -> None:
    answer = client.post("/tag-atelier/v1/prompt/arrange", json={"text": "blue eyes, 1girl, forest", "profile": "aidxl"})
    assert answer.status_code == 200
    assert answer.json()["text"] == "1girl, forest, blue eyes"
    assert answer.json()["changed"] is True


def test_lint_names_the_trap(client: Any) -> None:
    findings = client.post("/tag-atelier/v1/prompt/lint", json={"text": "1girl, hat, :3"}).json()["findings"]
    assert any(":3" in finding["message"] for finding in findings)


def test_slots_keep_the_order_given(client: Any) -> None:
    slots = client.post("/tag-atelier/v1/prompt/slots", json={"tags": ["white hair", "forest"]}).json()["slots"]
    assert [(slot["tag"], slot["slot"]) for slot in slots] == [("white hair", "main_char"), ("forest", "main_env")]


def test_names_and_status_need_no_model(client: Any) -> None:
    names = client.get("/tag-atelier/v1/names").json()
    assert names["checkpoints"] == ["model-a", "model-b"]
    assert "aidxl" in names["profiles"] and "weighted_sum" in names["methods"]
    status = client.get("/tag-atelier/v1/status").json()
    assert (status["loaded"], status["dirty"], status["live_merge"]) == (None, False, None)


def test_a_benchmark_runs_as_a_job_and_its_report_is_served(client: Any) -> None:
    planned = client.post("/tag-atelier/v1/benchmarks/plan", json={"spec": PLAN}).json()
    assert planned["estimate"]["images"] == 3
    started = client.post("/tag-atelier/v1/benchmarks", json={"spec": PLAN})
    assert started.status_code == 202
    job = finished(client, started.json())
    assert (job["state"], job["error"]) == ("done", "")
    runs = client.get("/tag-atelier/v1/runs").json()["runs"]
    assert [run["id"] for run in runs] == [job["result"]["run"]]
    report = client.get(f"/tag-atelier/v1/runs/{runs[0]['id']}/report.html")
    assert report.status_code == 200 and "<html" in report.text
    assert report.headers["x-content-type-options"] == "nosniff"


def test_the_same_plan_is_taken_up_and_draws_nothing_twice(client: Any, atelier: Atelier) -> None:
    first = finished(client, client.post("/tag-atelier/v1/benchmarks", json={"spec": PLAN}).json())
    drawn = len(atelier.host.sampler.batches)  # type: ignore[attr-defined]
    second = finished(client, client.post("/tag-atelier/v1/benchmarks", json={"spec": PLAN}).json())
    assert second["result"]["run"] == first["result"]["run"]
    assert len(atelier.host.sampler.batches) == drawn  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "sentence"),
    [
        ("POST", "/prompt/arrange", "{", 422, "The request body is not valid JSON"),
        ("POST", "/prompt/arrange", '["x"]', 422, "is a list; expected an object"),
        ("POST", "/prompt/arrange", '{"text": "a", "profil": "x"}', 422, "unknown key(s) profil"),
        ("POST", "/prompt/arrange", '{"text": "a", "profile": "nope"}', 404, "Unknown profile 'nope'; expected one of: aidxl"),
        ("POST", "/prompt/arrange", "{}", 422, "'text' is missing; expected a string."),
        ("POST", "/prompt/slots", '{"tags": "x"}', 422, "'tags' is not a list of strings"),
        ("POST", "/prompt/slots", '{"tags": ["\\ud800"]}', 422, "The request body is not valid JSON"),
        ("POST", "/prompt/slots", '{"tags": [NaN]}', 422, "The request body is not valid JSON"),
        (
            "POST",
            "/benchmarks",
            '{"spec": "name: \\"\\\\ud800\\"\\ntemplate: \\"{tag}\\"\\ntags: [glaring]\\ncheckpoints: [model-a]"}',
            422,
            "no Unicode",
        ),
        (
            "POST",
            "/benchmarks/plan",
            '{"spec": {"name": "a", "template": "{tag}", "tags": ["a"], "seeds": "%s-1"}}' % ("9" * 5000),
            422,
            "seeds",
        ),
        ("POST", "/benchmarks", "{}", 422, "'spec' is missing"),
        ("POST", "/benchmarks", '{"spec": {"preset": "nope"}}', 404, "Unknown benchmark preset 'nope'"),
        ("POST", "/merges", '{"recipe": {"method": "nope", "models": ["a", "b"]}, "name": "x"}', 404, "nope"),
        ("POST", "/merges", '{"recipe": 3, "name": "x"}', 422, "The recipe is neither an object nor a text"),
        (
            "POST",
            "/live",
            '{"recipe": {"method": "weighted_sum", "models": ["x", "model-a"], "alpha": 0.5}}',
            404,
            "checkpoint",
        ),
        ("DELETE", "/live", "", 422, "The host 'fake' cannot change a loaded model"),
        ("GET", "/jobs/nope", "", 404, "Unknown job 'nope'"),
        ("GET", "/runs/..%2f..%2fetc/report.html", "", 404, ""),
        ("GET", "/runs/nope/report.html", "", 404, "Unknown run 'nope'"),
    ],
)
def test_bad_input_is_a_4xx_and_one_sentence(
    client: Any, method: str, path: str, body: str, status: int, sentence: str
) -> None:
    answer = client.request(method, f"/tag-atelier/v1{path}", content=body.encode())
    assert (answer.status_code, sentence in str(answer.json()["detail"])) == (status, True), answer.text


def test_sentences_are_said_in_the_language_that_a_request_names(client: Any, atelier: Atelier) -> None:
    def fails(progress: Progress) -> dict[str, object]:
        progress.begin(1, say("Restoring the loaded model"))
        raise RecipeError("The block '{block}' is given twice; give it one weight.", block="IN04")

    job = atelier.runner.start("live", say("live merge {digest}", digest="0f3a"), fails)
    assert job.wait(5)
    told = {
        language: client.get(f"/tag-atelier/v1/jobs/{job.id}", headers={"Accept-Language": language}).json()
        for language in ("zh-CN", "en")
    }
    assert [(one["title"], one["text"], one["error"]) for one in told.values()] == [
        ("合并到已加载的模型 0f3a", "正在还原已加载的模型", "分块“IN04”写了两次；请只给一个权重。"),
        ("live merge 0f3a", "Restoring the loaded model", "The block 'IN04' is given twice; give it one weight."),
    ]
    listed = client.get("/tag-atelier/v1/jobs", headers={"Accept-Language": "zh-CN"}).json()["jobs"]
    assert listed[0]["title"] == "合并到已加载的模型 0f3a"
    answer = client.get("/tag-atelier/v1/runs/nope/report.html", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}).json()
    assert answer == {"error": "UnknownName", "detail": "没有评测“nope”；请检查名称。"}
    assert client.get("/tag-atelier/v1/runs/nope/report.html").json()["detail"].startswith("Unknown run 'nope'; there is none")


def test_a_body_that_is_too_large_is_refused_unread(client: Any) -> None:
    answer = client.post("/tag-atelier/v1/prompt/arrange", content=b'{"text": "' + b"a" * 1_000_001 + b'"}')
    assert (answer.status_code, answer.json()["error"]) == (413, "TooLarge")


def test_without_a_login_only_the_page_token_opens_the_routes(atelier: Atelier) -> None:
    app = fastapi.FastAPI()
    api.mount(app, atelier, lambda request: request.headers.get("authorization") == "Basic good")
    client = TestClient(app)
    for route in api.ROUTES:
        path = api.PREFIX + re.sub(r"\{\w+\}", "x", route.path)
        assert client.request(route.method, path).status_code == 401, path
    path = api.PREFIX + "/status"
    assert client.get(path, headers={"Authorization": "Basic good"}).status_code == 200
    assert client.get(path, headers={"X-Tag-Atelier": api.PAGE_TOKEN}).status_code == 200
    assert client.get(path, headers={"X-Tag-Atelier": "guess"}).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": "http://testserver"}, 200),
        ({"Origin": "https://proxy.example", "X-Forwarded-Host": "proxy.example"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://proxy.example"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({}, 200),
    ],
)
def test_another_sites_page_cannot_start_anything(client: Any, headers: dict[str, str], status: int) -> None:
    answer = client.post("/tag-atelier/v1/prompt/slots", json={"tags": ["hat"]}, headers=headers)
    assert answer.status_code == status


def test_every_route_that_takes_something_is_described_for_programs(client: Any) -> None:
    told = client.get("/openapi.json").json()["paths"]
    for route in api.ROUTES:
        described = told[api.PREFIX + route.path][route.method.lower()]
        names = {parameter["name"] for parameter in described.get("parameters", ())}
        assert {part[1:-1] for part in route.path.split("/") if part.startswith("{")} <= names, route.path
        assert ("requestBody" in described) == (route.method == "POST"), route.path
    assert set(BODIES) == {route.path for route in api.ROUTES if route.method == "POST"}
    assert set(QUERIES) <= {route.path for route in api.ROUTES if route.method == "GET"}


def test_the_prompt_pages_routes_answer(client: Any) -> None:
    base = "/tag-atelier/v1/prompt"
    lanes = client.post(f"{base}/lanes", json={"text": "smile, 1girl", "box": "here"}).json()
    assert [item["tag"] for item in lanes["items"]] == ["smile", "1girl"]
    off = client.post(f"{base}/edit", json={"text": "smile, 1girl", "box": "here", "op": {"kind": "off", "index": 0}}).json()
    assert (off["text"], client.get(f"{base}/memory").json()["boxes"]["here"]["off"][0]["text"]) == ("1girl", "smile")
    assert client.post(f"{base}/memory", json={"clear": "boxes"}).json()["boxes"] == {}
    found = client.get(f"{base}/search", params={"q": "绫波丽", "kinds": "character"}).json()["entries"]
    assert [entry["tag"] for entry in found] == ["ayanami_rei"]
    assert client.post(f"{base}/artists", json={"artists": [{"name": "ask"}]}).json()["text"] == "by ask"
    assert client.post(f"{base}/character", json={"name": "frieren"}).json()["tag"] == "frieren"
    assert client.post(f"{base}/negative", json={"preset": "none", "text": "hat"}).json()["text"] == "hat"
    assert client.get(f"{base}/styles").json() == {"styles": [], "files": [], "problems": []}
    assert client.post(f"{base}/styles/import", json={"names": [], "prompt": "a"}).json()["prompt"] == "a"
    assert client.post(f"{base}/styles/export", json={"name": "a", "prompt": "b"}).status_code == 422
    assert client.get(f"{base}/profile").json()["id"] == "aidxl"
    assert client.get(f"{base}/settings", params={"profile": "pony"}).json()["id"] == "pony"


def test_a_picture_may_be_larger_than_other_requests(client: Any) -> None:
    large = "A" * 1_200_000
    picture = client.post("/tag-atelier/v1/prompt/from_picture", json={"image": large})
    assert (picture.status_code, "expected a PNG" in picture.json()["detail"]) == (422, True)
    assert client.post("/tag-atelier/v1/prompt/lanes", json={"text": large}).status_code == 413


@pytest.mark.parametrize("query", ["", "?q=a&limit=-1", "?q=a&kinds=hat", "?q=a&page=2"])
def test_a_query_that_makes_no_sense_is_refused(client: Any, query: str) -> None:
    answer = client.get(f"/tag-atelier/v1/prompt/search{query}")
    assert (answer.status_code, answer.json()["error"]) == (422, "RequestError")
