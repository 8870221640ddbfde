"""Laying out cells: keys, tags by rule, prompts as they are sent."""

import json
from pathlib import Path

import pytest

from tag_atelier.bench.plan import Plan, PlannedCheckpoint, plan
from tag_atelier.bench.spec import BenchSpec
from tag_atelier.errors import SpecError
from tag_atelier.jobs.benchmarks import run_id
from tag_atelier.ports import Checkpoint
from tag_atelier.prompt.catalogue import Catalogue
from tests.bench.bench_parts import small_catalogue, small_host, small_plan, small_spec

ONE = PlannedCheckpoint(Checkpoint("one", "one.safetensors"), "1" * 64)
TWO = PlannedCheckpoint(Checkpoint("two", "two.safetensors"), "2" * 64)


def planned(*checkpoints: PlannedCheckpoint, host_name: str = "", **changes: object) -> Plan:
    return plan(small_spec(**changes), checkpoints or (ONE,), small_catalogue(), "tagger", host_name)


def test_cells_are_checkpoints_times_tags_and_baseline_times_seeds() -> None:
    found = planned(ONE, TWO, tags=["glaring", "reaching"], seeds=[1, 7])
    assert [(cell.checkpoint, cell.tags, cell.seed) for cell in found.cells] == [
        *[(0, (), 1), (0, (), 7), (0, ("glaring",), 1), (0, ("glaring",), 7), (0, ("reaching",), 1), (0, ("reaching",), 7)],
        *[(1, (), 1), (1, (), 7), (1, ("glaring",), 1), (1, ("glaring",), 7), (1, ("reaching",), 1), (1, ("reaching",), 7)],
    ]
    assert len({cell.key for cell in found.cells}) == 12


def test_prompts_are_the_template_as_written_with_the_tag_escaped() -> None:
    found = planned(tags=[">:(", "ganyu (genshin impact)", "fox_shadow_puppet"])
    assert [cell.prompt for cell in found.cells] == [
        "1girl, blue dress",
        "1girl, >:\\(, blue dress",
        "1girl, ganyu \\(genshin impact\\), blue dress",
        "1girl, fox shadow puppet, blue dress",
    ]
    assert [tag.name for tag in found.tags] == [">:(", "ganyu_(genshin_impact)", "fox_shadow_puppet"]


def test_an_older_benchmark_can_be_repeated_without_escapes() -> None:
    assert planned(tags=[">:("], escape=False).cells[1].prompt == "1girl, >:(, blue dress"


def test_a_face_that_would_end_the_prompt_as_a_weight_gets_a_comma() -> None:
    assert planned(template="1girl, {tag}", tags=[":3", "3:"]).cells[1].prompt == "1girl, :3,"
    assert planned(template="1girl, {tag}", tags=[":3", "3:"]).cells[2].prompt == "1girl, 3:"


@pytest.mark.parametrize(
    "changes",
    [
        {"negative": "other"},
        {"seeds": 2},
        {"template": "1girl, {tag}, red dress"},
        {"batch_size": 2},
        {"parameters": {"steps": 3, "width": 64, "height": 64}},
        {"parameters": {"steps": 2, "width": 64, "height": 64, "hires": {"scale": 2}}},
    ],
)
def test_a_key_changes_with_everything_that_shapes_the_picture(changes: dict[str, object]) -> None:
    assert planned(tags=["glaring"]).cells[1].key != planned(tags=["glaring"], **changes).cells[1].key


@pytest.mark.parametrize("changes", [{"threshold": 0.5}, {"name": "other"}, {"tags": ["glaring", "smile"]}, {"note": "n"}])
def test_a_key_stays_with_what_does_not_shape_the_picture(changes: dict[str, object]) -> None:
    assert planned(tags=["glaring"]).cells[1].key == planned(**{"tags": ["glaring"], **changes}).cells[1].key


def test_a_key_changes_with_checkpoint_file_and_host() -> None:
    key = planned(ONE).cells[0].key
    assert key != planned(TWO).cells[0].key
    assert key != planned(ONE, host_name="remote").cells[0].key
    renamed = PlannedCheckpoint(Checkpoint("renamed", "renamed.safetensors"), ONE.identity)
    assert key == planned(renamed).cells[0].key


def test_a_rule_takes_the_most_used_tags_below_its_limit_and_says_what_it_skipped() -> None:
    found = planned(tags=None, rule={"slot": "action", "posts_below": 5000, "take": 2})
    assert [tag.name for tag in found.tags] == ["reaching", "hand_gesture"]
    assert [(skip.name, skip.reason) for skip in found.skipped] == [
        ("kiss", "needs a second person"),
        ("undressing", "sensitive"),
    ]
    assert found.notes == ()


def test_a_rule_with_too_few_rare_tags_takes_the_rest_from_the_head_and_says_so() -> None:
    found = planned(tags=None, rule={"slot": "action", "posts_below": 1000, "take": 3})
    assert [tag.name for tag in found.tags] == ["hand_gesture", "fox_shadow_puppet", "sitting"]
    assert found.notes == ("Only 2 tags of the slot 'action' have fewer than 1000 posts; 1 more come from its most used ones.",)


def test_what_a_rule_may_take_can_be_widened() -> None:
    found = planned(tags=None, rule={"slot": "action", "take": 3, "safe": False, "one_person": False})
    assert [tag.name for tag in found.tags] == ["kiss", "undressing", "reaching"]


def test_tags_carry_slot_posts_chinese_name_and_what_they_imply() -> None:
    glaring, puppet, unheard = planned(tags=["glaring", "fox shadow puppet", "unheard of"]).tags
    assert (glaring.slot, glaring.posts, glaring.title) == ("expression", 4000, {"zh_CN": "怒视"})
    assert puppet.implies == ("hand_gesture",)
    assert (unheard.slot, unheard.posts, unheard.implies) == ("unknown", None, ())


def test_a_tag_listed_twice_is_drawn_once() -> None:
    found = planned(tags=["fox shadow puppet", "Fox_Shadow_Puppet"])
    assert len(found.tags) == 1
    assert [(skip.name, skip.reason) for skip in found.skipped] == [("fox_shadow_puppet", "listed twice")]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tags": ["<lora:x:1>"]}, "it is a network, not a tag"),
        ({"tags": ["one AND two"]}, "divides the prompt"),
        ({"tags": ["one, two"]}, "several tags"),
        ({"tags": ["# note"]}, "takes for a comment"),
        ({"tags": None, "rule": {"slot": "quality"}}, "no tag in the slot 'quality'"),
        ({"parameters": {"sampler": "DPM adaptive"}}, "depend on its neighbours"),
        ({"tags": ["glaring"], "baseline": "1girl, glaring, blue dress"}, "Two cells have the same prompt"),
        ({"seeds": "1-1000", "tags": [f"tag{n}" for n in range(200)]}, "The plan has 201000 pictures"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_anything_is(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        planned(**changes)


def test_no_checkpoint_and_one_file_under_two_names_are_refused() -> None:
    with pytest.raises(SpecError, match="no checkpoint"):
        plan(small_spec(), [], small_catalogue(), "tagger")
    twin = PlannedCheckpoint(Checkpoint("copy", "copy.safetensors"), ONE.identity)
    with pytest.raises(SpecError, match="'one' and 'copy' are the same file"):
        planned(ONE, twin)


def test_the_batch_coupled_sampler_is_fine_alone() -> None:
    assert planned(batch_size=1, parameters={"sampler": "DPM adaptive"}).cells


def test_the_cost_is_told_beforehand(tmp_path: Path) -> None:
    found = small_plan(small_host(tmp_path)).estimate
    assert found["images"] == 12
    assert found["batches"] == 4
    assert found["checkpoint_loads"] == 2
    assert found["megapixel_steps"] == pytest.approx(12 * 64 * 64 * 2 / 1e6, abs=0.05)
    assert found["disk_bytes"] == 12 * 64 * 64 * 1.5
    # (1.96 + 0.8416) · sqrt(0.2 / 5)
    assert found["resolvable_difference"] == pytest.approx(0.5603, abs=1e-4)


def test_titles_of_a_plan_go_before_the_catalogues_and_shape_no_picture() -> None:
    plain, titled = planned(), planned(titles={"glaring": "瞪", "unheard of": "闻所未闻"})
    names = {tag.name: tag.title for tag in titled.tags}
    assert (names["glaring"], names["unheard_of"], names["reaching"]) == ({"zh_CN": "瞪"}, {"zh_CN": "闻所未闻"}, {})
    assert [cell.key for cell in titled.cells] == [cell.key for cell in plain.cells]
    assert run_id(titled.spec) == run_id(plain.spec)


def test_the_plan_is_shown_as_plain_values(tmp_path: Path) -> None:
    shown = small_plan(small_host(tmp_path)).as_dict()
    assert '"name": "small"' in json.dumps(shown)
    assert shown["example_prompt"] == "1girl, glaring, blue dress"
    assert shown["baseline"] == "1girl, blue dress"


def test_a_rule_for_characters_leaves_series_out() -> None:
    catalogue = Catalogue.load()
    preset = BenchSpec.from_value("characters")
    found = plan(preset, [ONE], catalogue, "tagger 1")
    assert len(found.tags) == 48
    assert all(tag.implies for tag in found.tags)
    assert "touhou" in {skipped.name for skipped in found.skipped}


@pytest.mark.parametrize(
    ("name", "columns", "sizes"),
    [
        ("many-tags", 1, {2, 4, 8, 16, 32}),
        ("many-tags-128", 1, {2, 4, 8, 16, 32, 64, 128}),
        ("clip-skip", 4, {1}),
        ("steps-and-size", 6, {1}),
    ],
)
def test_shipped_plans_vary_what_their_names_say(name: str, columns: int, sizes: set[int]) -> None:
    found = plan(BenchSpec.from_value(name), [ONE], Catalogue.load(), "tagger 1")
    assert len(found.checkpoints) == columns
    assert {len(cell.tags) for cell in found.cells} - {0} == sizes
    assert found.notes == ()


def test_a_rule_over_several_slots_takes_so_many_of_each() -> None:
    found = plan(BenchSpec.from_value("rare-2025"), [ONE], Catalogue.load(), "tagger 1")
    assert [tag.slot for tag in found.tags] == ["action"] * 8 + ["expression"] * 8 + ["clothing"] * 8
    assert all(tag.posts is not None and tag.posts < 5000 for tag in found.tags)
    assert "January 2025" in found.spec.note


def test_the_clip_skip_plan_draws_the_known_prompt() -> None:
    found = plan(BenchSpec.from_value("clip-skip"), [ONE], Catalogue.load(), "tagger 1")
    assert found.cells[1].prompt == "1girl,pink hair,upper_body,green_shirt,sky blue eyes"
    assert [dict(item.setting.values) for item in found.checkpoints if item.setting] == [
        {"clip_skip": value} for value in (1, 4, 8, 12)
    ]
