"""The file that a target goes on from: order, uniqueness, and what a kill leaves of it."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scraping.frontier import FILE, Entry, Frontier, Outcome, values_in


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / FILE


def order(frontier: Frontier, with_pages: bool = True) -> list[str]:
    found = []
    while (row := frontier.next(with_pages)) is not None:
        found.append(row[2])
        frontier.done(row[0], Outcome())
    return found


def test_higher_priorities_come_first_then_those_added_first(path: Path) -> None:
    frontier = Frontier(path)
    for data, priority, is_page in (
        ("deep", -2, True), ("near 1", -1, True), ("near 2", -1, True), ("picture", 9, False),
        ("late", -2, True),
    ):  # fmt: skip
        assert frontier.add(Entry(data, priority, is_page))
    assert (frontier.waiting_pages, frontier.waiting_pictures) == (4, 1)
    assert order(frontier) == ["picture", "near 1", "near 2", "deep", "late"]
    assert (frontier.waiting_pages, frontier.waiting_pictures) == (0, 0)


def test_pages_can_be_left_waiting(path: Path) -> None:
    frontier = Frontier(path)
    frontier.add(Entry("page", 5))
    frontier.add(Entry("picture", 1, is_page=False))
    assert order(frontier, with_pages=False) == ["picture"]
    assert frontier.waiting_pages == 1


def test_a_fingerprint_is_taken_once(path: Path) -> None:
    frontier = Frontier(path)
    assert frontier.add(Entry("one", fingerprint=b"1"))
    assert not frontier.add(Entry("two", fingerprint=b"1"))
    assert frontier.add(Entry("none"))
    assert frontier.add(Entry("none"))
    assert order(frontier) == ["one", "none", "none"]
    assert not frontier.add(Entry("three", fingerprint=b"1")), "nor after it is done"


def test_what_is_on_its_way_waits_again_after_a_kill_and_what_is_done_does_not(path: Path) -> None:
    frontier = Frontier(path)
    for name in ("done", "on its way", "waiting"):
        frontier.add(Entry(name))
    row = frontier.next()
    assert row
    outcome = Outcome(
        entries=[Entry("child", -1)], words={"known": ["a", "b"]}, values={"found": 3}
    )
    frontier.done(row[0], outcome)
    assert frontier.next()
    # As a kill leaves it: nothing is closed, nothing written at the end.
    later = Frontier(copied(path))
    assert later.was_there
    assert later.values == {"found": 3}
    assert sorted(later.words("known")) == ["a", "b"]
    assert order(later) == ["on its way", "waiting", "child"]


def copied(path: Path) -> Path:
    """The files as they are, elsewhere: what a kill would leave."""
    there = path.parent / "copy"
    there.mkdir()
    for part in path.parent.glob(f"{FILE}*"):
        (there / part.name).write_bytes(part.read_bytes())
    return there / FILE


def test_a_request_that_moves_keeps_its_number_and_is_dropped_if_its_goal_is_known(
    path: Path,
) -> None:
    frontier = Frontier(path)
    frontier.add(Entry("known", fingerprint=b"k"))
    frontier.add(Entry("first", 3, fingerprint=b"f"))
    row = frontier.next()
    assert row
    assert frontier.again(row[0], Entry("moved", 3, fingerprint=b"m"))
    again = frontier.next()
    assert again == (row[0], True, "moved")
    assert not frontier.again(row[0], Entry("to the known one", 3, fingerprint=b"k"))
    assert order(frontier) == ["known"]


def test_pictures_whose_files_are_lost_wait_again_and_refusals_are_told_again(path: Path) -> None:
    frontier = Frontier(path)
    for name in ("lost", "settled", "refused", "known"):
        frontier.add(Entry(name, is_page=False))
    outcomes = [
        Outcome(pictures=["/lost"]),
        Outcome(pictures=["/settled"]),
        Outcome(refusals={"/refused": {"reason": "status"}}),
        Outcome(refusals={"/known": {"reason": "small"}}),
    ]
    for outcome in outcomes:
        row = frontier.next()
        assert row
        frontier.done(row[0], outcome)
    frontier.close()
    later = Frontier(path)
    assert later.unsettled({"/settled", "/known"}) == [{"reason": "status"}]
    assert later.waiting_pictures == 1
    assert order(later) == ["lost"]
    assert later.unsettled({"/refused"}) == []


def test_a_file_that_is_no_database_is_begun_anew(path: Path) -> None:
    path.write_bytes(b"torn" * 1000)
    frontier = Frontier(path)
    assert not frontier.was_there
    assert frontier.add(Entry("one"))


def test_values_are_read_without_opening_a_new_file(tmp_path: Path) -> None:
    assert values_in(tmp_path) == {}
    assert not (tmp_path / FILE).exists()
    frontier = Frontier(tmp_path / FILE)
    frontier.add(Entry("one"))
    frontier.done(1, Outcome(values={"bytes": 7}))
    frontier.close()
    assert values_in(tmp_path) == {"bytes": 7}


_WORKER = """
import sys
from pathlib import Path
from scraping.frontier import Entry, Frontier, Outcome
frontier = Frontier(Path(sys.argv[1]))
if not frontier.was_there:
    frontier.add(Entry("0", fingerprint=b"0"))
number = frontier.values.get("done", 0)
while (row := frontier.next()) is not None:
    print(row[2], flush=True)
    number += 1
    page = int(row[2])
    links = [3 * page + n for n in (1, 2, 3)]
    children = [Entry(str(n), -len(str(n)), fingerprint=str(n).encode()) for n in links if n < 3000]
    frontier.done(row[0], Outcome(entries=children, values={"done": number}))
"""


def test_a_process_killed_at_random_moments_does_each_request_once_and_loses_none(
    path: Path,
) -> None:
    chance = random.Random(5)
    done: list[str] = []
    kills = 0
    while True:
        process = subprocess.Popen(
            [sys.executable, "-c", _WORKER, str(path)],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        )
        assert process.stdout
        if kills < 6:
            time.sleep(chance.uniform(0.05, 0.25))
            process.send_signal(signal.SIGKILL)
            kills += 1
        lines = process.stdout.read().splitlines()
        process.wait()
        done += lines
        if process.returncode == 0:
            break
    assert {int(each) for each in done} == set(range(3000))
    # One at a time is on its way, so a kill repeats at most that one.
    assert len(done) - 3000 <= kills
    assert json.loads(json.dumps(values_in(path.parent))) == {"done": 3000}
