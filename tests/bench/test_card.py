"""The model card and the mosaic of characters."""

from pathlib import Path
from typing import Any

from PIL import Image

from tag_atelier.bench import mosaic, report, verdicts
from tag_atelier.bench.plan import PlannedCheckpoint, plan
from tag_atelier.bench.run import run
from tag_atelier.bench.store import Store
from tag_atelier.prompt.catalogue import Catalogue
from tests.bench.bench_parts import LABELS, entry, small_host, small_plan, small_spec
from tests.fakes import FakeProgress, FakeScorer


def test_a_card_has_the_page_s_table_sentence_pictures_names_and_verdicts(tmp_path: Path) -> None:
    host, scorer = small_host(tmp_path), FakeScorer(LABELS, {"model-b": 0.0})
    planned = small_plan(host, scorer)
    with Store(tmp_path / "run") as store:
        run(planned, host, scorer, store, FakeProgress())
        glaring = next(cell.key for cell in planned.cells if cell.tags == ("glaring",) and cell.checkpoint == 0)
        verdicts.add(tmp_path / "run", {"verdicts": {glaring: {"answer": "drawn", "but": True, "note": "两只左手"}}})
        report.write(store, tmp_path / "run", "zh_CN")
    text = (tmp_path / "run" / "card.md").read_text(encoding="utf-8")
    first, second = text.split("## model-b")
    assert "## model-a" in first
    assert "**glaring** 怒视 画出来了 不过… 两只左手" in first
    assert "✗ 0.05" in second
    pictures = sorted((tmp_path / "run" / "card").iterdir())
    assert len(pictures) == 10  # five tags on two checkpoints; the baselines are not shown
    assert all(f"](card/{path.name})" in text for path in pictures)
    with Image.open(pictures[0]) as opened:
        assert opened.format == "WEBP"


def characters(folder: Path, **changes: Any) -> tuple[report.ReportData, Image.Image | None]:
    names = ("ganyu_(genshin_impact)", "hatsune_miku", "frieren")
    host, scorer = small_host(folder), FakeScorer((*names, "glaring"), {"model-b": 0.0})
    catalogue = Catalogue(
        [*(entry(name, "character", 5000, broader="series") for name in names), entry("glaring", "expression")]
    )
    spec = small_spec(tags=[*names, "glaring"], **changes)
    found = [host.checkpoints.resolve(name) for name in spec.checkpoints]
    planned = plan(spec, [PlannedCheckpoint(c, host.checkpoints.identify(c)) for c in found], catalogue, scorer.identity)
    with Store(folder / "run") as store:
        run(planned, host, scorer, store, FakeProgress())
        data = report.read(store, folder / "run")
        report.write(store, folder / "run")
    return data, mosaic.mosaic(data, folder / "run" / "thumbs")


def test_the_mosaic_shows_each_character_that_is_hit_once(tmp_path: Path) -> None:
    data, picture = characters(tmp_path)
    found = mosaic.best_hits(data)
    assert [tag for tag, _, _ in found] == ["frieren", "ganyu_(genshin_impact)", "hatsune_miku"]
    assert {stored.cell.checkpoint for _, _, stored in found} == {0}
    assert picture is not None and picture.size == (3 * mosaic.SIDE, mosaic.SIDE + 34)
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "3 characters that are hit, each by its surest picture." in page
    assert (tmp_path / "run" / "mosaic.png").is_file()


def test_a_run_that_hits_no_character_has_no_mosaic(tmp_path: Path) -> None:
    data, picture = characters(tmp_path, checkpoints=["model-b"])
    assert (mosaic.best_hits(data), picture) == ([], None)
    assert not (tmp_path / "run" / "mosaic.png").exists()
    assert "Characters drawn best" not in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
