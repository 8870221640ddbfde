"""Everything the page says has its Chinese, and the Chinese fills in the same fields."""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from pathlib import Path

import gradio as gr

from tag_atelier.jobs.families import WHY
from tag_atelier.jobs.panel_prompts import NOTES
from tag_atelier.merge.methods import METHODS
from tag_atelier.merge.notices import WHY_REPLACED
from tag_atelier.prompt.arrange import REASONS
from tag_atelier.prompt.lanes import SLOT_NAMES
from tag_atelier.prompt.slots import SLOTS
from tag_atelier.settings import EXTENSION_FOLDER, SETTINGS
from tag_atelier.ui import panel, tab
from tag_atelier.ui.about_words import ABOUT_SENTENCES
from tag_atelier.ui.bench_words import BENCH_SENTENCES, RUN_NOTES
from tag_atelier.ui.hints import HINTS
from tag_atelier.ui.prompt_words import LANE_SENTENCES
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


TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted((EXTENSION_FOLDER / "tag_atelier").rglob("*.py"))}
ERRORS_FILE = EXTENSION_FOLDER / "tag_atelier" / "errors.py"
KINDS_BY_NAME = {"sampler", "scheduler", "VAE", "upscaler", "report file", "picture", "study's file", "preview"} | {
    "quality level of profile {profile}", "negative preset of profile {profile}"
}  # fmt: skip
"""Kinds of what is not there that are given to ``UnknownName`` by a variable."""


@cache
def error_classes() -> frozenset[str]:
    """Names of all classes below ``TagAtelierError``, wherever they are defined."""
    known, before = {"TagAtelierError"}, 0
    classes = [node for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    while len(known) > before:
        before = len(known)
        known |= {each.name for each in classes if any(isinstance(base, ast.Name) and base.id in known for base in each.bases)}
    return frozenset(known)


def texts_of(value: ast.expr | None, named: dict[str, list[str]]) -> list[str]:
    """What the expression may be, where that is written in the file: a text, one of two, or the name of one."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return [value.value]
    if isinstance(value, ast.IfExp):
        return texts_of(value.body, named) + texts_of(value.orelse, named)
    return named.get(value.id, []) if isinstance(value, ast.Name) else []


def sentence_calls(tree: ast.Module) -> list[tuple[str, ast.Call]]:
    """Calls of ``say`` and of errors with a sentence: which, and the call."""
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in ("tag_atelier.errors", "tag_atelier.language")
        for alias in node.names
    }
    wanted = error_classes() | (imported & {"say"})
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args]
    return [(call.func.id, call) for call in calls if isinstance(call.func, ast.Name) and call.func.id in wanted]


def said_of(tree: ast.Module) -> set[str]:
    """Every template that a file's errors and ``say`` are given."""
    named: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named.setdefault(node.targets[0].id, []).extend(texts_of(node.value, {}))
    found: set[str] = set()
    for name, call in sentence_calls(tree):
        texts = texts_of(call.args[0], named)
        if name == "UnknownName":
            remedy = call.args[3] if len(call.args) > 3 else next((k.value for k in call.keywords if k.arg == "remedy"), None)
            found |= {unknown(kind) for kind in texts} | set(texts_of(remedy, named))
        else:
            found |= set(texts)
    return {text for text in found if re.search(r"[A-Za-z]", re.sub(r"\{[^}]*\}", "", text))}


def unknown(kind: str) -> str:
    """The template of ``UnknownName``."""
    return f"Unknown {kind} '{{name}}'; {{expected}}."


def test_every_error_and_every_sentence_has_its_chinese() -> None:
    said = {text for tree in TREES.values() for text in said_of(tree)} | {unknown(kind) for kind in KINDS_BY_NAME}
    assert len(said) > 600
    assert sorted(said - set(TABLE)) == []


def test_no_sentence_is_put_together_before_its_language_is_known() -> None:
    put_together = [
        f"{path.relative_to(EXTENSION_FOLDER)}:{call.lineno}"
        for path, tree in TREES.items()
        if path != ERRORS_FILE
        for _, call in sentence_calls(tree)
        if isinstance(call.args[0], (ast.JoinedStr, ast.BinOp))
    ]
    assert put_together == []


def test_what_a_merge_remarks_of_tensors_has_its_chinese() -> None:
    assert sorted(set(WHY_REPLACED) - set(TABLE)) == []


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
