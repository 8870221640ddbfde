"""A small catalogue, spec and plan that the tests of this room share."""

from pathlib import Path
from typing import Any

from tag_atelier.bench.plan import Plan, PlannedCheckpoint, plan
from tag_atelier.bench.spec import BenchSpec
from tag_atelier.ports import Host
from tag_atelier.prompt.catalogue import Catalogue, TagEntry
from tests.fakes import FakeScorer, fake_host

LABELS = ("1girl", "glaring", "reaching", "hand_gesture", "fox_shadow_puppet", ">:(")


def entry(name: str, slot: str = "action", posts: int = 100, **changes: Any) -> TagEntry:
    values = {"zh": "", "broader": "", "one_person": True, "safe": True, "reviewed": True, **changes}
    return TagEntry(name=name, slot=slot, posts=posts, **values)


def small_catalogue() -> Catalogue:
    return Catalogue(
        [
            entry("glaring", "expression", 4000, zh="怒视"),
            entry(">:(", "expression", 4971),
            entry("smile", "expression", 3_000_000),
            entry("reaching", posts=4800),
            entry("hand_gesture", posts=900),
            entry("fox_shadow_puppet", posts=700, broader="hand_gesture"),
            entry("kiss", posts=4900, one_person=False),
            entry("undressing", posts=4850, safe=False),
            entry("sitting", posts=900_000),
            entry("standing", posts=800_000),
        ]
    )


def small_spec(**changes: Any) -> BenchSpec:
    value: dict[str, Any] = {
        "name": "small",
        "template": "1girl, {tag}, blue dress",
        "tags": ["glaring", "reaching", ">:(", "fox shadow puppet", "unheard of"],
        "negative": "worst quality",
        "checkpoints": ["model-a", "model-b"],
        "batch_size": 4,
        "self_test": 0,
        "parameters": {"steps": 2, "width": 64, "height": 64},
    }
    return BenchSpec.from_value({**value, **changes})


def small_plan(host: Host, scorer: FakeScorer | None = None, **changes: Any) -> Plan:
    spec = small_spec(**changes)
    found = [host.checkpoints.resolve(name) for name in spec.checkpoints]
    planned = [PlannedCheckpoint(checkpoint, host.checkpoints.identify(checkpoint)) for checkpoint in found]
    return plan(spec, planned, small_catalogue(), (scorer or FakeScorer(LABELS)).identity)


def small_host(folder: Path) -> Any:  # its ports are the fakes, whose own members tests look at
    return fake_host(folder)
