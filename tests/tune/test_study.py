"""A whole study on tiny files: live merges, the model restored, the answer a recipe; nothing drawn for bad input."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("optuna")

from tag_atelier.cli import main
from tag_atelier.errors import Busy, Cancelled, TagAtelierError
from tag_atelier.host.embedded import build
from tag_atelier.merge.recipe import Recipe
from tag_atelier.ports import Host
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.tagger import find_tagger
from tag_atelier.tune.easel import Easel, Workplace
from tag_atelier.tune.study import Study
from tag_atelier.tune.study_spec import StudySpec
from tests.fakes import FakeProgress, fake_host

A, B = "tiny-sd15-a", "tiny-sd15-b"
TAGS = [
    "holding sword",
    "smile",
    "twintails",
    "hoodie",
    "hat",
    "blush",
    "sunset",
    "grass",
    "cat ears",
    "halo",
    "kimono",
    "wings",
]
STUDY: Mapping[str, object] = {
    "name": "tiny",
    "models": [A, B],
    "plan": {
        "template": "1girl, {tag}",
        "tags": TAGS,
        "batch_size": 14,
        "parameters": {"sampler": "Euler", "steps": 1, "width": 64, "height": 64},
    },
    "space": {"groups": {"early": ["IN00-M00"], "late": ["OUT00-OUT11"]}, "low": 0},
    "trials": 4,
    "tags_per_prompt": 6,
    "prompts": 13,
    "halving": [1],
    "validation": {"share": 0.5, "prompts": 13},
    "preview": ["1girl, smile"],
}


@pytest.fixture(scope="module")
def host(tiny_checkpoints: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Host:
    return build(tiny_checkpoints[A].parent, tmp_path_factory.mktemp("data"), device="cpu")


@pytest.fixture
def place(host: Host, tiny_tagger: Path) -> Workplace:
    return Workplace(host, find_tagger([tiny_tagger.parent], ""), Catalogue.load())


@pytest.fixture
def before(host: Host) -> Iterator[None]:
    """Whatever the test does, the loaded model is as it was."""
    host.checkpoints.load(host.checkpoints.resolve(A))
    held = weights(host)
    yield
    assert host.live_model is not None and not host.live_model.dirty
    assert all(torch.equal(now, was) for now, was in zip(weights(host), held, strict=True))


def weights(host: Host) -> list[torch.Tensor]:
    model = host.checkpoints.model  # type: ignore[attr-defined]
    return [parameter.detach().clone() for parameter in model.unet.parameters()]


def test_a_study_writes_no_checkpoint_and_ends_with_a_recipe(place: Workplace, tmp_path: Path, before: None) -> None:
    spec = StudySpec.from_value(STUDY)
    study = Study(spec, tmp_path / "study")
    cost = study.cost(place)
    assert (cost["trials"], cost["pictures_per_trial"]) == (4, [13])
    assert cost["pictures"] == 7 * 13 + 3 * cost["validation_pictures"]  # type: ignore[operator]
    assert not study.folder.exists()
    status = study.work(place, FakeProgress())
    assert (status.phase, status.finished_trials, status.pictures_drawn) == ("done", 4, cost["pictures"])
    assert status.result is not None and status.result.tags == 6 and status.result.pictures == cost["validation_pictures"]
    assert Recipe.from_file(study.folder / "best.yaml") == Recipe.from_value(study.best())
    assert [path for path in study.folder.rglob("*") if path.suffix in (".safetensors", ".ckpt")] == []
    assert list(study.folder.glob("trials/*/images/*")) == [], "pictures of finished candidates are dropped"
    parents = [trial for trial in status.trials if trial.phase == "parents"]
    assert all((study.folder / name).is_file() for trial in parents for name in trial.previews)
    assert len({(study.folder / trial.previews[0]).read_bytes() for trial in parents}) == 2, "two models, two pictures"

    read = Study.open(study.folder)
    assert (read.spec, read.status().as_dict()) == (spec, status.as_dict())
    again = study.work(place, FakeProgress())
    assert again.pictures_drawn == status.pictures_drawn, "nothing is left to draw"
    with pytest.raises(TagAtelierError, match="'study' holds another study; choose another folder"):
        Study(dataclasses.replace(spec, seed=2), study.folder).work(place, FakeProgress())


def test_a_candidate_that_was_interrupted_goes_on_with_what_it_has(place: Workplace, tmp_path: Path, before: None) -> None:
    easel, spec = Easel(place, A), dataclasses.replace(StudySpec.from_value(STUDY).plan, batch_size=4)
    recipe = Recipe.from_value({"models": [A, B], "alpha": 0.5})

    class StoppedInTheThirdBatch(FakeProgress):
        @property
        def cancelled(self) -> bool:
            return len(list(tmp_path.glob("images/*.png"))) >= 4

    easel.merge(recipe, FakeProgress())
    with pytest.raises(Cancelled):
        easel.measure(recipe, spec, tmp_path, StoppedInTheThirdBatch())
    drawn = {path: path.stat().st_mtime_ns for path in tmp_path.glob("images/*.png")}
    assert 4 <= len(drawn) < 13
    measure = easel.measure(recipe, spec, tmp_path, FakeProgress())
    assert (measure.pictures, len(measure.recalls), set(measure.lifts)) == (13, 12, {tag.replace(" ", "_") for tag in TAGS})
    assert {path: path.stat().st_mtime_ns for path in drawn} == drawn
    easel.restore()


def test_only_what_differs_from_the_last_candidate_is_written(place: Workplace, host: Host, before: None) -> None:
    easel, written = Easel(place, A), FakeProgress()
    easel.merge(Recipe.from_value({"models": [A, B], "alpha": {"IN00-M00": 0.5, "OUT00-OUT11": 0.2}}), FakeProgress())
    assert host.live_model is not None
    shallow = {key: value.clone() for key, value in host.checkpoints.model.unet.named_parameters() if "down" in key}  # type: ignore[attr-defined]
    before_version = host.live_model.version
    easel.merge(Recipe.from_value({"models": [A, B], "alpha": {"IN00-M00": 0.5, "OUT00-OUT11": 0.2}}), written)
    assert host.live_model.version == before_version, "the same recipe writes nothing"
    easel.merge(Recipe.from_value({"models": [A, B], "alpha": {"IN00-M00": 0.5, "OUT00-OUT11": 0.7}}), written)
    now = dict(host.checkpoints.model.unet.named_parameters())  # type: ignore[attr-defined]
    assert all(torch.equal(now[key], value) for key, value in shallow.items())
    easel.restore()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"models": [A, "nope"]}, "Unknown checkpoint 'nope'"),
        ({"models": [A, "tiny-sdxl-a"]}, "only checkpoints of one architecture"),
        ({"prompts": 2}, "so set 'prompts' to at least 12"),
        ({"space": {"groups": "eleven"}}, "made for SDXL"),
        ({"space": {"groups": {"a": ["IN12"]}}}, "IN12"),
        ({"space": {"groups": "model", "low": 0, "high": 0.1, "rest": [0, 0.5]}}, "widen one of the two"),
        ({"plan": {"template": "{tag}", "tags": TAGS, "parameters": {"sampler": "Nope"}}}, "Unknown sampler 'Nope'"),
    ],
)
def test_bad_studies_are_refused_before_anything_is_drawn(
    change: dict[str, object], sentence: str, place: Workplace, tmp_path: Path
) -> None:
    study = Study(StudySpec.from_value({**STUDY, **change}), tmp_path / "study")
    with pytest.raises(TagAtelierError) as caught:
        study.work(place, FakeProgress())
    assert sentence in str(caught.value)
    assert not study.folder.exists()


def test_a_worker_with_another_tagger_is_turned_away(place: Workplace, tmp_path: Path) -> None:
    class Other:
        """The same labels, but not the same model."""

        identity = "another"
        labels = place.scorer.labels

    study = Study(StudySpec.from_value({**STUDY, "storage": str(tmp_path / "s.log")}), tmp_path / "a")
    with pytest.raises(Cancelled):
        study.work(place, FakeProgress(cancel_after=0))
    there = dataclasses.replace(place, scorer=Other())  # type: ignore[arg-type]
    with pytest.raises(TagAtelierError, match="This machine has another tagger than the study was started with"):
        Study(study.spec, tmp_path / "b").work(there, FakeProgress())


def test_a_merged_model_stays_merged(place: Workplace, host: Host, tmp_path: Path) -> None:
    live = host.live_model
    assert live is not None
    host.checkpoints.load(host.checkpoints.resolve(A))
    easel = Easel(place, A)
    easel.merge(Recipe.from_value({"models": [A, B], "alpha": 0.5}), FakeProgress())
    with pytest.raises(Busy, match="restore it before a search"):
        Study(StudySpec.from_value(STUDY), tmp_path / "study").work(place, FakeProgress())
    assert live.dirty
    easel.restore()


def test_a_host_without_a_live_model_says_where_to_search(place: Workplace, tmp_path: Path) -> None:
    there = dataclasses.replace(place, host=fake_host(tmp_path))
    with pytest.raises(TagAtelierError, match="cannot change a loaded model; search where the models lie"):
        Study(StudySpec.from_value({**STUDY, "models": ["model-a", "model-b"]}), tmp_path / "study").work(there, FakeProgress())


def test_a_folder_without_a_study_is_said(tmp_path: Path) -> None:
    with pytest.raises(TagAtelierError, match="holds no study; expected a folder with a 'study.yaml'"):
        Study.open(tmp_path)
    with pytest.raises(TagAtelierError, match="was not started"):
        Study(StudySpec.from_value(STUDY), tmp_path).status()


def test_the_command_line_starts_helps_and_gives_the_best(
    host: Host, tiny_tagger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    storage = str(tmp_path / "shared.log")
    Path("study.yaml").write_text(StudySpec.from_value({**STUDY, "storage": storage}).to_yaml(), encoding="utf-8")
    models = str(host.checkpoint_file(A).parent)
    given = ["--checkpoints", models, "--tagger", str(tiny_tagger.parent)]
    assert main(["tune", "start", "study.yaml", "--check", "--out", "study", *given]) == 0
    assert json.loads(capsys.readouterr().out)["pictures_per_trial"] == [13]
    assert not Path("study").exists()
    assert main(["tune", "worker", "--storage", storage, "--out", "helper", *given]) == 1
    assert "The storage holds 0 studies called ''" in capsys.readouterr().err
    assert main(["tune", "start", "study.yaml", "--out", "study", *given]) == 0
    shown = capsys.readouterr()
    assert [line.split("\t")[1:3] for line in shown.out.splitlines()] == [
        ["parent-1", "done"],
        ["parent-2", "done"],
        ["search-1-1", "done"],
        ["search-1-2", "done"],
    ]
    assert "best parent" in shown.err
    assert main(["tune", "worker", "--storage", storage, "--study", "tiny", "--out", "helper", *given]) == 0
    capsys.readouterr()
    for folder in ("study", "helper"):
        assert main(["tune", "best", folder]) == 0
    first, _, second = capsys.readouterr().out.partition("name: 'tiny: found by search'")[2].partition("name: ")
    assert main(["tune", "best", "study", "--out", "best.yaml"]) == 0
    assert Recipe.from_file(Path("best.yaml")).models == (A, B) and first and second
    assert main(["tune", "best", "study", "--out", "best.yaml"]) == 1
    assert "nothing is overwritten" in capsys.readouterr().err
