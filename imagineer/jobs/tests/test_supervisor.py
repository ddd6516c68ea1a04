"""The supervisor: restarts what dies, stops in order, leaves nothing behind."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from django.conf import settings

from imagineer.jobs.tests.platform import wait_until

pytestmark = pytest.mark.processes

SUPERVISED = """
import os, sys
from pathlib import Path
from imagineer.jobs.supervisor import Program, supervise

folder = Path(sys.argv[1])
os.chdir(folder)
def add(name, code, **options):
    file = folder / f"100% {{name}}.py"
    file.write_text(code)
    return Program(name, [sys.executable, str(file)], **options)
def tick():
    return (folder / "enough").exists()
programs = [{programs}]
environment = {{**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}}
supervise(programs, folder / "run", environment, tick)
print("All has stopped")
"""

# Writes its process id, then one line at SIGTERM.
SLEEPER = """
import os, pathlib, signal, sys, time
def stop(*_):
    with open("stopped", "a") as file:
        file.write("{name}\\\\n")
    sys.exit()
signal.signal(signal.SIGTERM, stop)
pathlib.Path("{name}.pid").write_text(str(os.getpid()))
print("{name} is here", flush=True)
while True:
    time.sleep(0.02)
"""


class Supervised:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def run(self, programs: str) -> None:
        code = SUPERVISED.format(programs=programs)
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(self.folder)],
            cwd=settings.BASE_DIR,
            stdout=(self.folder / "output").open("w"),
            stderr=subprocess.STDOUT,
        )

    def sleeper(self, name: str) -> str:
        return SLEEPER.format(name=name)

    def pid(self, name: str, other_than: int = 0) -> int:
        path = self.folder / f"{name}.pid"

        def read() -> int:
            text = path.read_text() if path.exists() else ""
            return int(text) if text and int(text) != other_than else 0

        return int(wait_until(read, name))

    def end(self, number: signal.Signals) -> int:
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(60)

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text()


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Supervised]:
    made = Supervised(tmp_path)
    yield made
    if made.process:
        made.process.kill()
        made.process.wait()


def two(supervised: Supervised) -> tuple[int, int]:
    base, web = supervised.sleeper("base"), supervised.sleeper("web")
    supervised.run(f'add("base", """{base}""", foundation=True), add("web", """{web}""")')
    return supervised.pid("base"), supervised.pid("web")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_everything_and_the_foundation_last(
    supervised: Supervised, number: signal.Signals
) -> None:
    pids = two(supervised)
    assert supervised.end(number) == 0
    assert (supervised.folder / "stopped").read_text().split() == ["web", "base"]
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_it_stops_everything_when_the_loop_in_front_has_had_enough(
    supervised: Supervised,
) -> None:
    pids = two(supervised)
    (supervised.folder / "enough").touch()
    assert supervised.process
    assert supervised.process.wait(60) == 0
    assert "All has stopped" in supervised.output
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_it_passes_on_output(supervised: Supervised) -> None:
    two(supervised)
    wait_until(lambda: "web is here" in supervised.output, "output")


def test_it_starts_a_killed_program_again_and_leaves_the_others_alone(
    supervised: Supervised,
) -> None:
    base, web = two(supervised)
    psutil.Process(web).kill()
    supervised.pid("web", other_than=web)
    assert psutil.pid_exists(base)
    assert "exited: web (terminated by SIGKILL" in supervised.output


def test_it_says_so_and_leaves_nothing_when_supervisord_dies(supervised: Supervised) -> None:
    pids = two(supervised)
    assert supervised.process
    (daemon,) = psutil.Process(supervised.process.pid).children()
    daemon.kill()
    assert supervised.process.wait(60) == 1
    assert "supervisord ended (exit code -9)" in supervised.output
    wait_until(lambda: not any(psutil.pid_exists(pid) for pid in pids), "the programs to die")


def test_nothing_survives_when_it_is_killed_itself(supervised: Supervised) -> None:
    pids = two(supervised)
    supervised.end(signal.SIGKILL)
    wait_until(lambda: not any(psutil.pid_exists(pid) for pid in pids), "the programs to die")


def test_a_program_that_does_not_react_is_killed_at_the_second_signal(
    supervised: Supervised,
) -> None:
    deaf = supervised.sleeper("deaf").replace("sys.exit()", "pass")
    supervised.run(f'add("deaf", """{deaf}""")')
    pid = supervised.pid("deaf")
    assert supervised.process
    supervised.process.send_signal(signal.SIGINT)
    wait_until(
        lambda: "received SIGTERM indicating exit request" in supervised.output, "the first signal"
    )
    assert supervised.end(signal.SIGINT) == 0
    wait_until(lambda: not psutil.pid_exists(pid), "the program to die")


def test_a_program_that_keeps_dying_is_tried_again_and_again(supervised: Supervised) -> None:
    supervised.run(
        'add("base", "import time; time.sleep(600)", foundation=True), '
        'add("broken", "raise SystemExit(3)")'
    )
    wait_until(lambda: supervised.output.count("exited: broken (exit status 3") >= 3, "deaths")
