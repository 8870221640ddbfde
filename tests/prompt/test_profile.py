"""The shipped families, how one is recognised, and what a wrong file is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tag_atelier.errors import PromptError, UnknownName
from tag_atelier.prompt.arrange import arrange
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.profile import detect_profile, get_profile, load_profiles, profile_from_value
from tag_atelier.prompt.slots import SLOTS

IDS = [
    *("aidxl", "aidxl-0.6", "aidxl-0.7", "animagine-xl-3", "animagine-xl-4", "confusionxl", "few-step", "illustrious"),
    *("kohaku-xl", "noobai-eps", "noobai-vpred", "pony", "sd15-anime", "sd15-realistic", "sdxl"),
]


def test_all_families_are_there_each_with_every_slot_once() -> None:
    profiles = load_profiles()
    assert sorted(profiles) == IDS
    for profile in profiles.values():
        assert sorted(profile.order) == sorted(SLOTS)
        assert profile.negative_words()
        assert profile.notes
        assert profile.sources
        assert profile.as_dict()["id"] == profile.id


def test_aidxls_order_is_the_guides() -> None:
    assert get_profile("aidxl").order == SLOTS
    assert get_profile("aidxl").several_triggers == "end"


def test_aidxls_words_are_its_authors() -> None:
    profile = get_profile("aidxl")
    assert profile.quality_words("amazing") == "amazing quality"
    assert profile.negative_words() == (
        "(worst quality:1.3), low quality, lowres, messy, abstract, ugly, disfigured, bad anatomy, draft, deformed hands,"
        " fused fingers, signature, text, multi views"
    )
    assert get_profile("aidxl-0.6").quality_words() == ""


def test_confusionxls_parameters_are_its_authors() -> None:
    sampling = get_profile("confusionxl").sampling
    assert (sampling.sampler, sampling.scheduler, sampling.steps, sampling.cfg_scale) == ("DPM++ 2M SDE", "Karras", 35, 7.0)
    assert (sampling.clip_skip, sampling.eta, sampling.hires_scale) == (2, 0.68, 2.0)


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("AIDXLv0.8.safetensors", "aidxl"),
        ("aidxl_v0.61", "aidxl-0.6"),
        ("anime_illust_diffusion_xl_v0.7", "aidxl-0.7"),
        ("animagine-xl-3.1", "animagine-xl-3"),
        ("animagine-xl-4.0-opt", "animagine-xl-4"),
        ("noobaiXLNAIXL_vPred10Version", "noobai-vpred"),
        ("noobaiXLNAIXL_epsilonPred11", "noobai-eps"),
        ("ponyDiffusionV6XL_v6StartWithThisOne", "pony"),
        ("sd_xl_base_1.0", "sdxl"),
        ("ConfusionXL2.0", "confusionxl"),
        ("my_own_model", None),
    ],
)
def test_a_family_is_recognised_by_its_checkpoints_name(name: str, id: str | None) -> None:
    found = detect_profile(name)
    assert (found.id if found else None) == id


def test_an_unknown_family_is_told_which_ones_there_are() -> None:
    with pytest.raises(UnknownName, match="Unknown profile 'nope'; expected one of: aidxl"):
        get_profile("nope")
    with pytest.raises(UnknownName, match="quality level of profile aidxl"):
        get_profile("aidxl").quality_words("super")


def test_a_users_own_profile_is_found_and_wins(tmp_path: Path) -> None:
    text = f"name: Mine\norder: [{', '.join(reversed(SLOTS))}]\n"
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "aidxl.yaml").write_text(text, encoding="utf-8")
    assert get_profile("mine", tmp_path).order == tuple(reversed(SLOTS))
    assert get_profile("aidxl", tmp_path).name == "Mine"
    assert load_profiles(tmp_path)["aidxl"].name == "Mine"
    assert get_profile("aidxl").name != "Mine"


GOOD: dict[str, object] = {"order": list(SLOTS)}


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"order": list(SLOTS[:-1])}, "order does not have 'quality' exactly once"),
        ({"order": [*SLOTS, "subject"]}, "order does not have 'subject' exactly once"),
        ({"order": "subject"}, "order holds 'subject'; expected a list"),
        ({"colour": 1}, "has the key 'colour'"),
        ({"base": "sd2"}, "base holds 'sd2'; expected one of sdxl, sd15"),
        ({"name": 7}, "name holds 7; expected text"),
        ({"quality": {"place": "middle"}}, "place holds 'middle'"),
        ({"quality": {"levels": {"best": 1}}}, "quality.levels.best holds 1"),
        ({"negative": ["a"]}, "negative holds ['a']; expected a table"),
        ({"sampler": {"stepz": 3}}, "sampler has the key 'stepz'"),
        ({"sampler": {"steps": "many"}}, "sampler.steps holds 'many'"),
        ({"sampler": {"sizes": [[500, 100]]}}, "sampler.sizes holds [500, 100]"),
        ({"sampler": {"cfg_range": [9, 7]}}, "sampler.cfg_range holds [9, 7]"),
        ({"sub_slots": {"face": []}}, "sub_slots has the key 'face'"),
        ({"sub_slots": {"race": ["("]}}, "sub_slots.race holds '('"),
        ({"detect": ["("]}, "detect holds '(', no regular expression"),
        ({"notes": "one"}, "notes holds 'one'; expected a list"),
    ],
)
def test_a_wrong_profile_is_told_what_is_wrong(change: dict[str, object], part: str) -> None:
    with pytest.raises(PromptError) as caught:
        profile_from_value({**GOOD, **change}, "mine")
    assert part in str(caught.value)
    assert "mine" in str(caught.value)


def test_a_file_that_is_no_yaml_is_named(tmp_path: Path) -> None:
    (tmp_path / "odd.yaml").write_text("order: [", encoding="utf-8")
    with pytest.raises(PromptError, match=r"odd\.yaml is not readable YAML"):
        get_profile("odd", tmp_path)


def test_a_users_wrong_profile_does_not_take_the_others_away(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "odd.yaml").write_text("order: [", encoding="utf-8")
    assert sorted(load_profiles(tmp_path)) == IDS
    assert "odd.yaml is not readable YAML" in caplog.text


def test_a_user_brings_trigger_words_along(tmp_path: Path) -> None:
    order = f"order: [{', '.join(SLOTS)}]\n"
    (tmp_path / "mine.yaml").write_text(order + "triggers: styles.txt\n", encoding="utf-8")
    (tmp_path / "styles.txt").write_text("\ufeffYoneyama Mai\n\nchi4\n", encoding="utf-8")
    mine = get_profile("mine", tmp_path)
    assert mine.triggers == {"yoneyama_mai", "chi4"}
    assert arrange("hat, chi4, 1girl", mine, Catalogue.load()).text == "chi4, 1girl, hat"
    (tmp_path / "lost.yaml").write_text(order + "triggers: nowhere.txt\n", encoding="utf-8")
    with pytest.raises(PromptError, match=r"triggers names 'nowhere\.txt'"):
        get_profile("lost", tmp_path)


def test_a_family_is_recognised_by_hash_or_by_what_the_file_says_of_itself(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(f"order: [{', '.join(SLOTS)}]\nhashes: [abcdef12]\n", encoding="utf-8")
    assert getattr(detect_profile("pony.safetensors", tmp_path, sha256="ABCDEF1299"), "id", None) == "mine"
    assert getattr(detect_profile("mix7", metadata={"modelspec.title": "NoobAI-XL V-Pred 1.0"}), "id", None) == "noobai-vpred"
    assert detect_profile("mix7", metadata={"modelspec.title": "my mix"}) is None


def test_aidxl_says_what_painting_styles_mean_to_it() -> None:
    words = (
        "flat color|clean color|celluloid|flat-pasto|thin-pasto|pseudo-impasto|impasto|realistic|photorealistic|cel shading|3d"
    )
    assert list(get_profile("aidxl").styles) == list(get_profile("aidxl-0.7").styles) == words.split("|")
    assert not get_profile("aidxl-0.6").styles
    assert get_profile("aidxl").as_dict()["styles"] == dict(get_profile("aidxl").styles)


@pytest.mark.parametrize(("start", "id"), [("31e35c80fc", "sdxl"), ("67ab2fd8ec", "pony"), ("ea349eeae8", "noobai-vpred")])
def test_a_familys_own_checkpoint_is_known_by_its_hash(start: str, id: str) -> None:
    found = detect_profile("animagine-xl-4", sha256=start.upper() + "0" * 54)
    assert found is not None
    assert found.id == id
