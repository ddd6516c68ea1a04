"""Looking for a Chromium, on a PATH of the tests' own."""

from pathlib import Path

import pytest

from scraping.find_browser import NoBrowser, find_browser, needed_browser


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))


def program(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_the_one_on_the_path_is_found_by_any_of_its_names(tmp_path):
    assert find_browser() is None
    chrome = program(tmp_path / "bin" / "google-chrome")
    assert find_browser() == chrome
    chromium = program(tmp_path / "bin" / "chromium")
    assert find_browser() == chromium


def test_the_newest_of_playwright_s_own_is_found(tmp_path):
    folder = tmp_path / "playwright"
    program(folder / "chromium-999" / "chrome-linux" / "chrome")
    newest = program(folder / "chromium-1200" / "chrome-linux64" / "chrome")
    (folder / "chromium-1300" / "chrome-linux").mkdir(parents=True)
    (folder / "chromium-1300" / "chrome-linux" / "chrome").write_text("cannot be run")
    assert find_browser() == newest


def test_a_chosen_one_is_taken_and_never_replaced(tmp_path):
    program(tmp_path / "bin" / "chromium")
    mine = program(tmp_path / "mine" / "browser")
    assert find_browser(mine) == mine
    assert find_browser(str(tmp_path / "gone")) is None


def test_where_none_is_needed_none_is_looked_for():
    assert needed_browser({"off"}) == ""


def test_a_missing_one_is_told_with_what_to_do(tmp_path):
    with pytest.raises(NoBrowser, match=r"none here.*Install Chromium.*CHROMIUM"):
        needed_browser({"off", "auto"})
    with pytest.raises(NoBrowser, match="none at /gone/chrome, where CHROMIUM"):
        needed_browser({"on"}, "/gone/chrome")
    chromium = program(tmp_path / "bin" / "chromium")
    assert needed_browser({"on"}) == chromium
