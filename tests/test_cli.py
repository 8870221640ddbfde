"""The command line as a stranger uses it: one sentence and an exit code for whatever goes wrong, never a traceback."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tag_atelier.cli import main

MESSY = "blue eyes, smile, 1girl"
SORTED = "1girl, smile, blue eyes"


def program(*arguments: str | bytes, folder: Path, **how: object) -> subprocess.CompletedProcess[bytes]:
    """``python -m tag_atelier`` as a process of its own, in ``folder``."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    command = [sys.executable, "-m", "tag_atelier", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, stderr=subprocess.PIPE, timeout=120, **how)  # type: ignore[call-overload, no-any-return]


def failure(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one sentence of a command that ends with 1."""
    assert main(arguments) == 1
    shown = capsys.readouterr()
    lines = [line for line in shown.err.splitlines() if line and "it/s]" not in line and not line.isspace()]
    assert (shown.out, len(lines)) == ("", 1), shown.err
    return lines[0]


def test_arrange_prints_the_prompt_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["arrange", MESSY]) == 0
    assert capsys.readouterr().out == SORTED + "\n"


def test_arrange_reads_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(MESSY + "\n"))
    assert main(["arrange"]) == 0
    assert capsys.readouterr().out == SORTED + "\n"


def test_arrange_says_in_a_sentence_why_nothing_moved(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["arrange", "\x00,1girl"]) == 0
    shown = capsys.readouterr()
    assert shown.out == "\x00,1girl\n"
    assert shown.err.startswith("Not sorted: ") and shown.err.endswith(".\n")


def test_lint_prints_one_finding_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", "1girl, (smile"]) == 0
    assert capsys.readouterr().out.startswith("7-8\terror\tunbalanced\tThe '(' is never closed")


def test_slots_prints_tag_slot_and_confidence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["slots", "white hair", "forest"]) == 0
    assert [line.split("\t")[:2] for line in capsys.readouterr().out.splitlines()] == [
        ["white hair", "main_char"],
        ["forest", "main_env"],
    ]


def test_an_unknown_profile_is_named_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert failure(capsys, "arrange", MESSY, "--profile", "nope").startswith(
        "Error: Unknown profile 'nope'; expected one of: aidxl"
    )


def test_a_chinese_system_is_told_in_chinese(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert failure(capsys, "arrange", MESSY, "--profile", "nope").startswith("错误：没有模型系列“nope”；可选：aidxl")
    assert main(["lint", "(smile"]) == 0
    assert "“(”未闭合" in capsys.readouterr().out


def test_closed_standard_input_is_said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    for command in ("arrange", "lint", "slots"):
        assert "standard input is closed" in failure(capsys, command)


@pytest.mark.skipif(os.name != "posix", reason="arguments are bytes on POSIX only")
def test_bytes_that_are_no_utf8_come_out_as_they_went_in(tmp_path: Path) -> None:
    prompt = b"1girl, blue \xff eyes"
    piped = program("arrange", folder=tmp_path, input=prompt, stdout=subprocess.PIPE)
    given = program("arrange", prompt, folder=tmp_path, stdout=subprocess.PIPE)
    expected = prompt + b"\n"
    assert (piped.returncode, piped.stdout, given.returncode, given.stdout) == (0, expected, 0, expected), piped.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_behind_the_output_is_one_sentence(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = program("arrange", MESSY, folder=tmp_path, stdout=full)
    assert ended.returncode == 1
    assert ended.stderr.startswith(b"Error: ") and ended.stderr.count(b"\n") == 1, ended.stderr


def test_a_reader_that_has_gone_is_no_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = program("slots", "forest", folder=tmp_path, stdout=writing)
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_serve_says_when_it_cannot_listen(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("uvicorn")
    assert failure(capsys, "serve", "--port", "99999").startswith("Error: Cannot listen on 127.0.0.1:99999 (")
    assert failure(capsys, "serve", "--listen", "not an address").startswith("Error: Cannot listen on not an address:7861 (")


PLAN = """
name: tiny
template: 1girl, {tag}
tags: [glaring]
checkpoints: [%s]
batch_size: 2
parameters: {sampler: %s, steps: 1, width: 64, height: 64}
"""


@pytest.fixture(scope="module")
def world(tiny_checkpoints: dict[str, Path], tiny_tagger: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a space and a letter that is no ASCII: two good checkpoints, a tagger, and files that are not good."""
    pytest.importorskip("diffusers")
    folder = tmp_path_factory.mktemp("world") / "tiny wörld 世界"
    source = tiny_checkpoints["tiny-sd15-a"].parent
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("tiny-sdxl-*"))
    shutil.copytree(tiny_tagger, folder / "tagger" / tiny_tagger.name)
    whole = (folder / "tiny-sd15-a.safetensors").read_bytes()
    (folder / "half.safetensors").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.safetensors").write_bytes(b"")
    (folder / "pickle.safetensors").write_bytes(pickle.dumps({"state_dict": list(range(50))}))
    (folder / "old.ckpt").write_bytes(pickle.dumps({"state_dict": list(range(50))}))
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a test."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plan(checkpoints: str = "tiny-sd15-a", sampler: str = "Euler") -> str:
    """The name of a plan file in the working folder."""
    Path("plan.yaml").write_text(PLAN % (checkpoints, sampler), encoding="utf-8")
    return "plan.yaml"


def recipe(second: str = "tiny-sd15-b") -> str:
    """The name of a recipe file in the working folder."""
    Path("recipe.yaml").write_text(f"method: weighted_sum\nmodels: [tiny-sd15-a, {second}]\nalpha: 0.5\n", encoding="utf-8")
    return "recipe.yaml"


def test_bench_draws_reports_and_takes_up(here: Path, world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["bench", plan(), "--out", "new folder/run", "--checkpoints", str(world)]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["missing"] == 0
    assert (here / "new folder" / "run" / "report.html").is_file()
    assert (
        failure(capsys, *command)
        == f"Error: '{Path('new folder/run')}' holds a run already; add --resume to take it up, or choose another folder."
    )
    assert main([*command, "--resume"]) == 0
    assert json.loads(capsys.readouterr().out)["stored_before"] == 2


@pytest.mark.parametrize(
    ("checkpoints", "sampler", "sentence"),
    [
        ("tiny-sd15-a, half", "Euler", "'half.safetensors' is truncated"),
        ("tiny-sd15-a, empty", "Euler", "'empty.safetensors' has only 0 bytes"),
        ("tiny-sd15-a, pickle", "Euler", "'pickle.safetensors' is a pickled file"),
        ("tiny-sd15-a, old", "Euler", "Unknown checkpoint 'old'"),
        ("tiny-sd15-a", "Nope", "Unknown sampler 'Nope'; expected one of: Euler a"),
    ],
)
def test_bench_refuses_before_it_writes(
    here: Path, world: Path, capsys: pytest.CaptureFixture[str], checkpoints: str, sampler: str, sentence: str
) -> None:
    assert sentence in failure(capsys, "bench", plan(checkpoints, sampler), "--out", "run", "--checkpoints", str(world))
    assert not (here / "run").exists()


def test_bench_names_what_is_not_there(here: Path, world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ("--out", "run")
    assert "Unknown plan 'nope.yaml'" in failure(capsys, "bench", "nope.yaml", *out, "--checkpoints", str(world))
    assert "There is no folder 'nowhere'" in failure(capsys, "bench", plan(), *out, "--checkpoints", "nowhere")
    assert "No tagger was found" in failure(capsys, "bench", plan(), *out, "--checkpoints", str(world), "--tagger", "nowhere")
    assert "cannot be reached" in failure(
        capsys, "bench", plan(), *out, "--host", "http://127.0.0.1:1", "--tagger", str(world / "tagger")
    )
    assert "--login has no ':'" in failure(capsys, "bench", plan(), *out, "--host", "http://127.0.0.1:1", "--login", "me")
    assert not (here / "run").exists()


def test_bench_writes_over_no_file_of_yours(here: Path, world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "results.csv").write_text("mine", encoding="utf-8")
    assert "holds results.csv but no run" in failure(capsys, "bench", plan(), "--out", ".", "--checkpoints", str(world))
    assert "'plan.yaml' could not be written" in failure(
        capsys, "bench", plan(), "--out", "plan.yaml", "--checkpoints", str(world)
    )
    assert (here / "results.csv").read_text(encoding="utf-8") == "mine"
    assert sorted(path.name for path in here.iterdir()) == ["plan.yaml", "results.csv", "tag-atelier-data"]


def test_merge_writes_a_file_and_its_configuration(here: Path, world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["merge", recipe(), "--out", "ö m.safetensors", "--checkpoints", str(world)]) == 0
    name, _, sha256 = capsys.readouterr().out.strip().partition("\t")
    assert (name, sha256) == ("ö m.safetensors", hashlib.sha256((here / "ö m.safetensors").read_bytes()).hexdigest())
    assert (here / "ö m.yaml").read_bytes() == (world / "tiny-sd15-a.yaml").read_bytes()


@pytest.mark.parametrize(
    ("second", "out", "sentence"),
    [
        ("half", "m.safetensors", "'half.safetensors' is truncated"),
        ("pickle", "m.safetensors", "convert it to safetensors first"),
        ("old.ckpt", "m.safetensors", "neither a checkpoint as torch saves it nor a safetensors file"),
        ("nope", "m.safetensors", "Unknown checkpoint 'nope'"),
        ("tiny-sd15-b", "m.ckpt", "does not end in .safetensors"),
        ("tiny-sd15-b", "nowhere/m.safetensors", "The folder 'nowhere' for the merged file is not there"),
        ("tiny-sd15-b", "taken.safetensors", "'taken.safetensors' exists already and is never overwritten"),
    ],
)
def test_merge_refuses_in_a_sentence_and_writes_nothing(
    here: Path, world: Path, capsys: pytest.CaptureFixture[str], second: str, out: str, sentence: str
) -> None:
    (here / "taken.safetensors").write_bytes(b"mine")
    assert sentence in failure(capsys, "merge", recipe(second), "--out", out, "--checkpoints", str(world))
    assert sorted(path.name for path in here.iterdir()) == ["recipe.yaml", "taken.safetensors"]
    assert (here / "taken.safetensors").read_bytes() == b"mine"


def test_merge_without_out_wants_check(here: Path, world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "There is no --out" in failure(capsys, "merge", recipe(), "--checkpoints", str(world))
    assert main(["merge", recipe(), "--check", "--checkpoints", str(world)]) == 0
    assert json.loads(capsys.readouterr().out)["write_bytes"] > 30_000_000
    assert [path.name for path in here.iterdir()] == ["recipe.yaml"]


def test_demo_removes_nothing_that_is_not_a_demos(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "mine" / "images").mkdir(parents=True)
    (here / "mine" / "images" / "holiday.png").write_bytes(b"mine")
    assert "holds images of no demo; choose another folder" in failure(capsys, "demo", "--out", "mine")
    assert [path.name for path in here.rglob("*")] == ["mine", "images", "holiday.png"]
