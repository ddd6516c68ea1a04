"""Killed at any moment, and many at once: rows and files always agree."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from gallery.tests.crash_child import PICTURES

# Long form: CRASH_ROUNDS=500.
ROUNDS = int(os.environ.get("CRASH_ROUNDS", "60"))


def run(folder: Path, *arguments: object) -> dict[str, int]:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "imagineer.settings",
        "IMAGINEER_DATA": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        "DEMO": "0",
    }
    done = subprocess.run(
        [sys.executable, "-m", "gallery.tests.crash_child", *map(str, arguments)],
        cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, timeout=850,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.mark.processes
@pytest.mark.timeout(900)
def test_a_kill_at_any_moment_leaves_nothing_half_written(tmp_path: Path) -> None:
    result = run(tmp_path, "kill", 1, ROUNDS)
    assert result["killed"] == ROUNDS
    # Otherwise no kill fell into a write, and nothing was tested.
    assert result["most_orphans"] > 0
    assert result["swept"] > 0
    assert result["orphans_after_sweep"] == 0
    assert result["rows"] == result["entries"] == PICTURES
    assert result["orphans_at_end"] == 0


@pytest.mark.processes
@pytest.mark.timeout(900)
def test_many_processes_may_add_the_same_pictures_at_once(tmp_path: Path) -> None:
    assert run(tmp_path, "race", 1, 4) == {
        "failed": 0,
        "rows": PICTURES,
        "albums": 1,
        "entries": PICTURES,
        "positions": PICTURES,
        "orphans": 0,
    }
