"""What a person can name is documented: commands, routes, errors, profiles, methods, plan fields; links lead somewhere."""

from __future__ import annotations

import argparse
import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")
PAGES = sorted([*READMES, ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
COMMANDS = ("arrange", "lint", "lanes", "slots", "search", "bench", "fleet", "merge", "tune", "serve", "demo")


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def everything() -> str:
    return "\n".join(text(path) for path in PAGES)


def blocks(path: Path, language: str) -> list[str]:
    """The fenced code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text(path), re.MULTILINE | re.DOTALL)


def options_of(parser: argparse.ArgumentParser) -> dict[str, list[str]]:
    """Command → its long options, of the real parser."""
    (commands,) = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    found = {}
    for name, command in commands.choices.items():
        options = [option for action in command._actions for option in action.option_strings]
        found[name] = sorted(option for option in options if option.startswith("--") and option != "--help")
    return found


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_every_command_and_option_is_in_both_readmes(readme: Path) -> None:
    from tag_atelier import cli

    offered = options_of(cli.parser())
    assert tuple(sorted(offered)) == tuple(sorted(COMMANDS))
    page = text(readme)
    missing = [f"{name} {option}" for name, options in offered.items() for option in options if f"`{option}" not in page]
    assert [name for name in offered if f"python -m tag_atelier {name}" not in page] == []
    assert missing == []


def test_every_route_is_described_and_no_other() -> None:
    from tag_atelier import api

    page = text(ROOT / "docs" / "http_api.md")
    offered = {f"{route.method} {api.PREFIX}{route.path}" for route in api.ROUTES}
    described = set(re.findall(r"^\| `([A-Z]+ /tag-atelier/[^`]+)` \|", page, re.MULTILINE))
    assert described == offered


def test_every_error_is_described_with_its_status() -> None:
    from tag_atelier import errors

    page = text(ROOT / "docs" / "http_api.md")
    tree = [errors.TagAtelierError, *errors.TagAtelierError.__subclasses__()]
    ours = {(str(error.status), error.__name__) for error in tree if error.__module__ == errors.__name__}
    assert ours - set(re.findall(r"^\| (\d{3}) \| `(\w+)` \|", page, re.MULTILINE)) == set()


def test_every_key_of_the_panel_is_described() -> None:
    from tag_atelier.jobs import panel

    described = re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \| [^|]+ \|$", text(ROOT / "docs" / "http_api.md"), re.MULTILINE)
    assert sorted(described) == sorted(panel.KEYS)


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_every_profile_is_named(readme: Path) -> None:
    from tag_atelier.prompt.profile import load_profiles

    assert [name for name in load_profiles() if f"`{name}`" not in text(readme)] == []


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_every_sampler_of_our_own_host_is_named(readme: Path) -> None:
    samplers = pytest.importorskip("tag_atelier.host.embedded.solvers").SAMPLERS
    assert [name for name in samplers if f"`{name}`" not in text(readme)] == []


def test_every_merge_method_is_described_with_its_formula_and_parameters() -> None:
    from tag_atelier.merge.methods import METHODS

    page = text(ROOT / "docs" / "merge_recipes.md").replace("\\|", "|")
    missing = [method.name for method in METHODS.values() if f"| `{method.name}` | {method.formula} |" not in page]
    assert missing == []
    assert [p.name for method in METHODS.values() for p in method.parameters if f"`{p.name}`" not in page] == []


def test_every_setting_is_in_the_readme() -> None:
    from tag_atelier.settings import SETTINGS

    assert [setting.label for setting in SETTINGS if setting.label not in text(READMES[0])] == []


def test_the_readmes_call_controls_what_the_page_calls_them() -> None:
    from tag_atelier.settings import SETTINGS

    chinese = json.loads(text(ROOT / "localizations" / "zh_CN.json"))
    steps = text(READMES[0]).split("## First steps")[1].split("\n## ")[0]
    named = [" ".join(name.split()) for name in re.findall(r"(?<!\*)\*([A-Z][^*]+)\*(?!\*)", steps)]
    assert len(named) > 10
    assert [name for name in named if name not in chinese] == []
    said = [chinese[name] for name in [*named, *(setting.label for setting in SETTINGS)]]
    assert [name for name in said if name not in text(READMES[1])] == []


def test_every_field_of_a_plan_and_a_recipe_is_described() -> None:
    import dataclasses

    from tag_atelier.bench.spec import BenchSpec
    from tag_atelier.merge import recipe

    page = everything()
    fields = [field.name for field in dataclasses.fields(BenchSpec)] + list(recipe._FIELDS)
    assert sorted({name for name in fields if not re.search(rf'`{name}`|"{name}"|\b{name}:', page)}) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_examples_are_valid(page: Path) -> None:
    import yaml

    for block in blocks(page, "json"):
        json.loads(block)
    for block in blocks(page, "yaml"):
        yaml.safe_load(block)
    for block in blocks(page, "python"):
        ast.parse(block)


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_the_readmes_show_the_same_examples(readme: Path) -> None:
    assert blocks(readme, "json") == blocks(READMES[0], "json")
    assert blocks(readme, "yaml") == blocks(READMES[0], "yaml")
    assert blocks(readme, "json"), "the HTTP door is shown in the README"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_to_our_own_files_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", text(page))
    ours = [link for link in links if "://" not in link and not link.endswith(".png")]
    assert [link for link in ours if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_pictures_are_shown_only_when_they_are_there(readme: Path) -> None:
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text(readme))
    assert [picture for picture in pictures if not (ROOT / picture).exists()] == []
