"""Everything the page says has its Chinese, and the Chinese fills in the same fields."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import gradio as gr

from tag_atelier.jobs.families import WHY
from tag_atelier.jobs.panel_prompts import NOTES
from tag_atelier.merge.methods import METHODS
from tag_atelier.merge.notices import WHY_REPLACED
from tag_atelier.prompt.arrange import REASONS
from tag_atelier.prompt.slots import SLOTS
from tag_atelier.settings import EXTENSION_FOLDER, SETTINGS
from tag_atelier.ui import panel, tab
from tag_atelier.ui.about_words import ABOUT_SENTENCES
from tag_atelier.ui.bench_words import BENCH_SENTENCES, RUN_NOTES
from tag_atelier.ui.hints import HINTS
from tag_atelier.ui.prompt_words import LANE_SENTENCES
from tag_atelier.ui.render import SLOT_NAMES
from tag_atelier.ui.search_words import SEARCH_SENTENCES, STUDY_SENTENCES
from tag_atelier.ui.words import SCRIPT_SENTENCES
from tests.ui.fake_atelier import FakeAtelier

FILE = EXTENSION_FOLDER / "localizations" / "zh_CN.json"
TABLE: dict[str, str] = json.loads(FILE.read_text(encoding="utf-8"))
SAME_IN_BOTH = {"Tag Atelier", "Tag Atelier JSON", "Tag Atelier prompt", "↻"}


def said_by_python() -> set[str]:
    """Every sentence that a file of ``tag_atelier/ui`` says through ``words``."""
    call = re.compile(r"""words(?:\.escaped|\.label)?\(\s*(["'])(.+?)\1""")
    texts = [path.read_text(encoding="utf-8") for path in sorted((EXTENSION_FOLDER / "tag_atelier" / "ui").glob("*.py"))]
    return {found[1] for text in texts for found in call.findall(text)}


def shown_by_gradio(folder: Path) -> set[str]:
    """Labels of all components and titles of all tabs, panels and buttons."""
    atelier = FakeAtelier(folder)
    with gr.Blocks() as page:
        panel.build(atelier, False)
    parts = [*page.get_config_file()["components"], *tab.build(atelier, in_webui=True).get_config_file()["components"]]
    shown = {str(part["props"].get("label") or "") for part in parts}
    shown |= {str(part["props"].get("value") or "") for part in parts if part["type"] == "button"}
    return shown - {""} - SAME_IN_BOTH


def test_every_sentence_has_its_chinese(tmp_path: Path) -> None:
    said = said_by_python() | shown_by_gradio(tmp_path) | set(HINTS.values()) | set(SCRIPT_SENTENCES) | set(REASONS.values())
    said |= set(ABOUT_SENTENCES) | set(LANE_SENTENCES) | set(BENCH_SENTENCES) | set(RUN_NOTES) | set(WHY.values()) | set(NOTES)
    said |= set(SEARCH_SENTENCES) | set(STUDY_SENTENCES)
    said |= {setting.label for setting in SETTINGS}
    assert sorted(said - set(TABLE)) == []


def said_by_merges() -> set[str]:
    """Every sentence that the merge room says with ``say``, directly or by the name of a template."""
    found = set(WHY_REPLACED)
    for path in sorted((EXTENSION_FOLDER / "tag_atelier" / "merge").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say"
            named = isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "template"
            value = node.args[0] if called else node.value if named else None  # type: ignore[attr-defined]
            if isinstance(value, ast.Constant):
                found.add(str(value.value))
    return found


def test_what_a_merge_remarks_has_its_chinese() -> None:
    said = said_by_merges()
    assert len(said) > 20
    assert sorted(said - set(TABLE)) == []


def test_what_a_method_says_of_itself_has_its_chinese() -> None:
    said = {parameter.title for method in METHODS.values() for parameter in method.parameters}
    formulas = {
        method.formula for method in METHODS.values() if re.search(r"\b(the|of|and|with|without|difference)\b", method.formula)
    }
    assert len(formulas) > 10
    assert sorted((said | formulas) - set(TABLE)) == []


def test_every_slot_has_a_name_and_its_chinese() -> None:
    assert set(SLOT_NAMES) == set(SLOTS)
    assert sorted(set(SLOT_NAMES.values()) - set(TABLE)) == []


def test_the_chinese_fills_in_the_same_fields() -> None:
    field = re.compile(r"\{(\w*)[^}]*\}")
    wrong = [english for english, chinese in TABLE.items() if sorted(field.findall(english)) != sorted(field.findall(chinese))]
    assert wrong == []


def test_the_file_is_sorted_and_indented_so_that_changes_can_be_read() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), ensure_ascii=False, indent=2, sort_keys=True) + "\n"
