"""Diversity, response and CLIP score from a stand-in for CLIP, and what the report makes of them."""

import dataclasses
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL.Image import Image

from tag_atelier.bench import diversity, report
from tag_atelier.bench.run import run
from tag_atelier.bench.store import Store
from tag_atelier.errors import Cancelled
from tests.bench.bench_parts import LABELS, small_host, small_plan
from tests.fakes import FakeProgress, FakeScorer, read_back


class Angles:
    """Vectors in a plane: the baseline at 0°, a tag at 60°, 10° more with every seed after the first; texts at 0°."""

    identity = "angles 1"

    def __init__(self, texts: bool = True) -> None:
        self.with_texts, self.pictures_seen = texts, 0

    def images(self, images: Sequence[Image]) -> Any:
        self.pictures_seen += len(images)
        return numpy.array([self._at(*read_back(image)) for image in images], dtype=numpy.float32)

    def texts(self, texts: Sequence[str]) -> Any:
        return numpy.array([[1.0, 0.0]] * len(texts), dtype=numpy.float32) if self.with_texts else None

    def _at(self, checkpoint: str, prompt: str, seed: int) -> list[float]:
        angle = numpy.radians((60 if "glaring" in prompt else 0) + 10 * (seed - 1))
        return [float(numpy.cos(angle)), float(numpy.sin(angle))]


def measured(folder: Path, model: Angles, **changes: Any) -> tuple[list[diversity.Diversity | None], Store]:
    host, scorer = small_host(folder), FakeScorer(LABELS)
    store = Store(folder / "run")
    run(small_plan(host, scorer, tags=["glaring"], checkpoints=["model-a"], **changes), host, scorer, store, FakeProgress())
    diversity.embed(store, model, FakeProgress())
    return diversity.result(store.folder, store.cells(), 1), store


def test_the_three_measures_are_what_their_names_say(tmp_path: Path) -> None:
    (found,), store = measured(tmp_path, Angles(), seeds=[1, 2])
    store.close()
    assert found is not None and found.seeds and found.response and found.score
    assert found.seeds.value == pytest.approx(1 - numpy.cos(numpy.radians(10)), abs=1e-3)
    assert found.response.value == pytest.approx(0.5, abs=1e-3)
    expected = 100 * (numpy.cos(numpy.radians(60)) + numpy.cos(numpy.radians(70))) / 2
    assert found.score.value == pytest.approx(expected, abs=0.1)


def test_one_seed_has_no_diversity_and_no_text_half_no_score(tmp_path: Path) -> None:
    (found,), store = measured(tmp_path, Angles(texts=False))
    store.close()
    assert found is not None
    assert (found.seeds, found.score) == (None, None)
    assert found.response is not None


def test_vectors_are_kept_and_only_missing_ones_are_computed(tmp_path: Path) -> None:
    model = Angles()
    _, store = measured(tmp_path, model)
    assert model.pictures_seen == 2
    assert diversity.embed(store, model, FakeProgress()) == 0
    assert model.pictures_seen == 2
    other = Angles()
    other.identity = "angles 2"  # another model's vectors are never mixed with these
    assert diversity.embed(store, other, FakeProgress()) == 2
    store.close()


def test_a_stop_leaves_what_was_there(tmp_path: Path) -> None:
    _, store = measured(tmp_path, Angles())
    before = (tmp_path / "run" / diversity.FILE).read_bytes()
    other = Angles()
    other.identity = "angles 2"
    with pytest.raises(Cancelled):
        diversity.embed(store, other, FakeProgress(cancel_after=0))
    assert (tmp_path / "run" / diversity.FILE).read_bytes() == before
    store.close()


def test_a_broken_file_is_as_none(tmp_path: Path) -> None:
    _, store = measured(tmp_path, Angles())
    (tmp_path / "run" / diversity.FILE).write_bytes(b"not vectors")
    assert diversity.result(store.folder, store.cells(), 1) == [None]
    store.close()


@given(st.lists(st.lists(st.floats(-1, 1), min_size=3, max_size=3), min_size=2, max_size=8))
@settings(max_examples=50, deadline=None)
def test_the_closed_form_is_the_mean_over_all_pairs(rows: list[list[float]]) -> None:
    vectors = numpy.array([row if any(abs(v) > 1e-3 for v in row) else [1.0, 0.0, 0.0] for row in rows])
    vectors /= numpy.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = [float(one @ other) for one, other in itertools.combinations(vectors, 2)]
    assert diversity.spread(vectors.astype(numpy.float32)) == pytest.approx(1 - sum(pairs) / len(pairs), abs=1e-5)


def test_the_report_shows_columns_and_a_plot_only_where_they_were_measured(tmp_path: Path) -> None:
    _, store = measured(tmp_path, Angles(), seeds=[1, 2])
    with store:
        page = report.write(store, tmp_path / "run").read_text(encoding="utf-8")
    found = json.loads((tmp_path / "run" / "results.json").read_text(encoding="utf-8"))["diversity"]
    assert set(found) == {"Diversity", "Response", "CLIP score"}
    assert found["Diversity"]["model-a"]["value"] == pytest.approx(0.0152, abs=1e-3)
    assert "Accuracy and diversity" in page and "<title>model-a: 100 %, 0.015</title>" in page
    table = (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    assert "| Diversity | Response | CLIP score |" in table
    (tmp_path / "run" / diversity.FILE).unlink()
    with Store(tmp_path / "run") as again:
        data = report.read(again, tmp_path / "run")
    assert dataclasses.asdict(data)["diversity"] == [None]
    assert data.diversity_columns() == []
