"""Speaks HTTP to a running WebUI: its own API and our routes. Standard library and Pillow only."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

TIMEOUT_S = 120
JOB_S = 300
"""How long one job of ours may take; reForge needs half a minute for each switch of checkpoints on a busy machine."""
OURS = "/tag-atelier/v1"
PROBE = "/tag-atelier-probe"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Picture:
    """One image as the API returned it."""

    png: bytes
    infotext: str

    def image(self) -> Any:
        """As a Pillow image, RGB."""
        from PIL import Image

        return Image.open(io.BytesIO(self.png)).convert("RGB")

    @property
    def pixels(self) -> str:
        """SHA-256 of size and pixels: two pictures are the same when this is."""
        image = self.image()
        return hashlib.sha256(f"{image.size}".encode() + image.tobytes()).hexdigest()


def pictures(answer: Answer) -> list[Picture]:
    """The images of a txt2img or img2img answer."""
    value = answer.json()
    texts = json.loads(value["info"])["infotexts"]
    images = enumerate(value["images"])
    return [Picture(base64.b64decode(image), texts[min(index, len(texts) - 1)]) for index, image in images]


class Client:
    """One user's view of one server."""

    timeout_s: float = TIMEOUT_S
    """How long one answer may take."""

    def __init__(self, base: str, credentials: tuple[str, str] | None = None, headers: Mapping[str, str] | None = None) -> None:
        self.base = base
        self.headers = dict(headers or {})
        if credentials is not None:
            token = base64.b64encode(":".join(credentials).encode()).decode()
            self.headers["Authorization"] = f"Basic {token}"

    def request(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
        """One request; ``body`` is sent as JSON, or as it is when bytes. Any status is returned, never raised."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        given = {"Content-Type": "application/json", **self.headers, **(headers or {})}
        request = urllib.request.Request(self.base + path, data=data, headers=given, method=method)
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_s) as response:
                return Answer(response.status, response.read(), dict(response.headers))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read(), dict(error.headers))

    def answers(self, path: str) -> bool:
        """Whether the route exists and is served by now."""
        try:
            return self.request("GET", path).status in (200, 401)
        except (OSError, ValueError):
            return False

    def get(self, path: str) -> Any:
        """JSON of a GET that must succeed."""
        return self._good(self.request("GET", path), path)

    def post(self, path: str, body: object = None) -> Any:
        """JSON of a POST that must succeed."""
        return self._good(self.request("POST", path, {} if body is None else body), path)

    @staticmethod
    def _good(answer: Answer, path: str) -> Any:
        assert answer.status in (200, 202), f"{path}: {answer.status} {answer.body[:2000]!r}"
        return answer.json()

    # the WebUI's own
    @cached_property
    def is_forge(self) -> bool:
        """Which of the two it is."""
        return bool(self.get(f"{OURS}/status")["host"] == "forge")

    @property
    def hires(self) -> dict[str, object]:
        """Fields of a txt2img job with a second pass at twice the size."""
        fields = {
            "enable_hr": True,
            "hr_scale": 2,
            "hr_second_pass_steps": 2,
            "denoising_strength": 0.7,
            "hr_upscaler": "Latent",
        }
        return {**fields, "hr_additional_modules": []} if self.is_forge else fields  # Forge fails on its own default, None

    def draw(self, prompt: str = "1girl, solo", **fields: object) -> Picture:
        """The first image of a txt2img job of 64×64 in 2 steps, everything of it overridable."""
        return self.draw_all(prompt, **fields)[0]

    def draw_all(self, prompt: str = "1girl, solo", **fields: object) -> list[Picture]:
        """All images of a txt2img job."""
        answer = self.try_draw(prompt, **fields)
        assert answer.status == 200, f"txt2img: {answer.status} {answer.body[:2000]!r}"
        return pictures(answer)

    def try_draw(self, prompt: str = "1girl, solo", **fields: object) -> Answer:
        """A txt2img job that may fail."""
        job = {"prompt": prompt, "seed": 1, "steps": 2, "width": 64, "height": 64, "cfg_scale": 7}
        return self.request("POST", "/sdapi/v1/txt2img", {**job, "sampler_name": "Euler", **fields})

    def choose(self, checkpoint: str) -> None:
        """Switch the checkpoint as the page's menu does."""
        self.post("/sdapi/v1/options", {"sd_model_checkpoint": checkpoint})
        if self.is_forge:
            self.draw()  # it loads nothing before it has to

    # ours
    def job(self, method: str, path: str, body: object = None, timeout_s: float = JOB_S) -> dict[str, Any]:
        """Start a job and wait until it is over."""
        started = self.request(method, OURS + path, body if body is not None or method == "DELETE" else {})
        assert started.status == 202, f"{path}: {started.status} {started.body[:2000]!r}"
        return self.wait(started.json()["id"], timeout_s)

    def wait(self, job_id: str, timeout_s: float = JOB_S) -> dict[str, Any]:
        """The job once it is over."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            job: dict[str, Any] = self.get(f"{OURS}/jobs/{job_id}")
            if job["state"] in ("done", "failed", "cancelled"):
                return job
            time.sleep(0.1)
        raise AssertionError(f"The job is not over after {timeout_s} s: {job}")

    def apply(self, recipe: object) -> dict[str, Any]:
        """Merge into the loaded model; must succeed."""
        job = self.job("POST", "/live", {"recipe": recipe})
        assert job["state"] == "done", job
        return job

    def restore(self) -> dict[str, Any]:
        """Restore the loaded model; must succeed."""
        job = self.job("DELETE", "/live")
        assert job["state"] == "done", job
        return job

    def weights(self) -> dict[str, str]:
        """SHA-256 of the live UNet, text encoders and VAE, and the name of the checkpoint."""
        answer: dict[str, str] = self.get(f"{PROBE}/weights")
        return answer
