"""An ``Atelier`` for the page's tests: plain answers at once, and jobs of the real runner that only wait."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

from tag_atelier.errors import SpecError, UnknownName
from tag_atelier.jobs.families import Family
from tag_atelier.jobs.merges import Merges
from tag_atelier.jobs.panel_prompts import PanelMemory, Report
from tag_atelier.jobs.runner import Job, JobRunner
from tag_atelier.jobs.taggers import Taggers
from tag_atelier.ports import Progress
from tag_atelier.prompt.profile import Profile
from tag_atelier.prompt.slots import SLOTS
from tag_atelier.settings import DEFAULTS
from tests.fakes import fake_host
from tests.ui.prompt_atelier import prompt_atelier


class FakePrompts:
    """Two families, one with presets and one without."""

    profiles: Mapping[str, Profile] = {
        "aidxl": Profile(
            "aidxl",
            "AIDXL 0.8 or newer",
            "sdxl",
            tuple(SLOTS),
            quality={"best": "best quality, masterpiece"},
            negative={"short": "worst quality"},
        ),
        "sd15-anime": Profile("sd15-anime", "SD 1.5 anime", "sd15", tuple(SLOTS)),
    }

    def profile(self, profile_id: str) -> Profile:
        return self.profiles["aidxl" if profile_id == "automatic" else profile_id]


class FakeFamilies:
    """Every checkpoint is AIDXL by its name."""

    def current(self) -> Family:
        return Family("aidxl", "name", "aidxl-0.8")


class FakePanel:
    """A panel that has drawn nothing yet; its switches are kept in a real file."""

    def __init__(self, folder: Path) -> None:
        self.memory = PanelMemory(folder)
        self.reports: dict[str, Report | None] = {}


class FakeBenchmarks:
    """One finished run with a report, one that was stopped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stored = self
        self.judged: list[object] = []
        self.deleted: list[str] = []

    def listed(self) -> list[dict[str, object]]:
        return [
            {"id": "confusionxl-rows-0123456789", "files": ["report.html", "results.json"], "done": True}
            | {"name": "ConfusionXL rows", "total": 9, "drawn": 9},
            {"id": "my-benchmark-9876543210", "files": ["results.json"], "done": False}
            | {"name": "My benchmark", "total": 9, "drawn": 4},
        ]

    def report_file(self, run: str, name: str) -> Path:
        path = self.folder / name
        text = "<h1>A report</h1>" if name == "report.html" else '{"plan": {"spec": {"name": "Stopped before"}}}'
        path.write_text(text, encoding="utf-8")
        return path


class FakeAtelier:
    """What the page asks of ``jobs.atelier.Atelier``."""

    def __init__(self, folder: Path, language: str = "en", step_s: float = 0.1) -> None:
        self.step_s = step_s
        self._options = {**DEFAULTS, "language": language}
        self.prompts = FakePrompts()
        self.benchmarks = FakeBenchmarks(folder)
        self.families = FakeFamilies()
        self.panel = FakePanel(folder)
        self.host = SimpleNamespace(live_settings=lambda: {"clip_skip": 1}, facts=dict)
        self.runner = JobRunner()
        self.dirty = False
        host = fake_host(folder)
        self.merges = Merges(host, self.runner)
        self.taggers = Taggers(host, self.runner, self.options)
        self.prompt_room = prompt_atelier(folder / "prompts", language).prompt_room
        self.asked: list[tuple[str, object]] = []

    def options(self) -> Mapping[str, bool | int | float | str]:
        return self._options

    def names(self) -> dict[str, object]:
        return {"checkpoints": ["model-a", "model-b", "model-c"], "profiles": list(self.prompts.profiles)}

    def status(self) -> dict[str, object]:
        return {"host": "fake", "loaded": "model-a", "dirty": self.dirty, "live_merge": None, "recipe": None, "jobs": []}

    def arrange(self, request: Mapping[str, object]) -> dict[str, object]:
        """Sorts the tags by length; a text with a bracket in it is refused."""
        self.asked.append(("arrange", request))
        text = str(request["text"])
        if "[" in text:
            return {"text": text, "changed": False, "reasons": ["unbalanced"], "moves": []}
        arranged = ", ".join(sorted((tag.strip() for tag in text.split(",")), key=len))
        moves = [{"tag": tag, "slot": "subject", "from": 1, "to": 0} for tag in arranged.split(", ")[:3]]
        return {"text": arranged, "changed": arranged != text, "reasons": [], "moves": moves if arranged != text else []}

    def lint(self, request: Mapping[str, object]) -> dict[str, object]:
        if "greay" not in str(request["text"]):
            return {"findings": []}
        return {
            "findings": [
                {
                    "code": "unknown",
                    "start": 0,
                    "end": 10,
                    "severity": "warning",
                    "message": "'greay hair' is no <b>known</b> tag.",
                    "fix": "grey hair",
                },
                {"code": "space", "start": 0, "end": 10, "severity": "note", "message": "Two spaces.", "fix": None},
            ]
        }

    def plan_benchmark(self, spec: object) -> dict[str, object]:
        self.asked.append(("plan", spec))
        if not isinstance(spec, Mapping) or "template" not in spec:
            raise SpecError("The plan has no 'template'; expected at least name, template and either tags or rule.")
        return {
            "checkpoints": [{"name": "model-a", "identity": "0" * 64}],
            "tags": [{"text": "head tilt"}, {"text": "holding umbrella"}],
            "skipped": [{"name": "sex", "reason": "sensitive"}],
            "notes": [],
            "baseline": "1girl, solo",
            "example_prompt": "1girl, solo, head tilt",
            "scorer": "tiny-tagger 0123456789abcdef",
            "estimate": {"images": 1234, "batches": 309, "disk_bytes": 1.9e9, "resolvable_difference": 0.2},
        }

    def start_benchmark(self, spec: object) -> Job:
        self.asked.append(("benchmark", spec))
        return self._start("benchmark", "ConfusionXL rows", {"run": "confusionxl-rows-0123456789", "report": "report.html"})

    def check_merge(self, recipe: object) -> dict[str, object]:
        self.asked.append(("check", recipe))
        return {
            "digest": "ab" * 32,
            "formula": "(1 − Σwᵢ)·A + Σ wᵢ·Xᵢ",
            "architecture": "sdxl",
            "models": [
                {"letter": "a", "name": "model-a", "size_bytes": 6_938_040_000},
                {"letter": "b", "name": "model-b", "size_bytes": 6_938_040_000},
            ],
            "keys": 2515,
            "changed_keys": 1680,
            "read_bytes": 11e9,
            "write_bytes": 6.9e9,
            "notes": ["196 EMA tensors of 'model-a' are left out; they are only used in training."],
            "warnings": ["'model-a' is marked v_pred and 'model-b' for noise prediction."],
        }

    def start_merge(self, recipe: object, name: str) -> Job:
        self.asked.append(("merge", (recipe, name)))
        return self._start(
            "merge",
            f"{name}.safetensors",
            {"file": f"{name}.safetensors", "name": name, "models": ["model-a", "model-b"], "format": "safetensors"},
        )

    def start_live_merge(self, recipe: object) -> Job:
        self.asked.append(("live", recipe))
        self.dirty = True
        return self._start("live", "live merge", {})

    def restore_live(self) -> Job:
        self.asked.append(("restore", None))
        self.dirty = False
        return self._start("restore", "restore the loaded model", {})

    def job(self, job_id: str) -> Job:
        return self.runner.get(job_id)

    def _start(self, kind: str, title: str, result: Mapping[str, object]) -> Job:
        def work(progress: Progress) -> Mapping[str, object]:
            from tag_atelier.errors import Cancelled

            progress.begin(40, "drawing head tilt")
            for _ in range(40):
                if progress.cancelled:
                    raise Cancelled("Stopped; what is done stays done.")
                time.sleep(self.step_s)
                progress.advance()
            return result

        return self.runner.start(kind, title, work)


class BrokenAtelier(FakeAtelier):
    """A host that cannot list its checkpoints: the page is drawn all the same."""

    def names(self) -> dict[str, object]:
        raise UnknownName("folder", "models")
