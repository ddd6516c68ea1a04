"""What the documents name exists, and the house's plan names every module."""

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

ROOT = Path(settings.BASE_DIR)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PLAN = ROOT / "docs" / "architecture.md"
ROOMS = (
    "imagineer", "imagineer/accounts", "imagineer/jobs",
    "gallery", "labeling", "scraping", "generation", "training",
)  # fmt: skip
FILES = re.compile(r"[\w*./-]+\.(?:py|md|html|js|css)\b")


def known_files() -> set[str]:
    """Paths from the root, of everything that documents speak of."""
    folders = ["benchmarks", "docs", "static", "templates", *{room.split("/")[0] for room in ROOMS}]
    found = {path for folder in folders for path in (ROOT / folder).rglob("*")}
    return {str(path.relative_to(ROOT)) for path in found | set(ROOT.glob("*"))}


def code_in(text: str) -> str:
    """What stands between backticks, fenced blocks included."""
    return "\n".join(re.findall(r"`+([^`]+)`+", text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    known = known_files()
    text = page.read_text()
    named = set(FILES.findall(code_in(text))) | set(re.findall(r"\]\(([\w./-]+)\)", text))
    missing = [
        name
        for name in sorted(named)
        if not any(fnmatch(path, name) or fnmatch(path, f"*/{name}") for path in known)
    ]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_names_is_there(page: Path) -> None:
    code = code_in(page.read_text())
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for line in re.findall(r"^(?:[A-Z_]+=\S+ )*make ((?:[a-z-]+ ?)+)", code, re.M):
        assert set(line.split()) <= targets, line
    # The last is a word of the picture in docs/architecture.md.
    known = {*get_commands(), "help", "commands"}
    assert set(re.findall(r"manage\.py ([a-z_]+)", code)) <= known


@pytest.mark.parametrize("room", ROOMS)
def test_the_plan_of_the_house_names_every_module(room: str) -> None:
    """A new module gets its line in docs/architecture.md, under its room."""
    top = room.removesuffix("/accounts")
    sections = {
        part.split(":", 1)[0]: part for part in re.split(r"^### ", PLAN.read_text(), flags=re.M)
    }
    modules = {path.name for path in (ROOT / room).glob("*.py")} - {"__init__.py"}
    assert {name for name in modules if f"`{name}`" not in sections[top]} == set()
