"""The labelled grid: what stands on which axis, and the right picture in the right place."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from tag_atelier.bench import grid, report
from tag_atelier.bench.run import run
from tag_atelier.bench.spec import BenchSpec
from tag_atelier.bench.store import Store
from tag_atelier.errors import SpecError
from tests.bench.bench_parts import LABELS, small_host, small_plan
from tests.fakes import FakeProgress, FakeScorer


def read(folder: Path, **changes: Any) -> report.ReportData:
    host, scorer = small_host(folder), FakeScorer(LABELS)
    with Store(folder / "run") as store:
        run(small_plan(host, scorer, tags=["glaring", "reaching"], **changes), host, scorer, store, FakeProgress())
        return report.read(store, folder / "run")


def labels(places: list[grid.Place]) -> list[str]:
    return [place.label for place in places]


def test_tags_run_to_the_right_and_checkpoints_downwards(tmp_path: Path) -> None:
    found = grid.layout(read(tmp_path))
    assert labels(found.x) == ["Baseline", "glaring", "reaching"]
    assert labels(found.y) == ["model-a", "model-b"]
    assert labels(found.z) == [""]


def test_the_plan_picks_the_axes_and_what_else_varies_gets_a_free_one(tmp_path: Path) -> None:
    found = grid.layout(read(tmp_path, seeds=[1, 2], axes={"steps": [2, 3]}, grid={"x": "steps", "y": "tag"}))
    assert labels(found.x) == ["steps: 2", "steps: 3"]
    assert labels(found.y)[0] == "Baseline · seed 1"
    assert len(found.y) == 6
    assert labels(found.z) == ["model-a", "model-b"]


def test_every_picture_stands_where_its_labels_say(tmp_path: Path) -> None:
    data = read(tmp_path, axes={"steps": [2, 3]}, grid={"x": "tag", "y": "steps", "z": "checkpoint"})
    found = grid.draw(data, tmp_path / "run" / "thumbs")
    assert found is not None
    side, top, left, head = 64, 32, 90, 22
    assert found.size == (left + 3 * (side + 4), 2 * (head + top + 2 * (side + 4)))
    # model-b, 3 steps, reaching: column 2 of the second row of the second grid.
    stored = next(
        item for item in data.cells if item.cell.checkpoint == 3 and item.cell.tags == ("reaching",) and item.image is not None
    )
    upper = (head + top + 2 * (side + 4)) + head + top + (side + 4)
    cut = found.crop((left + 2 * (side + 4), upper, left + 2 * (side + 4) + side, upper + side))
    assert stored.image is not None
    with Image.open(stored.image) as original:
        assert ImageChops.difference(cut, original.convert("RGB")).getbbox() is None


def test_the_grid_stays_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = read(tmp_path)
    monkeypatch.setattr(grid, "MAXIMUM_PIXELS", 20_000)
    found = grid.draw(data, tmp_path / "run" / "thumbs")
    assert found is not None and found.height < 200
    monkeypatch.setattr(grid, "MAXIMUM_CELLS", 5)
    assert grid.draw(data, tmp_path / "run" / "thumbs") is None


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ("tag", "'grid' is 'tag'; expected a mapping"),
        ({"w": "tag"}, "Unknown key 'w' in 'grid'"),
        ({"x": "clip_skip"}, "'grid' names 'clip_skip'; expected one of: tag, checkpoint, seed, steps"),
        ({"x": "checkpoint"}, "one thing on two axes"),
    ],
)
def test_axes_that_vary_nothing_are_refused(chosen: object, sentence: str) -> None:
    plan = {"name": "x", "template": "{tag}", "tags": ["a"], "axes": {"steps": [2, 3]}, "grid": chosen}
    with pytest.raises(SpecError, match=sentence):
        BenchSpec.from_value(plan)
