"""A fleet of processes: a worker that is killed loses nothing, one that joins later draws along, strangers are kept out."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tag_atelier.bench.run import run
from tag_atelier.bench.store import Store
from tag_atelier.cli import main
from tag_atelier.errors import Cancelled, HostError
from tag_atelier.host.fleet import build_of_fleet
from tag_atelier.host.fleet.engine import full_address, security
from tag_atelier.ports import Host, RenderedImage, RenderRequest, SamplingParameters
from tests.bench.bench_parts import LABELS, small_plan
from tests.fakes import FakeProgress, FakeScorer, draw
from tests.host.fake_webui import FakeWebui, served

ROOT = Path(__file__).resolve().parents[2]
FILES = {"model-a": "aa" * 32, "model-b": "bb" * 32}
PLACE_S = 120.0


class Camp:
    """A meeting point and workers as processes, which end with the test."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack, self._folder = stack, folder
        self.scheduler = self.start("fleet", "scheduler", "--listen", "127.0.0.1:0")
        self.address = self.line(self.scheduler, 1).partition("tcp://")[2]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        paths = os.pathsep.join(path for path in (str(ROOT), os.environ.get("PYTHONPATH")) if path)
        environment = {**os.environ, "PYTHONPATH": paths, "TAG_ATELIER_DATA": str(self._folder)}
        command = [sys.executable, "-m", "tag_atelier", *arguments]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        self._stack.callback(process.communicate)
        self._stack.callback(process.kill)
        return process

    @staticmethod
    def line(process: subprocess.Popen[str], number: int) -> str:
        """The line of that number that it prints; in which language depends on the system."""
        assert process.stdout is not None
        lines = [line for _, line in zip(range(number), process.stdout, strict=False)]
        assert len(lines) == number, f"the process ended after {lines}"
        return lines[-1].strip()

    def worker(self, name: str, *of: str) -> subprocess.Popen[str]:
        process = self.start("fleet", "worker", self.address, "--name", name, *of)
        self.line(process, 2)  # waiting, joined
        return process

    def webui(self) -> FakeWebui:
        return self._stack.enter_context(served(FakeWebui(FILES)))

    def host(self) -> Host:
        host = build_of_fleet(self.address, self._folder)
        self._stack.callback(host.sampler.close)
        return host


@pytest.fixture
def camp(tmp_path: Path) -> Iterator[Camp]:
    pytest.importorskip("distributed", reason="the extra 'fleet' is not installed")
    with ExitStack() as stack:
        yield Camp(stack, tmp_path)


def when_it_draws(webui: FakeWebui, act: Callable[[], None]) -> None:
    webui.began.clear()
    threading.Thread(target=lambda: webui.began.wait(PLACE_S) and act(), daemon=True).start()


def test_a_killed_worker_loses_nothing_and_a_late_one_draws_along(camp: Camp, tmp_path: Path) -> None:
    doomed_ui, other_ui, late_ui = camp.webui(), camp.webui(), camp.webui()
    doomed, _ = camp.worker("doomed", "--host", doomed_ui.url), camp.worker("other", "--host", other_ui.url)
    host = camp.host()
    assert (host.name, host.machines) == ("fleet", 2)
    plan = small_plan(host, self_test=2)
    doomed_ui.gate.clear()  # over its first picture
    other_ui.gate.clear()  # until the late one has joined

    def act() -> None:
        doomed.kill()
        camp.worker("late", "--host", late_ui.url)
        late_ui.began.wait(PLACE_S)
        other_ui.gate.set()

    when_it_draws(doomed_ui, act)
    with Store(tmp_path / "run") as store:
        summary = run(plan, host, FakeScorer(LABELS), store, FakeProgress())
        cells = list(store.cells())
    assert (summary.drawn, summary.missing, summary.errors) == (12, 0, ())
    assert {cell.used["machine"] for cell in cells} == {"other", "late"}
    assert sorted(other_ui.drawn + late_ui.drawn) == sorted(cell.cell.prompt for cell in cells), "none drawn twice"
    parameters = SamplingParameters(steps=2, width=64, height=64)
    for item in cells:
        name = plan.checkpoints[item.cell.checkpoint].name
        assert item.image is not None
        assert (
            pixels(item.image)
            == draw(RenderRequest(item.cell.prompt, item.cell.negative, item.cell.seed), parameters, name).tobytes()
        )


def pixels(file: Path) -> bytes:
    from PIL import Image

    with Image.open(file) as opened:
        return opened.convert("RGB").tobytes()


def test_a_cancel_reaches_them_and_a_lost_meeting_point_is_a_sentence(camp: Camp) -> None:
    webui = camp.webui()
    camp.worker("one", "--host", webui.url)
    host = camp.host()
    checkpoint = host.checkpoints.resolve("model-a")
    host.checkpoints.identify(checkpoint)
    batch = [RenderRequest(f"1girl, {number}") for number in range(3)]
    quick = SamplingParameters(steps=2, width=64, height=64)
    webui.gate.clear()
    progress = FakeProgress()
    when_it_draws(webui, lambda: setattr(progress, "cancel_requested", True))
    with pytest.raises(Cancelled):
        host.sampler.render(batch, quick, checkpoint, pytest.fail, progress)
    assert webui.interrupted and len(webui.drawn) <= 1
    webui.interrupted = False
    webui.gate.clear()
    when_it_draws(webui, camp.scheduler.kill)
    with pytest.raises(HostError, match="cannot be reached|is gone"):
        host.sampler.render(batch, quick, checkpoint, pytest.fail, FakeProgress())


def test_our_own_host_in_a_process_of_its_own_draws_the_same_bytes(
    camp: Camp, tiny_checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    pytest.importorskip("diffusers")
    from tag_atelier.host.embedded import build

    name = sorted(tiny_checkpoints)[0]
    folder = tiny_checkpoints[name].parent
    camp.worker("gpu", "--checkpoints", str(folder), "--device", "cpu")
    there, here = camp.host(), build(folder, tmp_path / "here", device="cpu")
    request, quick = RenderRequest("1girl, solo", "", 7), SamplingParameters(steps=2, width=64, height=64)
    images: list[RenderedImage] = []
    for host in (there, here):
        checkpoint = host.checkpoints.resolve(name)
        host.sampler.render([request], quick, checkpoint, images.append, FakeProgress())
    assert images[0].image.tobytes() == images[1].image.tobytes()
    assert (images[0].infotext, images[0].checkpoint, images[0].used["machine"]) == (images[1].infotext, name, "gpu")
    assert there.checkpoints.resolve(name).path is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["scheduler", "--listen", "0.0.0.0"], "Whoever reaches a fleet's ports can run programs here"),
        (["worker", "192.0.2.1:8786", "--host", "http://127.0.0.1:1"], "Whoever reaches a fleet's ports can run programs here"),
        (["worker", "127.0.0.1"], "Expected either --checkpoints FOLDER or one --host URL"),
        (["worker", "127.0.0.1", "--host", "a", "--host", "b"], "start a worker for each machine"),
    ],
)
def test_what_a_worker_or_meeting_point_refuses(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fleet", *arguments]) == 1
    assert sentence in capsys.readouterr().err


def test_a_fleet_and_webuis_at_once_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["bench", "rare-8", "--out", str(tmp_path / "run"), "--fleet", "127.0.0.1", "--host", "http://127.0.0.1:1"]
    assert main(given) == 1
    assert "--fleet and --host are both given" in capsys.readouterr().err


def test_without_the_engine_one_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    both = ["--host", "http://127.0.0.1:1", "--host", "http://127.0.0.1:2"]
    assert main(["bench", "rare-8", "--out", str(tmp_path / "run"), *both]) == 1
    assert "want the package 'distributed'; run: pip install -e .[fleet]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "full"),
    [
        ("127.0.0.1", "tcp://127.0.0.1:8786"),
        ("box:9000", "tcp://box:9000"),
        ("tcp://box:9000", "tcp://box:9000"),
        ("[::1]:9000", "tcp://[::1]:9000"),
        ("[::1]", "tcp://[::1]:8786"),
    ],
)
def test_addresses(given: str, full: str) -> None:
    assert full_address(given, None) == full


@pytest.mark.parametrize("given", ["", ":8786", "box:", "box:http", "tls://box", "http://box:80"])
def test_no_addresses(given: str) -> None:
    with pytest.raises(HostError, match="is not a fleet's address"):
        full_address(given, None)


def test_certificates_must_be_whole(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("", encoding="utf-8")
    with pytest.raises(HostError, match="has no cert.pem, key.pem; expected ca.pem, cert.pem and key.pem"):
        security(tmp_path)
    assert full_address("box", tmp_path) == "tls://box:8786"
