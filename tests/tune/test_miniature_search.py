"""A short search on the trained miniature: real pictures, a real tagger, an honest result. The long one: docs/search.md."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

pytest.importorskip("diffusers")
pytest.importorskip("optuna")

from tag_atelier.host.embedded import build
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.tagger import find_tagger
from tag_atelier.tune.easel import Workplace
from tag_atelier.tune.study import Study
from tag_atelier.tune.study_spec import StudySpec, ValidationSpec
from tag_atelier.world import miniature
from tests.fakes import FakeProgress


def test_twelve_candidates_of_the_miniature(tmp_path: Path) -> None:
    shipped = StudySpec.from_value("miniature")
    # Two thirds of the usual steps: the pictures are worse, and all candidates' alike.
    plan = dataclasses.replace(shipped.plan, batch_size=13, parameters=dataclasses.replace(shipped.plan.parameters, steps=8))
    validation = ValidationSpec(share=0.5, prompts=25)
    spec = dataclasses.replace(
        shipped, plan=plan, trials=12, prompts=12, halving=(1.0,), validation=validation, preview=("1girl, solo",)
    )
    miniature.make(tmp_path / "models")
    host = build(tmp_path / "models", tmp_path / "data")
    place = Workplace(host, find_tagger([miniature.WEIGHTS], plan.tagger), Catalogue.load())
    status = Study(spec, tmp_path / "study").work(place, FakeProgress())
    result, scores = status.result, {parent.name: parent.search for parent in status.parents}
    assert (status.phase, status.finished_trials) == ("done", 12)
    assert result is not None and result.tags >= 12 and result.pictures == 26
    assert set(scores) == {miniature.FACE, miniature.OUTFIT} and None not in scores.values()
    # What a lucky dozen cannot show for sure, a broken merge would: it draws as well as its parents, not noise.
    assert result.validation.value > 0.8 * max(parent.validation.value for parent in status.parents if parent.validation)
    assert result.difference.low < result.difference.value < result.difference.high
