"""Every link leads somewhere, and every command in README and docs is one that there is; the quick ones are run."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "README.zh-CN.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
LARGEST_PICTURE_BYTES = 110_000
LARGEST_PICTURES_BYTES = 8_000_000
QUICK = ("arrange", "lint", "lanes", "slots", "search")
"""Commands that need no model; ``TEXT``, ``TAG …`` and ``WORD`` are given as below."""
GIVEN = {"TEXT": "1girl, smile, blue eyes, smile", "TAG": "smile", "WORD": "smile", "…": "hat"}

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them: lower case, blanks to hyphens, no other punctuation."""
    prose = re.sub(r"^```.*?^```", "", text(page), flags=re.MULTILINE | re.DOTALL)
    headings = [re.sub(r"[`*]|\]\([^)]*\)|\[", "", line) for line in re.findall(r"^#+ +(.+?) *$", prose, re.MULTILINE)]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", text(page))


def commands(page: Path, start: str) -> list[str]:
    """What follows ``start`` wherever a page shows it as code, without a comment behind it."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text(page), re.MULTILINE | re.DOTALL)
    code = [*re.findall(r"`([^`\n]+)`", text(page)), *"\n".join(blocks).split("\n")]
    found = [re.search(rf"(?:^|[\s/\\]){re.escape(start)}(.*)", line) for line in code]
    return [re.split(r"\s{2,}| +# | *[(（]", match[1].strip())[0] for match in found if match]


def test_a_heading_becomes_the_anchor_that_github_makes_of_it(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# What runs where?\n```\n# no heading\n```\n## The `page` & [links](x.md)\n### 安装\n", encoding="utf-8")
    assert anchors(page) == {"what-runs-where", "the-page--links", "安装"}


@every_page
def test_every_link_to_a_file_or_a_heading_of_ours_leads_there(page: Path) -> None:
    lost = []
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


@every_page
def test_a_link_elsewhere_is_encrypted(page: Path) -> None:
    assert [link for link in links(page) if re.match(r"[a-z]+:", link) and not link.startswith("https://")] == []


def test_every_picture_is_small() -> None:
    pictures = [path for path in (ROOT / "docs").rglob("*") if path.suffix in (".webp", ".png")]
    assert len(pictures) > 30
    assert [path.name for path in pictures if path.stat().st_size > LARGEST_PICTURE_BYTES] == []
    assert sum(path.stat().st_size for path in pictures) < LARGEST_PICTURES_BYTES


@every_page
def test_every_make_target_is_one(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text(ROOT / "Makefile"), re.MULTILINE))
    named = [command.split()[0] for command in commands(page, "make ") if re.match(r"[a-z-]+( |$)", command)]
    assert [name for name in named if name not in targets] == []


@every_page
def test_every_nox_session_and_every_extra_is_one(page: Path) -> None:
    sessions = set(re.findall(r"^def (\w+)\(session", text(ROOT / "noxfile.py"), re.MULTILINE))
    assert [name for name in re.findall(r"nox -s (\w+)", text(page)) if name not in sessions] == []
    offered = text(ROOT / "pyproject.toml").split("[project.optional-dependencies]")[1]
    extras = set(re.findall(r"^(\w+) = \[", offered, re.MULTILINE))
    named = {name for group in re.findall(r"\.\[([\w,]+)\]", text(page)) for name in group.split(",")}
    assert named - extras == set()


@every_page
def test_every_program_that_is_started_is_there(page: Path) -> None:
    named = re.findall(r"(?:python|pytest)3? ((?:benchmarks|tests)/[\w/]+\.py)", text(page))
    named += [f"{name.replace('.', '/')}.py" for name in re.findall(r"python -m (tag_atelier\.[\w.]+)", text(page))]
    assert [name for name in named if not (ROOT / name).exists()] == []


@every_page
def test_every_command_of_ours_is_understood(page: Path) -> None:
    from tag_atelier import cli

    for command in commands(page, "python -m tag_atelier "):
        words = [GIVEN.get(word, word) for word in shlex.split(command)]
        words = words if len(words) > 1 else [*words, "--help"]  # the command's name alone, in a sentence
        try:
            cli.parser().parse_args(words)
        except SystemExit as error:
            if error.code == 0:
                continue
            pytest.fail(f"'{command}' is not understood")


def test_the_quick_commands_run(capsys: pytest.CaptureFixture[str]) -> None:
    from tag_atelier import cli

    ran = set()
    for page in PAGES:
        for command in commands(page, "python -m tag_atelier "):
            words = [GIVEN.get(word, word) for word in shlex.split(command)]
            if words[0] in QUICK and tuple(words) not in ran:
                ran.add(tuple(words))
                assert cli.main(words) in (0, 1), command
                assert capsys.readouterr().out.strip(), command
    assert {words[0] for words in ran} == set(QUICK)


def test_a_command_that_is_none_is_found(tmp_path: Path) -> None:
    from tag_atelier import cli

    page = tmp_path / "page.md"
    page.write_text("`python -m tag_atelier fly`\n```\n.venv/bin/python -m tag_atelier demo   # runs\n```\n", encoding="utf-8")
    assert commands(page, "python -m tag_atelier ") == ["fly", "demo"]
    with pytest.raises((SystemExit, argparse.ArgumentError)):
        cli.parser().parse_args(["fly"])
