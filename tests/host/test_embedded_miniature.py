"""The trained miniature draws what its tags say: base, specialists, and the merge of the two."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

pytest.importorskip("onnxruntime")

from tag_atelier.host.embedded import build
from tag_atelier.merge.plan import plan
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.stream import write
from tag_atelier.ports import Host, RenderedImage, RenderRequest, SamplingParameters
from tag_atelier.tagger import find_tagger
from tag_atelier.world import miniature
from tag_atelier.world.portrait_tags import COMMONEST, HALVES
from tests.fakes import FakeProgress

PARAMETERS = SamplingParameters(sampler="Euler", steps=12, cfg_scale=4, width=64, height=64)
"""As in the demo."""
RARE = {half: [tag for tag in COMMONEST if HALVES[tag] == half][-8:] for half in ("face", "outfit")}
"""The eight rarest tags of each specialist's half."""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    folder = tmp_path_factory.mktemp("miniature")
    files = miniature.make(folder)
    recipe = Recipe.from_file(miniature.WEIGHTS.parent / "merge.yaml")
    write(plan(recipe, lambda name: files[name]), folder / "miniature-merged.safetensors", FakeProgress())
    return build(folder, tmp_path_factory.mktemp("data"), [miniature.WEIGHTS], device="cpu")


def hits(host: Host, checkpoint: str, tags: Sequence[str], seeds: Sequence[int] = (1,)) -> float:
    """Share of pictures, one for each tag and seed, in which the tagger finds the tag."""
    drawn: list[RenderedImage] = []
    asked = [(tag, seed) for tag in tags for seed in seeds]
    requests = [RenderRequest(f"1girl, solo, {tag.replace('_', ' ')}", "worst quality", seed) for tag, seed in asked]
    host.sampler.render(requests, PARAMETERS, host.checkpoints.resolve(checkpoint), drawn.append, FakeProgress())
    scorer = find_tagger(host.tagger_folders, "miniature-tagger", threads=1)
    labels = list(scorer.labels)
    scores = scorer.score([image.image for image in sorted(drawn, key=lambda image: image.index)])
    return sum(row[labels.index(tag)] >= 0.5 for row, (tag, _) in zip(scores, asked, strict=True)) / len(asked)


def test_the_base_draws_its_commonest_tags_better_than_its_rarest(host: Host) -> None:
    common = hits(host, miniature.BASE, COMMONEST[:10], (1, 2))
    assert common >= 0.7
    assert hits(host, miniature.BASE, COMMONEST[-8:]) <= common - 0.15


def test_each_specialist_is_better_on_its_own_half_and_the_merge_has_both(host: Host) -> None:
    names = ("face", "outfit", "merged")
    shares = {(name, half): hits(host, f"miniature-{name}", RARE[half]) for name in names for half in RARE}
    assert shares["face", "face"] >= shares["outfit", "face"] + 0.1, shares
    assert shares["outfit", "outfit"] >= shares["face", "outfit"] + 0.1, shares
    total = {name: shares[name, "face"] + shares[name, "outfit"] for name in ("face", "outfit", "merged")}
    assert total["merged"] > max(total["face"], total["outfit"]), shares
