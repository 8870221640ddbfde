"""Runs of a small plan through fakes: complete, stopped, resumed, failing, lying."""

import multiprocessing
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tag_atelier.bench.run import run
from tag_atelier.bench.store import Store
from tag_atelier.errors import Busy, Cancelled, CheckpointError, HostError, SpecError, TaggerError
from tag_atelier.ports import RenderedImage
from tests.bench.bench_parts import LABELS, small_host, small_plan
from tests.fakes import FakeProgress, FakeSampler, FakeScorer


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "run") as opened:
        yield opened


def contents(folder: Path) -> dict[str, Any]:
    """Everything a run stored but for times."""
    with sqlite3.connect(folder / "run.sqlite") as database:
        cells = database.execute(
            "SELECT key, position, tags, prompt, seed, state, reason, image, image_sha256, infotext FROM cell ORDER BY key"
        ).fetchall()
        scores = database.execute("SELECT * FROM score ORDER BY cell").fetchall()
    database.close()
    return {"cells": cells, "scores": scores, "images": sorted(path.name for path in (folder / "images").iterdir())}


def test_every_cell_is_drawn_scored_and_stored(tmp_path: Path, store: Store) -> None:
    host, scorer, progress = small_host(tmp_path), FakeScorer(LABELS), FakeProgress()
    summary = run(small_plan(host), host, scorer, store, progress)
    assert (summary.planned, summary.drawn, summary.missing, summary.rejected, summary.failed) == (12, 12, 0, 0, 0)
    assert (progress.total, progress.done) == (12, 12)
    cells = store.cells()
    assert [stored.state for stored in cells] == ["done"] * 12
    assert cells[0].cell.tags == () and cells[1].cell.tags == ("glaring",)
    assert all(stored.image is not None and stored.image.is_file() for stored in cells)
    values = store.probabilities(scorer.identity, [cells[0].cell.key, cells[1].cell.key], ["glaring", "reaching"])
    assert values.tolist() == [pytest.approx([0.05, 0.05]), pytest.approx([0.9, 0.05])]


def test_pictures_carry_their_parameters(tmp_path: Path, store: Store) -> None:
    from PIL import Image

    host = small_host(tmp_path)
    run(small_plan(host), host, FakeScorer(LABELS), store, FakeProgress())
    stored = store.cells()[1]
    assert stored.image is not None
    with Image.open(stored.image) as image:
        assert image.info["parameters"] == stored.infotext
    assert stored.infotext.startswith("1girl, glaring, blue dress\nNegative prompt: worst quality")


def test_every_batch_has_the_same_length_and_is_filled_with_the_baseline(tmp_path: Path, store: Store) -> None:
    host = small_host(tmp_path)
    run(small_plan(host), host, FakeScorer(LABELS), store, FakeProgress())
    batches = host.sampler.batches
    assert [len(batch) for batch in batches] == [4, 4, 4, 4]
    assert [request.prompt for request in batches[1]] == [
        "1girl, fox shadow puppet, blue dress",
        "1girl, unheard of, blue dress",
        "1girl, blue dress",
        "1girl, blue dress",
    ]
    assert host.checkpoints.loads == ["model-a", "model-b"]


def test_prompts_of_other_chunk_counts_and_networks_have_their_own_batch(tmp_path: Path, store: Store) -> None:
    host = small_host(tmp_path)
    long_tag = " ".join(["word"] * 80)
    run(small_plan(host, tags=["glaring", long_tag], checkpoints=["model-a"]), host, FakeScorer(LABELS), store, FakeProgress())
    short, long = host.sampler.batches
    assert [request.prompt for request in short] == ["1girl, blue dress", "1girl, glaring, blue dress"] + [
        "1girl, blue dress"
    ] * 2
    assert [request.prompt for request in long] == [f"1girl, {long_tag}, blue dress"] * 4


def test_a_second_run_draws_nothing(tmp_path: Path, store: Store) -> None:
    host = small_host(tmp_path)
    plan = small_plan(host)
    run(plan, host, FakeScorer(LABELS), store, FakeProgress())
    batches = len(host.sampler.batches)
    summary = run(plan, host, FakeScorer(LABELS), store, FakeProgress())
    assert len(host.sampler.batches) == batches
    assert (summary.stored_before, summary.drawn, summary.missing) == (12, 0, 0)


def test_editing_one_tag_draws_one_cell_per_checkpoint(tmp_path: Path, store: Store) -> None:
    host = small_host(tmp_path)
    run(small_plan(host), host, FakeScorer(LABELS), store, FakeProgress())
    tags = ["glaring", "reaching", ">:(", "fox shadow puppet", "sitting"]
    summary = run(small_plan(host, tags=tags), host, FakeScorer(LABELS), store, FakeProgress())
    assert (summary.planned, summary.drawn) == (12, 2)
    assert len(store.cells()) == 12


def test_another_tagger_scores_stored_pictures_without_drawing(tmp_path: Path, store: Store) -> None:
    host, other = small_host(tmp_path), FakeScorer((*LABELS, "unheard_of"))
    run(small_plan(host), host, FakeScorer(LABELS), store, FakeProgress())
    batches = len(host.sampler.batches)
    summary = run(small_plan(host, other), host, other, store, FakeProgress())
    assert len(host.sampler.batches) == batches
    assert (summary.rescored, summary.drawn, summary.missing) == (12, 0, 0)
    key = next(stored.cell.key for stored in store.cells() if stored.cell.tags == ("unheard_of",))
    assert store.probabilities(other.identity, [key], ["unheard_of"]).item() == pytest.approx(0.9)


def test_a_stopped_run_is_taken_up_and_ends_like_an_undisturbed_one(tmp_path: Path) -> None:
    host, scorer = small_host(tmp_path), FakeScorer(LABELS)
    plan = small_plan(host)
    with Store(tmp_path / "whole") as whole:
        run(plan, host, scorer, whole, FakeProgress())
    with Store(tmp_path / "stopped") as stopped:
        with pytest.raises(Cancelled):
            run(plan, host, scorer, stopped, FakeProgress(cancel_after=3))
        done = [stored.state for stored in stopped.cells()].count("done")
        assert 3 <= done < 12
        summary = run(plan, host, scorer, stopped, FakeProgress())
        assert (summary.stored_before, summary.drawn) == (done, 12 - done)
    assert contents(tmp_path / "whole") == contents(tmp_path / "stopped")


class DyingScorer(FakeScorer):
    """Ends the whole process, without goodbye, at the picture numbered ``last``."""

    def __init__(self, last: int) -> None:
        super().__init__(LABELS)
        self.last = last

    def score(self, images: Any) -> Any:
        if self.images_scored >= self.last:
            os._exit(9)
        return super().score(images)


def die_in_a_run(folder: str, last: int) -> None:
    host = small_host(Path(folder))
    with Store(Path(folder) / "killed") as store:
        run(small_plan(host), host, DyingScorer(last), store, FakeProgress())


@pytest.mark.parametrize("last", [0, 5])
def test_a_killed_run_is_taken_up_and_ends_like_an_undisturbed_one(tmp_path: Path, last: int) -> None:
    host, scorer = small_host(tmp_path), FakeScorer(LABELS)
    plan = small_plan(host)
    process = multiprocessing.get_context("spawn").Process(target=die_in_a_run, args=(str(tmp_path), last))
    process.start()
    process.join(60)
    assert process.exitcode == 9
    with Store(tmp_path / "whole") as whole:
        run(plan, host, scorer, whole, FakeProgress())
    with Store(tmp_path / "killed") as killed:
        summary = run(plan, host, scorer, killed, FakeProgress())
        assert summary.stored_before in (last, max(0, last - 1))  # the other thread may be storing its score just then
        assert summary.rescored >= 1  # the picture that was with the tagger
    assert contents(tmp_path / "whole") == contents(tmp_path / "killed")


def test_a_picture_of_another_checkpoint_is_rejected_and_never_scored(tmp_path: Path, store: Store) -> None:
    host, scorer = small_host(tmp_path), FakeScorer(LABELS)
    host.sampler.draw_with = "model-b"
    summary = run(small_plan(host, checkpoints=["model-a"]), host, scorer, store, FakeProgress())
    assert (summary.drawn, summary.rejected, summary.missing) == (0, 6, 6)
    assert store.cells()[0].reason == "drawn with 'model-b' instead of 'model-a'"
    assert scorer.images_scored == 0
    assert len(host.sampler.batches) == 4  # two batches, each tried once more


def test_a_rejected_cell_is_drawn_again_by_the_next_run(tmp_path: Path, store: Store) -> None:
    host = small_host(tmp_path)
    plan = small_plan(host)
    host.sampler.flat_prompts = {"1girl, glaring, blue dress"}
    first = run(plan, host, FakeScorer(LABELS), store, FakeProgress())
    assert (first.drawn, first.rejected) == (10, 2)
    host.sampler.flat_prompts = set()
    second = run(plan, host, FakeScorer(LABELS), store, FakeProgress())
    assert (second.stored_before, second.drawn, second.rejected, second.missing) == (10, 2, 0, 0)


class ChangingSampler(FakeSampler):
    """Hands every picture through ``change`` first; None drops it."""

    change: Callable[[RenderedImage], RenderedImage | None]

    def render(self, batch: Any, parameters: Any, checkpoint: Any, deliver: Any, progress: Any) -> None:
        def changed(image: RenderedImage) -> None:
            found = self.change(image)
            if found is not None:
                deliver(found)

        super().render(batch, parameters, checkpoint, changed, progress)


def with_changes(tmp_path: Path, change: Callable[[RenderedImage], RenderedImage | None]) -> Any:
    host = small_host(tmp_path)
    sampler = ChangingSampler(host.checkpoints)
    sampler.change = change  # type: ignore[method-assign]
    return replace(host, sampler=sampler)


def test_a_flat_picture_that_the_host_calls_fine_is_rejected(tmp_path: Path, store: Store) -> None:
    from PIL import Image

    host = with_changes(tmp_path, lambda image: replace(image, image=Image.new("RGB", (64, 64), (9, 9, 9))))
    run(small_plan(host), host, FakeScorer(LABELS), store, FakeProgress())
    assert {stored.reason for stored in store.cells()} == {"it is of one flat colour"}


def test_a_picture_of_another_size_is_rejected(tmp_path: Path, store: Store) -> None:
    host = with_changes(tmp_path, lambda image: replace(image, image=image.image.resize((32, 64))))
    run(small_plan(host), host, FakeScorer(LABELS), store, FakeProgress())
    assert {stored.reason for stored in store.cells()} == {"32×64 pixels instead of 64×64"}


def test_a_picture_that_never_comes_is_listed(tmp_path: Path, store: Store) -> None:
    host = with_changes(tmp_path, lambda image: image if image.index else None)
    summary = run(small_plan(host), host, FakeScorer(LABELS), store, FakeProgress())
    failed = [stored for stored in store.cells() if stored.state == "failed"]
    assert summary.failed == len(failed) > 0
    assert {stored.reason for stored in failed} == {"the host delivered no picture of it"}
    assert summary.drawn + summary.failed == 12


class MoodySampler(FakeSampler):
    """Cannot draw with the checkpoints in ``broken``."""

    broken: tuple[str, ...] = ()

    def render(self, batch: Any, parameters: Any, checkpoint: Any, deliver: Any, progress: Any) -> None:
        if checkpoint.name in self.broken:
            raise CheckpointError(f"The file of '{checkpoint.name}' is gone.")
        super().render(batch, parameters, checkpoint, deliver, progress)


def test_a_checkpoint_that_fails_does_not_take_the_others_along(tmp_path: Path, store: Store) -> None:
    host = small_host(tmp_path)
    host = replace(host, sampler=MoodySampler(host.checkpoints))
    host.sampler.broken = ("model-a",)
    summary = run(small_plan(host), host, FakeScorer(LABELS), store, FakeProgress())
    assert (summary.drawn, summary.failed) == (6, 6)
    assert summary.errors == ("model-a: The file of 'model-a' is gone.",)
    assert store.manifest()["errors"] == ["model-a: The file of 'model-a' is gone."]


class BreakingSampler(FakeSampler):
    """Delivers the first picture of every batch and breaks down."""

    def render(self, batch: Any, parameters: Any, checkpoint: Any, deliver: Any, progress: Any) -> None:
        super().render(batch[:1], parameters, checkpoint, deliver, progress)
        raise HostError("The GPU hangs.")


def test_what_came_before_a_breakdown_is_kept(tmp_path: Path, store: Store) -> None:
    host = small_host(tmp_path)
    host = replace(host, sampler=BreakingSampler(host.checkpoints))
    summary = run(small_plan(host, checkpoints=["model-a"]), host, FakeScorer(LABELS), store, FakeProgress())
    assert [stored.state for stored in store.cells()] == ["done", "failed", "failed", "failed", "done", "failed"]
    assert (summary.drawn, summary.failed, summary.errors) == (2, 4, ("model-a: The GPU hangs.",))


def test_a_host_that_draws_nothing_ends_the_run_with_its_own_sentence(tmp_path: Path, store: Store) -> None:
    host = small_host(tmp_path)
    host.sampler.fail_with = HostError("The server is down.")
    with pytest.raises(HostError, match="The server is down"):
        run(small_plan(host), host, FakeScorer(LABELS), store, FakeProgress())


class BrokenScorer(FakeScorer):
    """Fails on the third picture with ``error``."""

    error: Exception = TaggerError("The tagger broke.")

    def score(self, images: Any) -> Any:
        if self.images_scored == 2:
            raise self.error
        return super().score(images)


@pytest.mark.parametrize(
    ("error", "expected"),
    [(TaggerError("The tagger broke."), TaggerError), (OSError(28, "No space left on device"), HostError)],
)
def test_a_failing_worker_ends_the_run_with_one_sentence_and_no_hang(
    tmp_path: Path, store: Store, error: Exception, expected: type[Exception]
) -> None:
    host, scorer = small_host(tmp_path), BrokenScorer(LABELS)
    scorer.error = error
    with pytest.raises(expected):
        run(small_plan(host), host, scorer, store, FakeProgress())
    assert len(store.done_keys(scorer.identity)) == 2
    summary = run(small_plan(host), host, FakeScorer(LABELS), store, FakeProgress())
    assert summary.missing == 0


def test_the_checkpoint_loaded_before_is_loaded_again(tmp_path: Path, store: Store) -> None:
    host = small_host(tmp_path)
    host.checkpoints.load(host.checkpoints.resolve("model-b"))
    with pytest.raises(Cancelled):
        run(small_plan(host), host, FakeScorer(LABELS), store, FakeProgress(cancel_after=6))
    assert host.checkpoints.loads == ["model-b", "model-a", "model-b"]


def test_the_queue_is_taken_for_each_batch_and_given_back(tmp_path: Path, store: Store) -> None:
    turns: list[str] = []

    @contextmanager
    def exclusive() -> Iterator[None]:
        turns.append("taken")
        yield
        turns.append("given back")

    host = replace(small_host(tmp_path), exclusive=exclusive)
    run(small_plan(host), host, FakeScorer(LABELS), store, FakeProgress())
    assert turns == ["taken", "given back"] * 4


def test_two_writers_of_one_run_are_refused(tmp_path: Path, store: Store) -> None:
    host = small_host(tmp_path)
    with Store(store.folder) as second, second.writing(), pytest.raises(Busy):
        run(small_plan(host), host, FakeScorer(LABELS), store, FakeProgress())


def test_a_plan_for_another_tagger_is_refused_before_anything_is_drawn(tmp_path: Path, store: Store) -> None:
    host = small_host(tmp_path)
    with pytest.raises(SpecError, match="was given"):
        run(small_plan(host), host, FakeScorer(("smile",)), store, FakeProgress())
    assert host.sampler.batches == []


def test_no_thread_is_left_behind(tmp_path: Path, store: Store) -> None:
    host = small_host(tmp_path)
    run(small_plan(host), host, FakeScorer(LABELS), store, FakeProgress())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("tag-atelier-bench")]
