"""A WebUI that answers just enough of ``/sdapi/v1`` for the remote host, in this process; it can be made to die."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tag_atelier.ports import RenderRequest, SamplingParameters
from tests.fakes import draw, infotext


class FakeWebui:
    """``drawn`` counts its answers; after ``dies_after`` of them every request is broken off."""

    def __init__(self, checkpoints: dict[str, str], dies_after: int | None = None) -> None:
        self.checkpoints, self.dies_after = checkpoints, dies_after
        self.chosen = next(iter(checkpoints))
        self.drawn: list[str] = []
        self.interrupted = False
        self.gate = threading.Event()
        """Drawing waits until it is set."""
        self.gate.set()
        self.began = threading.Event()
        """Set when it is asked for a picture."""
        self.url = ""

    @property
    def is_dead(self) -> bool:
        return self.dies_after is not None and len(self.drawn) >= self.dies_after

    def get(self, path: str) -> Any:
        lists: dict[str, Any] = {
            "sd-models": [
                {
                    "title": f"{name}.safetensors [{sha[:10]}]",
                    "model_name": name,
                    "sha256": sha,
                    "filename": f"{name}.safetensors",
                }
                for name, sha in self.checkpoints.items()
            ],
            "samplers": [{"name": "Euler a"}],
            "schedulers": [{"label": "Automatic"}],
            "options": {"sd_model_checkpoint": self.chosen},
            "progress": {"state": {"interrupted": self.interrupted}},
        }
        return lists[path]

    def post(self, path: str, body: dict[str, Any]) -> Any:
        if path == "options":
            self.chosen = body["sd_model_checkpoint"].partition(".")[0]
        elif path == "interrupt":
            self.interrupted = True
            self.gate.set()
        elif path == "txt2img":
            return self.draw(body)
        return {}

    def draw(self, body: dict[str, Any]) -> dict[str, Any]:
        self.began.set()
        self.gate.wait(60)
        title = body["override_settings"]["sd_model_checkpoint"]
        name = title.partition(".")[0]
        request = RenderRequest(body["prompt"], body["negative_prompt"], body["seed"])
        parameters = SamplingParameters(steps=body["steps"], width=body["width"], height=body["height"])
        buffer = io.BytesIO()
        draw(request, parameters, name).save(buffer, "PNG")
        self.drawn.append(body["prompt"])
        info = {"sd_model_name": name, "sd_model_hash": self.checkpoints[name][:10], "seed": body["seed"]}
        info["infotexts"] = [infotext(request, parameters, name)]
        return {"images": [base64.b64encode(buffer.getvalue()).decode("ascii")], "info": json.dumps(info)}


@contextmanager
def served(webui: FakeWebui) -> Iterator[FakeWebui]:
    """``webui`` behind a port of this machine, which is written into it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(lambda: webui.get(self.path.partition("?")[0].rpartition("/")[2]))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.answer(lambda: webui.post(self.path.rpartition("/")[2], body))

        def answer(self, ask: Any) -> None:
            if webui.is_dead:
                self.close_connection = True
                return
            text = json.dumps(ask()).encode("utf-8")
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_given: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    webui.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield webui
    finally:
        webui.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
