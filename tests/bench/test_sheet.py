"""Thumbnails and the contact sheet."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageFont

from tag_atelier.bench import report, sheet
from tag_atelier.bench.run import run
from tag_atelier.bench.store import Store
from tests.bench.bench_parts import LABELS, small_host, small_plan
from tests.fakes import FakeProgress, FakeScorer


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    host, scorer = small_host(tmp_path), FakeScorer(LABELS, {"model-b": 0.0})
    with Store(tmp_path / "run") as opened:
        run(small_plan(host, scorer), host, scorer, opened, FakeProgress())
        yield opened


def test_a_thumbnail_is_made_once_and_again_when_the_picture_changes(store: Store, tmp_path: Path) -> None:
    import os

    stored = store.cells()[0]
    assert stored.image is not None
    first = sheet.thumbnail(stored, tmp_path / "thumbs", side=32)
    assert first is not None
    with Image.open(first) as opened:
        assert opened.size == (32, 32)
    before = first.stat().st_mtime_ns
    assert sheet.thumbnail(stored, tmp_path / "thumbs", side=32) == first
    assert first.stat().st_mtime_ns == before
    os.utime(stored.image, ns=(before + 10**9, before + 10**9))
    sheet.thumbnail(stored, tmp_path / "thumbs", side=32)
    assert first.stat().st_mtime_ns > before


def test_a_picture_that_cannot_be_read_has_none(store: Store, tmp_path: Path) -> None:
    stored = store.cells()[0]
    assert stored.image is not None
    stored.image.write_bytes(b"not a picture")
    assert sheet.thumbnail(stored, tmp_path / "thumbs") is None
    stored.image.unlink()
    assert sheet.thumbnail(stored, tmp_path / "thumbs") is None


def test_the_sheet_has_a_row_per_tag_and_a_column_per_checkpoint(store: Store, tmp_path: Path) -> None:
    found = sheet.contact_sheet(report.read(store, tmp_path / "run"), tmp_path / "run" / "thumbs")
    side = sheet.THUMBNAIL_SIDE
    assert found.size == (side + 2 * (side + 6), side // 4 + 6 * (side + 6))
    first_tag = side // 4 + side + 6
    assert found.getpixel((side, first_tag)) == (22, 130, 93)  # hit
    assert found.getpixel((side + side + 6, first_tag)) == (200, 62, 46)  # miss


def test_the_sheet_stays_bounded(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "MAXIMUM_PIXELS", 200_000)
    found = sheet.contact_sheet(report.read(store, tmp_path / "run"), tmp_path / "run" / "thumbs")
    assert found.width * found.height <= 200_000


def test_the_sheet_is_drawn_where_no_font_is_installed(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str, size: int) -> ImageFont.FreeTypeFont:
        raise OSError(name)

    monkeypatch.setattr(ImageFont, "truetype", none)
    data = report.read(store, tmp_path / "run", "zh_CN")
    assert sheet.contact_sheet(data, tmp_path / "run" / "thumbs").width > 0
