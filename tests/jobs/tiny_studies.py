"""A search that is over in a second or two, and a sampler that can be held up in the middle of it."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path
from typing import Any

from tag_atelier.host.embedded import build
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.settings import DEFAULTS
from tag_atelier.tune.study import Study
from tests.fakes import FakeSampler, FakeScorer

A, B = "tiny-sd15-a", "tiny-sd15-b"
TAGS = [f"thing {letter}" for letter in "abcdefghijklmnopqrstuvwx"]
STUDY: dict[str, Any] = {
    "name": "Tiny search",
    "models": [A, B],
    "plan": {"template": "1girl, {tag}", "tags": TAGS, "parameters": {"steps": 1, "width": 64, "height": 64}, "batch_size": 8},
    "space": {"groups": "model", "low": 0, "high": 1},
    "trials": 5,
    "tags_per_prompt": 12,
    "prompts": 6,
    "halving": [1.0],
    "validation": {"share": 0.5, "prompts": 6},
}


class HeldSampler(FakeSampler):
    """Stands still before its next batch once ``hold_after`` candidates are finished, until it is let go."""

    def __init__(self, checkpoints: Any, studies: Path) -> None:
        super().__init__(checkpoints)
        self.hold_after: int | None = None
        self.gate, self.reached = threading.Event(), threading.Event()
        self._studies = studies

    def render(self, batch: Any, parameters: Any, checkpoint: Any, deliver: Any, progress: Any) -> None:
        after, gate = self.hold_after, self.gate
        if after is not None and self.tried() >= after:
            self.reached.set()
            assert gate.wait(300)
        super().render(batch, parameters, checkpoint, deliver, progress)

    def tried(self) -> int:
        (folder,) = self._studies.iterdir()
        return Study.open(folder).status().finished_trials

    def hold(self, after: int) -> None:
        """Stand still, further on than now where it stands already."""
        self.reached.clear()
        self.hold_after = after
        self.gate.set()
        self.gate = threading.Event()

    def let_go(self) -> None:
        self.hold_after = None
        self.gate.set()


def build_atelier(models: Path, data: Path, language: str = "en") -> Atelier:
    """The house on the embedded host with a held sampler, and a tagger that sees what its fake pictures say."""
    host = build(models, data, device="cpu")
    held = dataclasses.replace(host, sampler=HeldSampler(host.checkpoints, data / "studies"))
    labels = [tag.replace(" ", "_") for tag in TAGS]
    return Atelier(held, lambda: {**DEFAULTS, "language": language}, lambda *_: FakeScorer(labels))


def sampler(atelier: Atelier) -> HeldSampler:
    found = atelier.host.sampler
    assert isinstance(found, HeldSampler)
    return found
