"""Where the Chromium is that opens pages which need JavaScript."""

import os
import shutil
import sys
from collections.abc import Collection
from pathlib import Path

from scraping.rendering import Rendering

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Where Playwright puts the browsers that it downloads itself.
_FOLDERS = {"darwin": "Library/Caches/ms-playwright", "linux": ".cache/ms-playwright"}
_BUILDS = (
    "chromium-*/chrome-linux*/chrome",
    "chromium_headless_shell-*/chrome-*/*headless*shell",
    "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
)


class NoBrowser(LookupError):
    """Pages are to be opened in a browser, but there is none; the text says what to do."""


def find_browser(chosen: str = "") -> str | None:
    """The path of a Chromium: the chosen one, one on the PATH, or Playwright's own newest.

    None if there is none; a chosen one that is no program is not replaced by another.
    """
    if chosen:
        return shutil.which(chosen)
    for name in PROGRAMS:
        if found := shutil.which(name):
            return found
    return _playwright_s_own()


def needed_browser(wishes: Collection[Rendering], chosen: str = "") -> str:
    """The path of the browser that these targets need; empty if they need none.

    chosen: see find_browser. Raises NoBrowser.
    """
    if set(wishes) <= {"off"}:
        return ""
    found = find_browser(chosen)
    if found is None:
        where = f"at {chosen}, where CHROMIUM says that there is one" if chosen else "here"
        raise NoBrowser(
            f"Pages are to be opened in a browser, but there is none {where}. Install Chromium, "
            "set CHROMIUM to the path of one, or crawl without JavaScript."
        )
    return found


def _playwright_s_own() -> str | None:
    folder = Path(
        os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
        or Path.home() / _FOLDERS.get(sys.platform, _FOLDERS["linux"])
    )
    for build in _BUILDS:
        programs = [path for path in folder.glob(build) if os.access(path, os.X_OK)]
        if programs:
            return str(max(programs, key=_revision))
    return None


def _revision(program: Path) -> int:
    """The number in Playwright's folder name: chromium-1187/…"""
    name = next(part for part in program.parts if part.startswith("chromium"))
    digits = name.rpartition("-")[2]
    return int(digits) if digits.isdecimal() else 0
