"""Each specialist learns in blocks of its own, so that a merge can take both."""

from __future__ import annotations

import numpy
import pytest

torch = pytest.importorskip("torch")

from tag_atelier.world import byte_pairs  # noqa: E402
from tag_atelier.world.miniature import BYTE_PAIRS  # noqa: E402
from tag_atelier.world.portrait_tags import HALVES, TAGS  # noqa: E402
from tag_atelier.world.training import train_specialist  # noqa: E402
from tag_atelier.world.training.captions import Captions  # noqa: E402
from tag_atelier.world.training.diffusion import Student  # noqa: E402


def learned(half: str, phase: int) -> set[str]:
    """Blocks, as ``output_blocks.3``, in which a phase trains something."""
    student = Student(Captions(byte_pairs.read(BYTE_PAIRS)))
    train_specialist.learn_only(student, train_specialist.PHASES[half][phase].parts)
    names = [name for name, value in student.named_parameters() if value.requires_grad]
    assert all(name.startswith("unet.") for name in names)
    parts = [name.split(".")[1:3] for name in names]
    return {".".join(part) if part[0].endswith("_blocks") else part[0] for part in parts}


def test_the_face_forgets_where_the_outfit_learns() -> None:
    early = {f"input_blocks.{number}" for number in range(9)} | {"middle_block"}
    assert learned("outfit", 0) == early
    assert learned("face", 1) == early | {f"output_blocks.{number}" for number in range(3)}
    assert learned("face", 0) == {f"output_blocks.{number}" for number in range(9)} | {"out"}


def test_captions_of_cropped_pictures_tell_what_is_not_seen() -> None:
    told = train_specialist.with_unseen([("smile", "grass")] * 50, "face", numpy.random.default_rng(1))
    assert all({"smile", "grass"} <= set(tags) for tags in told) and len(set(told)) > 10
    more = {tag for tags in told for tag in tags} - {"smile", "grass"}
    assert {"white_shirt", "serafuku"} <= more and {HALVES[tag] for tag in more} == {"outfit"}
    assert all(list(tags) == sorted(tags, key=TAGS.index) for tags in told)


def test_the_last_phase_is_what_is_shipped() -> None:
    assert train_specialist.last_phase("face") == "face-narrowed"
    assert train_specialist.last_phase("outfit") == "outfit"
