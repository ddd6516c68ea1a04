"""Runs the platform's programs under supervisord, in one terminal.

supervisord starts what dies again, alone, and stops in order. We add that nothing survives when
it is killed itself (`setpriv --pdeathsig`, prctl(2)), and a loop in front of it that may say
something, start something, or end it all. No Django.
"""

import os
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, STDOUT
from threading import Thread
from types import FrameType
from typing import IO

from imagineer.jobs.child_process import kill_group, start_child

STOP_PATIENCE = 8
"""Seconds between SIGTERM and SIGKILL for one program."""


@dataclass(frozen=True)
class Program:
    """What to run. foundation: started before all others and stopped after them."""

    name: str
    args: Sequence[str]
    foundation: bool = False


class SupervisorEnded(Exception):
    """supervisord has ended without being asked to."""


def supervise(
    programs: Sequence[Program],
    folder: Path,
    environment: Mapping[str, str],
    tick: Callable[[], bool],
    quiet: bool = False,
) -> None:
    """Run the programs until SIGINT, SIGTERM or until `tick`, called often, returns True.

    A second signal kills what has not stopped yet. `folder` takes supervisord's configuration and
    is where nothing else writes; `quiet` leaves out what supervisord says of restarts. Raises
    SupervisorEnded.
    """
    signals: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        signals.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "supervisord.conf"
    with file.open("w", encoding="utf-8") as opened:
        configuration(programs, folder, quiet).write(opened)
    daemon = [sys.executable, "-m", "supervisor.supervisord", "--configuration", str(file)]
    # Through a pipe, for supervisord opens its output anew for each program, which would write
    # over a file and fail on a socket (that is what a system service has).
    process = start_child(daemon, env=environment, stdout=PIPE, stderr=STDOUT)
    passing_on = Thread(target=_pass_on, args=(process.stdout,), daemon=True)
    passing_on.start()
    try:
        while not signals and process.poll() is None and not tick():
            time.sleep(0.1)
        ended = process.poll()
        if ended is not None:
            raise SupervisorEnded(f"supervisord ended (exit code {ended})")
        if signals:
            sys.stdout.write("\nStopping; Ctrl-C again ends it at once.\n")
            sys.stdout.flush()
        signals = signals[:1]
        process.terminate()
        while process.poll() is None and len(signals) < 2:
            time.sleep(0.05)
    finally:
        kill_group(process.pid)
        process.wait()
        passing_on.join(STOP_PATIENCE)


def _pass_on(output: IO[bytes]) -> None:
    for line in output:
        sys.stdout.write(line.decode(errors="replace"))
        sys.stdout.flush()


def configuration(programs: Sequence[Program], folder: Path, quiet: bool) -> ConfigParser:
    """supervisord's configuration: everything in its output, all but the foundation one group."""
    parser = ConfigParser(interpolation=None)
    parser["supervisord"] = {
        "nodaemon": "true",
        "loglevel": "error" if quiet else "warn",
        "logfile": os.devnull,
        "logfile_maxbytes": "0",
        "pidfile": _escaped(str(folder / "supervisord.pid")),
    }
    if os.geteuid() == 0:
        # Else it warns of running as root, as a container may well do.
        parser["supervisord"]["user"] = "root"
    for program in programs:
        parser[f"program:{program.name}"] = {
            "command": _escaped(shlex.join([*_dying_with_parent(), *program.args])),
            "priority": "1" if program.foundation else "10",
            "autorestart": "true",
            "startsecs": "1",
            # It waits one second longer at each failure, but it never gives up.
            "startretries": "1000000",
            "stopwaitsecs": str(STOP_PATIENCE),
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": "/dev/fd/1",
            "stdout_logfile_maxbytes": "0",
        }
    # One group stops at once; groups stop one after the other.
    names = [program.name for program in programs if not program.foundation]
    parser["group:imagineer"] = {"programs": ",".join(names), "priority": "10"}
    return parser


def _escaped(text: str) -> str:
    """A percent sign begins an expression in supervisord's configuration."""
    return text.replace("%", "%%")


def _dying_with_parent() -> list[str]:
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
