"""A sentence that was stored as text is found again by its template."""

from __future__ import annotations

import pytest

from tag_atelier.errors import Said, say
from tag_atelier.language import _parts, _table, found_again, tell


@pytest.mark.parametrize(
    ("stored", "chinese"),
    [
        ("it is of one flat colour", "整张图只有一种颜色"),
        ("drawn with 'my model' instead of 'b'", "实际用“my model”绘制，而不是“b”"),
        ("640×832 pixels instead of 832×1216", "尺寸为 640×832 像素，而不是 832×1216"),
        ("a · steps 4: it is of one flat colour", "a · steps 4：整张图只有一种颜色"),
        (
            "The comparison with pictures drawn alone failed: 'rule' is 3; expected a mapping such as "
            "{slot: action, posts_below: 5000, take: 8}.",
            "与单张绘制的对比失败：“rule”的值是 3；应为键值表，例如 {slot: action, posts_below: 5000, take: 8}。",
        ),
        ("a person's own note: it is here", "a person's own note: it is here"),
        ("", ""),
    ],
)
def test_stored_text_is_said_in_chinese(stored: str, chinese: str) -> None:
    again = found_again(stored)
    assert again == stored
    assert tell(again, "zh_CN") == chinese


def test_what_is_still_said_is_left_alone() -> None:
    said = say("no template of the table: {value}", value=1)
    assert found_again(said) is said


def test_every_template_is_found_again_or_taken_for_one_of_the_same_words() -> None:
    found = 0
    for template in _table("zh_CN"):
        fields = {name: f"v{place}" for place, (_, name) in enumerate(_parts(template)) if name}
        if fields and len(template) > 40:
            again = found_again(str(say(template, **fields)))
            assert isinstance(again, Said), template
            found += 1
    assert found > 300


@pytest.mark.parametrize("hostile", ["a: " * 1300, "The axis 'x' has " * 230, "' is '" * 600, "x" * 100_000])
def test_a_hostile_text_is_given_back(hostile: str) -> None:
    assert found_again(hostile) == hostile


@pytest.mark.parametrize(
    ("thing", "others"),
    [
        ("模型", ("大模型", "检查点")),
        ("类别", ("槽位",)),
        ("计划", ("方案",)),
        ("命中率", ("准确率",)),
        ("反向", ("负面",)),
        ("原模型", ("源模型",)),
        ("基础模型", ("基底模型",)),
        ("打标模型", ("打标器",)),
        ("图片数", ("投稿",)),
        ("你", ("您",)),
    ],
)
def test_one_thing_has_one_chinese_word(thing: str, others: tuple[str, ...]) -> None:
    chinese = _table("zh_CN").values()
    assert any(thing in sentence for sentence in chinese)
    assert [sentence for sentence in chinese for other in others if other in sentence] == []


def test_no_field_is_named_as_an_argument_of_those_who_say_it() -> None:
    taken = {"template", "english", "language", "self"}
    assert [template for template in _table("zh_CN") if taken & {name for _, name in _parts(template)}] == []
