"""The demo: the whole loop on the miniature world, shortened, and the curve from common to rare."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("diffusers")
pytest.importorskip("onnxruntime")

from tag_atelier.bench import spec
from tag_atelier.bench.fields import read_mapping
from tag_atelier.bench.spec import list_presets
from tag_atelier.cli import demo, main
from tag_atelier.world.portrait_tags import TAGS

CURVE = """25% – 100%  (12)
  one               ██████████░░░░░░░░░░ 50%
10% – 25%  (16)
  one               –
3% – 10%  (12)
  one               ████████████████████ 100%
0% – 3%  (5)
  one               ░░░░░░░░░░░░░░░░░░░░ 0%"""


def test_the_curve_goes_from_common_to_rare() -> None:
    assert demo.rarity_curve({"one": {"smile": 1.0, "long hair": 0.0, "kimono": 1.0, "crown": 0.0}}) == CURVE


def test_the_plan_asks_for_every_tag_of_the_world() -> None:
    plan = read_mapping(list_presets()[demo.PLAN].read_text(encoding="utf-8"), "plan")
    tags = plan["tags"]
    assert isinstance(tags, list) and sorted(tag.replace(" ", "_") for tag in tags) == sorted(TAGS)


def test_the_whole_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    plan = list_presets()[demo.PLAN].read_text(encoding="utf-8")
    kept = plan.replace("seeds: [1, 2, 3, 4]", "seeds: 1\nself_test: 0").replace("steps: 12", "steps: 3").splitlines()
    listed = [line for line in kept if not line.startswith("  - ")]
    listed.insert(listed.index("tags:") + 1, "  - twintails\n  - short hair")
    short = tmp_path / "short.yaml"
    short.write_text("\n".join(listed), encoding="utf-8")
    monkeypatch.setattr(spec, "list_presets", lambda: {demo.PLAN: short})

    assert main(["demo", "--out", str(tmp_path / "out"), "--language", "zh_CN"]) == 0
    said = capsys.readouterr()
    assert "整理  1girl, sunset, holding sword" in said.err and "用时" in said.out
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "miniature-merged" in page and "miniature-base" in page and "微缩" in page and "█" in page
    assert (tmp_path / "out" / "world" / "miniature-merged.safetensors").stat().st_size > 30_000_000
