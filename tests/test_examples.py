"""Carries out what README.md and docs/http_api.md show: every example is a request, a plan or a recipe that is accepted."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tag_atelier.bench import verdicts
from tag_atelier.bench.spec import BenchSpec, list_presets
from tag_atelier.jobs.panel import PanelRequest
from tag_atelier.jobs.prompt_page import PromptPage
from tag_atelier.jobs.prompts import Prompts
from tag_atelier.jobs.runner import Job
from tag_atelier.merge.recipe import Recipe
from tag_atelier.tune.study_spec import StudySpec

ROOT = Path(__file__).resolve().parent.parent
PAGES = (ROOT / "README.md", ROOT / "docs" / "http_api.md", ROOT / "docs" / "merge_recipes.md")


def examples(language: str) -> list[pytest.param]:
    """Every code block of ``language``, under the page's name and its number there."""
    found = []
    for page in PAGES:
        blocks = re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        found += [pytest.param(block, id=f"{page.stem}-{number}") for number, block in enumerate(blocks)]
    return found


def accept_job_argument(example: dict[str, object]) -> bool:
    """A request to ``/sdapi``: the panel's argument, or the script's plan laid over what the job gives."""
    if "alwayson_scripts" in example:
        (name, panel), *others = dict(example["alwayson_scripts"]).items()  # type: ignore[call-overload]
        request = PanelRequest.from_value(*panel["args"])
        assert (name, others, request.enabled) == ("Tag Atelier", [], True)
        assert request.profile in Prompts().profiles
        return True
    if "script_name" in example:
        assert example["script_name"] == "Rare-tag benchmark"
        (plan,) = list(example["script_args"])  # type: ignore[call-overload]
        plan = json.loads(plan) if isinstance(plan, str) else plan
        if "preset" in plan:
            assert plan["preset"] in list_presets()
        else:
            spec = BenchSpec.from_value({"name": "job", "template": example["prompt"], **plan})
            assert spec.tags == ("glaring", "holding eyewear")
        return True
    return False


@pytest.mark.parametrize("text", examples("json"))
def test_every_json_example_is_accepted(text: str) -> None:
    example = json.loads(text)
    if accept_job_argument(example):
        return
    if "state" in example:
        assert list(example) == list(Job("merge", "", lambda _progress: {}).as_dict())
    elif "op" in example:
        assert PromptPage(Prompts()).edit(example)["text"] == "forest, 1girl, smile"
    elif "verdicts" in example:
        assert verdicts.from_value(example)["5f0c…"] == verdicts.Verdict("drawn", True, "two left hands")
    elif "box" in example:
        assert len(PromptPage(Prompts()).lanes(example)["items"]) == 3  # type: ignore[arg-type]
    elif "text" in example:
        assert Prompts().arrange(example)["changed"] is True
        assert isinstance(Prompts().lint(example)["findings"], list)
    elif "tags" in example:
        assert [answer["slot"] for answer in Prompts().slots(example["tags"])] == ["main_char", "action", "subject"]
    elif "study" in example:
        spec = StudySpec.from_value(example["study"])
        assert (spec.models, spec.trials) == (("model-a", "model-b"), 40)
    elif "spec" in example:
        assert BenchSpec.from_value(example["spec"]).seeds == (1, 2, 3)
    else:
        assert Recipe.from_value(example["recipe"]).models == ("model-a", "model-b")


@pytest.mark.parametrize("text", examples("yaml"))
def test_every_yaml_example_is_a_plan_or_a_recipe(text: str) -> None:
    if "template:" in text:
        assert BenchSpec.from_value(text).tags == ("sanpaku", "holding eyewear", "hands on own knees")
    else:
        assert Recipe.from_value(Recipe.from_value(text).to_yaml()).digest == Recipe.from_value(text).digest
