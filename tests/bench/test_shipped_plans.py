"""Every shipped plan can be laid out with the shipped catalogue, and the page's own say what the page says."""

import pytest

from tag_atelier.bench.plan import Plan, PlannedCheckpoint, plan
from tag_atelier.bench.spec import BenchSpec, list_presets
from tag_atelier.ports import Checkpoint, HiresParameters, SamplingParameters
from tag_atelier.prompt.catalogue import Catalogue

ALICE = "blonde hair, twintails, blue dress, white apron, white background, Alice in glitterworld"
OUTFIT = "blonde hair, twintails, smile, closed mouth, tachi-e, fullbody, white background, Alice in glitterworld"
MODEL = (
    "1girl, blonde hair, twintails, blue dress, white apron, smile, closed mouth, tachi-e, fullbody, white background, "
    "Alice in glitterworld"
)
ROWS = {
    "actions": (
        960,
        ALICE,
        "reaching 伸手触及, holding eyewear 拿着眼镜, armpit peek 微微露出腋窝, hands on own knees 双手放在自己的膝盖上",
    ),
    "faces": (960, ALICE, "sanpaku 三白眼, no mouth 没画出嘴, >:( 愤怒, tsundere 傲娇"),
    "views": (960, ALICE, "cowboy shot 七分身镜头, pov 主观视角, close-up 特写镜头, upside-down 倒挂的"),
    "outfits": (
        1280,
        OUTFIT,
        "dougi 武道服, kindergarten uniform 幼儿园制服, meiji schoolgirl uniform 明治年间女学生制服, gothic 哥特风格",
    ),
}
DRAWN_ON_THE_PAGE = {"actions": 7, "faces": 7, "views": 8, "outfits": 6}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


def planned(name: str, catalogue: Catalogue) -> Plan:
    return plan(BenchSpec.from_value(name), [PlannedCheckpoint(Checkpoint("a", "a"), "a" * 64)], catalogue, "tagger")


@pytest.mark.parametrize("name", sorted(list_presets()))
def test_every_shipped_plan_can_be_laid_out(name: str, catalogue: Catalogue) -> None:
    found = planned(name, catalogue)
    assert len(found.cells) == found.estimate["images"] > len(found.spec.seeds)
    assert any(not cell.tags for cell in found.cells), "a control picture"
    assert all(cell.prompt and "{" not in cell.prompt for cell in found.cells)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("row", ROWS)
def test_the_pages_rows_are_the_pages(row: str, exact: bool, catalogue: Catalogue) -> None:
    height, rest, some = ROWS[row]
    found = planned(f"page-{row}{'-exact' if exact else ''}", catalogue)
    hires = HiresParameters(2.0, 15, 0.6, "ESRGAN_4x") if exact else None
    assert found.spec.parameters == SamplingParameters(
        "DPM++ 2M SDE", "Karras", 35, 7, 640, height, clip_skip=2, eta=0.68, hires=hires
    )
    assert found.spec.seeds == (1,)
    assert found.spec.negative == "(worst quality, low quality:1.4), nsfw"
    baseline, *cells = found.cells
    assert baseline.prompt == MODEL
    texts = [tag.text if exact else tag.text.replace("\\", "") for tag in found.tags]
    written = [tag.text for tag in found.tags]
    assert [cell.prompt for cell in cells] == [f"1girl, {text}, {rest}" for text in written]
    shown = {f"{text} {tag.title['zh_CN']}" for text, tag in zip(texts, found.tags, strict=True)}
    assert len(shown) == 8 and set(some.split(", ")) <= shown
    assert ("1girl, >:(, " in cells[5].prompt) is (row == "faces" and exact)


@pytest.mark.parametrize("row", ROWS)
def test_the_pages_verdicts_stand_beside_ours(row: str, catalogue: Catalogue) -> None:
    from tag_atelier.bench.published import published

    found = planned(f"page-{row}", catalogue)
    said = published(found.spec.verdicts).answers
    answers = [said[tag.name] for tag in found.tags]
    assert (answers.count("drawn"), answers.count("absent")) == (DRAWN_ON_THE_PAGE[row], 8 - DRAWN_ON_THE_PAGE[row])
