"""The text for an issue: what it says, and that nothing private is in it wherever it was planted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tag_atelier import __version__
from tag_atelier.errors import HostError
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.jobs.diagnostics import diagnostics, hide
from tag_atelier.ports import Progress
from tag_atelier.settings import DEFAULTS
from tests.fakes import FakeScorer, fake_host

SECRETS = ("Wilhelmina", "hush-model", "hush-recipe", "secret-tagger", "intranet", "hush-run", "10.1.2.3", "workstation-7")


@pytest.fixture
def atelier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Atelier:
    """A host whose every name is private."""
    monkeypatch.setattr("platform.node", lambda: "workstation-7")
    monkeypatch.setattr("getpass.getuser", lambda: "Wilhelmina")
    folder = tmp_path / "Wilhelmina"
    taggers = folder / "models" / "tagger"
    (taggers / "secret-tagger").mkdir(parents=True)
    (taggers / "secret-tagger" / "model.onnx").write_bytes(b"x")
    (taggers / "secret-tagger" / "selected_tags.csv").write_text("name\nhat\n", encoding="utf-8")
    facts = {"version": "v1.10.1", "flags": ["--api", "--ckpt-dir"], "extensions": ["sd-webui-controlnet"]}
    host = replace(fake_host(folder, ("hush-model",)), tagger_folders=(taggers,), facts=lambda: facts)
    options = {**DEFAULTS, "hub_mirror": "https://intranet.example/hub", "tagger": "secret-tagger", "profile": "pony"}
    made = Atelier(host, lambda: options, lambda _folders, _name: FakeScorer())
    made.merges.shelf.save_recipe("hush-recipe", made_recipe())
    (made.benchmarks.runs_folder / "hush-run-0123456789").mkdir(parents=True)
    return made


def made_recipe() -> object:
    from tag_atelier.merge.recipe import Recipe

    return Recipe.from_value({"models": ["hush-model", "hush-model-2"], "alpha": 0.5})


def fail(atelier: Atelier, sentence: str) -> None:
    def work(_progress: Progress) -> dict[str, object]:
        raise HostError(sentence)

    job = atelier.runner.start("merge", "hush-model", work)
    job.wait(10)


@pytest.mark.parametrize(
    "sentence",
    [
        "Unknown checkpoint 'hush-model'; expected one of: hush-model, hush-model-b.",
        "/home/Wilhelmina/models/hush-model.safetensors could not be read (no room).",
        "/mnt/Wilhelmina/My models/hush-model final.safetensors is a pickle.",
        r"C:\Users\Wilhelmina\My models\hush-model.ckpt is a pickle.",
        r"\\intranet\share\hush-model.ckpt is a pickle.",
        "http://intranet:7860/sdapi cannot be reached; 10.1.2.3 refused.",
        "The run hush-run-0123456789 of WILHELMINA on workstation-7 is full.",
        'The tagger "secret-tagger" and the recipe hush-recipe do not fit.',
        "'{tag} by Wilhelmina, hush-model' is no prompt.",
    ],
)
def test_nothing_private_is_in_it(atelier: Atelier, sentence: str) -> None:
    fail(atelier, sentence)
    text = str(diagnostics(atelier)["text"])
    assert [secret for secret in SECRETS if secret.lower() in text.lower()] == []
    assert "Last error: merge: " in text


def test_it_says_what_helps(atelier: Atelier) -> None:
    fail(atelier, "The GPU's memory is full (CUDA out of memory); choose a smaller batch or size.")
    lines = dict(line.split(": ", 1) for line in str(diagnostics(atelier)["text"]).splitlines())
    assert (lines["Tag Atelier"], lines["Host"]) == (__version__, "fake v1.10.1")
    assert "pyyaml" in lines["Packages"] and lines["Python"].startswith("3.")
    assert (lines["Flags"], lines["Extensions"]) == ("--api --ckpt-dir", "sd-webui-controlnet")
    assert sorted(lines["Settings"].split(", ")) == ["hub_mirror=…", "profile=pony", "tagger=…"]
    assert (lines["Here are"], lines["Jobs"]) == ("1 checkpoints, 1 taggers, 1 runs", "1 failed")
    assert "CUDA out of memory" in lines["Last error"]


def test_short_names_take_no_letters_out_of_words() -> None:
    assert hide("a model on a GPU, ann and anna", ["a", "ann"]) == "a model on a GPU, <name> and anna"
