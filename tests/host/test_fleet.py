"""Several WebUIs behind one sampler: they share the work, and one that dies takes nothing along."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tag_atelier.bench import report
from tag_atelier.bench.run import run
from tag_atelier.bench.store import Store
from tag_atelier.errors import Cancelled, HostError, UnknownName
from tag_atelier.host.fleet import build_of_webuis, members, sampler
from tag_atelier.host.fleet.machine import Machine
from tag_atelier.host.remote import build
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.ports import Checkpoint, Host, RenderedImage, RenderRequest, SamplingParameters
from tests.bench.bench_parts import LABELS, small_plan
from tests.fakes import FakeProgress, FakeScorer, draw
from tests.host.fake_webui import FakeWebui, served

pytest.importorskip("distributed", reason="the extra 'fleet' is not installed")

FILES = {"model-a": "aa" * 32, "model-b": "bb" * 32}
QUICK = SamplingParameters(steps=2, width=64, height=64)
BATCH = [RenderRequest(f"1girl, {number}", "", number) for number in range(6)]


class Rack:
    """Makes fake WebUIs that live as long as the test."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack, self._folder = stack, folder

    def webui(self, files: dict[str, str] = FILES, dies_after: int | None = None) -> FakeWebui:
        return self._stack.enter_context(served(FakeWebui(files, dies_after)))

    def host(self, *webuis: FakeWebui) -> Host:
        host = build_of_webuis([webui.url for webui in webuis], self._folder)
        self._stack.callback(host.sampler.close)
        return host


@pytest.fixture
def rack(tmp_path: Path) -> Iterator[Rack]:
    with ExitStack() as stack:
        yield Rack(stack, tmp_path)


def open_when_all_draw(webuis: Sequence[FakeWebui], to_open: Sequence[FakeWebui] | None = None) -> None:
    """Let nobody finish a picture before every one of them has begun one."""
    for webui in webuis:
        webui.began.clear()
        webui.gate.clear()

    def open_gates() -> None:
        for webui in webuis:
            webui.began.wait(60)
        for webui in webuis if to_open is None else to_open:
            webui.gate.set()

    threading.Thread(target=open_gates, daemon=True).start()


def rendered(host: Host, progress: FakeProgress | None = None) -> list[RenderedImage]:
    images: list[RenderedImage] = []
    host.sampler.render(BATCH, QUICK, host.checkpoints.resolve("model-a"), images.append, progress or FakeProgress())
    return images


def test_two_share_a_batch_and_every_image_is_the_one_asked_for(rack: Rack) -> None:
    first, second = rack.webui(), rack.webui()
    open_when_all_draw([first, second])
    images = rendered(rack.host(first, second))
    assert [image.index for image in images] == [0, 1, 2, 3, 4, 5]
    for image, request in zip(images, BATCH, strict=True):
        assert image.image.tobytes() == draw(request, QUICK, "model-a").tobytes()
    assert first.drawn and second.drawn
    assert sorted(first.drawn + second.drawn) == [request.prompt for request in BATCH]
    assert {image.used["machine"] for image in images} == {1, 2}


def test_a_run_ends_alike_when_one_of_two_dies(rack: Rack, tmp_path: Path) -> None:
    stored = {}
    for name, dies_after in (("whole", None), ("one-died", 1)):
        webuis = rack.webui(), rack.webui(dies_after=dies_after)
        open_when_all_draw(webuis)
        host, scorer = rack.host(*webuis), FakeScorer(LABELS)
        with Store(tmp_path / name) as store:
            summary = run(small_plan(host, self_test=2), host, scorer, store, FakeProgress())
            assert (summary.drawn, summary.missing, summary.errors) == (12, 0, ())
            stored[name] = [(item.cell.key, item.state, item.image.read_bytes()) for item in store.cells() if item.image]
            machines = {item.used["machine"] for item in store.cells()}
        assert machines == ({1, 2} if dies_after is None else {1}), "the second died over its first picture"
        again = len(webuis[0].drawn) + len(webuis[1].drawn) - 12
        assert again == (0 if dies_after is None else 1), "at most what a machine died over is drawn again, no filler"
    assert stored["whole"] == stored["one-died"]
    with Store(tmp_path / "whole") as store:
        text = report.write(store, tmp_path / "whole").with_suffix(".md").read_text(encoding="utf-8")
    assert "- Host: remote · 2 machines · Tag Atelier" in text
    assert "- Drawn alone instead: all of them were" in text


def test_a_dead_machine_is_asked_again_after_a_while(rack: Rack, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = rack.webui(), rack.webui(dies_after=0)
    second.dies_after = None
    host = rack.host(first, second)
    host.checkpoints.resolve("model-a")
    second.dies_after = 0
    rendered_by(host, {1})
    second.dies_after = None
    rendered_by(host, {1})
    monkeypatch.setattr(members, "RETRY_S", 0.0)
    open_when_all_draw([first, second])
    rendered_by(host, {1, 2})


def rendered_by(host: Host, machines: set[int]) -> None:
    assert {image.used["machine"] for image in rendered(host)} == machines


def test_all_dead_is_the_last_ones_sentence(rack: Rack) -> None:
    webuis = rack.webui(), rack.webui()
    host = rack.host(*webuis)
    checkpoint = host.checkpoints.resolve("model-a")
    for webui in webuis:
        webui.dies_after = 0
    with pytest.raises(HostError, match="broke off its answer|cannot be reached"):
        host.sampler.render(BATCH, QUICK, checkpoint, print, FakeProgress())


def test_what_a_silent_machine_holds_is_drawn_by_another(rack: Rack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampler, "OVERDUE_S", 0.3)
    first, silent = rack.webui(), rack.webui()
    host = rack.host(first, silent)
    open_when_all_draw([first, silent], to_open=[first])
    images = rendered(host)
    assert len(images) == 6 and {image.used["machine"] for image in images} == {1}
    assert sorted(first.drawn) == [request.prompt for request in BATCH]
    rendered_by(host, {1})  # the silent one is still busy, and nobody waits for it


def test_a_silent_machine_may_still_bring_what_the_next_one_failed_at(rack: Rack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampler, "OVERDUE_S", 0.3)
    silent, failing = rack.webui(), rack.webui()
    host = rack.host(silent, failing)
    checkpoint = host.checkpoints.resolve("model-a")
    host.checkpoints.identify(checkpoint)
    silent.gate.clear()

    def fail_at_the_second(body: dict[str, object]) -> dict[str, object]:
        return {} if failing.drawn else FakeWebui.draw(failing, body)

    def ask(self: members.Members, choice: object, method: str, *arguments: object) -> object:
        asked.append(method)
        return submit(self, choice, method, *arguments)

    asked: list[str] = []
    submit = members.Members.submit
    monkeypatch.setattr(members.Members, "submit", ask)
    monkeypatch.setattr(failing, "draw", fail_at_the_second)
    monkeypatch.setattr(sampler.logger, "warning", lambda text, *_: "left out" in text and silent.gate.set())
    images: list[RenderedImage] = []
    host.sampler.render(BATCH[:2], QUICK, checkpoint, images.append, FakeProgress())
    assert [image.index for image in images] == [0, 1]
    assert asked == ["draw"] * 3, "nobody was asked again for what the silent one was drawing"


def test_a_cancel_interrupts_all_of_them_and_delivers_nothing(rack: Rack) -> None:
    webuis = rack.webui(), rack.webui()
    host = rack.host(*webuis)
    for webui in webuis:
        webui.gate.clear()
    with pytest.raises(Cancelled):
        rendered(host, CancelledWhenAllDraw(webuis))
    assert [webui.interrupted for webui in webuis] == [True, True]


class CancelledWhenAllDraw(FakeProgress):
    """Is cancelled once every machine is at a picture."""

    def __init__(self, webuis: Sequence[FakeWebui]) -> None:
        super().__init__()
        self.webuis = webuis

    @property
    def cancelled(self) -> bool:
        return all(webui.began.is_set() for webui in self.webuis)


def test_an_interrupt_at_one_of_them_stops_the_batch(rack: Rack) -> None:
    first, second = rack.webui(), rack.webui()
    second.interrupted = True
    open_when_all_draw([first, second])
    with pytest.raises(Cancelled, match="Somebody interrupted"):
        rendered(rack.host(first, second))


def test_a_machine_that_lacks_a_checkpoint_draws_with_the_others(rack: Rack, tmp_path: Path) -> None:
    both, one = rack.webui(), rack.webui({"model-b": "bb" * 32})
    host = rack.host(both, one)
    assert [found.name for found in host.checkpoints.list()] == ["model-a", "model-b"]
    with Store(tmp_path / "run") as store:
        summary = run(small_plan(host), host, FakeScorer(LABELS), store, FakeProgress())
        drawn = {(item.cell.checkpoint, item.used["machine"]) for item in store.cells()}
    assert (summary.drawn, summary.missing, summary.errors) == (12, 0, ())
    assert (0, 1) in drawn and (0, 2) not in drawn
    with pytest.raises(UnknownName, match="Unknown checkpoint 'model-c'; expected one of: model-a, model-b"):
        host.checkpoints.resolve("model-c")


def test_two_files_of_one_name_are_refused(rack: Rack) -> None:
    first, other = rack.webui(), rack.webui({**FILES, "model-a": "cc" * 32})
    host = rack.host(first, other)
    with pytest.raises(
        HostError, match=rf"'model-a' is another file on {other.url} \(cccccccccc\) than on {first.url} \(aaaaaaaaaa\)"
    ):
        host.checkpoints.identify(host.checkpoints.resolve("model-a"))
    assert host.checkpoints.identify(host.checkpoints.resolve("model-b")) == "bb" * 32


def test_what_was_chosen_on_all_is_chosen_again(rack: Rack, tmp_path: Path) -> None:
    webuis = rack.webui(), rack.webui()
    host = rack.host(*webuis)
    for webui in webuis:
        webui.chosen = "model-b"
    loaded = host.checkpoints.loaded()
    assert loaded is not None and loaded.name == "model-b"
    with Store(tmp_path / "run") as store:
        plan = small_plan(host, checkpoints=["model-a"])
        run(plan, host, FakeScorer(LABELS), store, FakeProgress())
    assert [webui.chosen for webui in webuis] == ["model-b", "model-b"]
    webuis[0].chosen = "model-a"
    assert host.checkpoints.loaded() is None


def test_a_job_of_the_atelier_is_shared_and_taken_up_after_all_were_gone(rack: Rack) -> None:
    webuis = rack.webui(), rack.webui()
    atelier = Atelier(rack.host(*webuis), find_scorer=lambda *_: FakeScorer(LABELS))
    spec = {"name": "shared", "template": "1girl, {tag}", "tags": ["glaring", "reaching"], "seeds": [1, 2, 3]}
    spec |= {"checkpoints": ["model-b"], "parameters": {"steps": 2, "width": 64, "height": 64}, "batch_size": 2}
    for webui in webuis:
        webui.dies_after = 2
    stopped = atelier.start_benchmark(spec)
    assert stopped.wait(60)
    for webui in webuis:
        webui.dies_after = None
    job = atelier.start_benchmark(spec)
    assert job.wait(60) and job.state == "done", job.error
    assert (job.result["missing"], job.result["run"]) == (0, stopped.result["run"])
    assert all(webui.drawn for webui in webuis)


def test_one_address_twice_is_refused(rack: Rack, tmp_path: Path) -> None:
    webui = rack.webui()
    with pytest.raises(HostError, match=f"{webui.url} is given twice; expected each WebUI once"):
        build_of_webuis([webui.url, f"{webui.url}/"], tmp_path)


def test_the_checkpoint_of_another_folder_is_found_by_its_hash(rack: Rack, tmp_path: Path) -> None:
    webui = rack.webui({"renamed": "aa" * 32})
    machine = Machine(1, webui.url, build(webui.url, tmp_path))
    assert machine.find(Checkpoint("model-a", "sub/model-a.safetensors"), "aa" * 32).name == "renamed"
    with pytest.raises(UnknownName, match=f"{webui.url} lacks it: copy it there"):
        machine.find(Checkpoint("model-a", "sub/model-a.safetensors"), "bb" * 32)
    with pytest.raises(HostError, match=f"'renamed' is another file on {webui.url}; copy the same file to all."):
        machine.find(Checkpoint("renamed", "renamed.safetensors"), "bb" * 32)


def test_machines_of_another_version_draw_nothing(rack: Rack, monkeypatch: pytest.MonkeyPatch) -> None:
    host = rack.host(rack.webui(), rack.webui())
    monkeypatch.setattr(members, "__version__", "0.0.1")
    with pytest.raises(HostError, match="runs Tag Atelier .* and this is 0.0.1; install the same on both"):
        host.checkpoints.list()


def test_what_nobody_foresaw_on_a_machine_comes_back_as_a_sentence(rack: Rack, monkeypatch: pytest.MonkeyPatch) -> None:
    webui, other = rack.webui(), rack.webui()

    def broken(_machine: Machine) -> None:
        raise ValueError("no such kernel")

    monkeypatch.setattr(Machine, "list", broken)
    with pytest.raises(HostError, match=rf"{webui.url} failed: ValueError: no such kernel; see its console"):
        rack.host(webui, other).checkpoints.list()
