"""A family's sampler in the names of the WebUI's own menus."""

from __future__ import annotations

import pytest

from tag_atelier.jobs.sampling import control_values
from tag_atelier.prompt.profile import Sampling, load_profiles

NEW = (["DPM++ 2M", "DPM++ 2M SDE", "DPM++ SDE", "Euler a", "Euler", "LCM"], ["Automatic", "Karras", "SGM Uniform"])
OLD = (["DPM++ 2M Karras", "DPM++ 2M SDE Karras", "DPM++ SDE Karras", "Euler a", "Euler", "LCM"], [])


@pytest.mark.parametrize(
    ("advised", "offered", "expected"),
    [
        (("DPM++ 2M SDE", "Karras"), NEW, ("DPM++ 2M SDE", "Karras", ())),
        (("dpm++ 2m sde karras", "Automatic"), NEW, ("DPM++ 2M SDE", "Karras", ())),
        (("DPM++ 2M SDE", "Karras"), OLD, ("DPM++ 2M SDE Karras", None, ())),
        (("Euler a", "Automatic"), OLD, ("Euler a", None, ())),
        (("Euler a", "Automatic"), NEW, ("Euler a", "Automatic", ())),
        (("Restart", "Beta"), NEW, (None, None, ("Restart", "Beta"))),
        (("Restart", "Automatic"), ([], []), (None, None, ("Restart",))),
    ],
)
def test_names(
    advised: tuple[str, str], offered: tuple[list[str], list[str]], expected: tuple[str | None, str | None, tuple[str, ...]]
) -> None:
    found = control_values(Sampling(*advised), *offered)
    assert (found.sampler, found.scheduler, found.missing) == expected


def test_numbers_and_size() -> None:
    advised = Sampling(steps=35, cfg_scale=7, clip_skip=2, sizes=((832, 1216), (1216, 832)))
    assert control_values(advised, *NEW).width == 832
    kept = control_values(advised, *NEW, size=(1216, 832))
    assert (kept.width, kept.height, kept.steps, kept.cfg_scale, kept.clip_skip) == (1216, 832, 35, 7.0, 2)
    assert control_values(advised, *NEW, size=(512, 512)).height == 1216


def test_every_shipped_family_names_what_the_webui_offers() -> None:
    assert [profile.id for profile in load_profiles().values() if control_values(profile.sampling, *NEW).missing] == []
