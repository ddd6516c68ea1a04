"""Child processes that never outlive whoever started them.

A runner that needs a process of its own (a crawl, a training) starts it with :func:`start_child`
and ends it with :func:`stop_child`. When the runner's process is killed, the kernel kills the child
as well (Linux: PR_SET_PDEATHSIG, prctl(2)); on other systems the child should end when its
standard input closes.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import psutil

PR_SET_PDEATHSIG = 1

_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent dies. parent: the id it should have."""
    if _prctl is not None:
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        # It died before we asked.
        os._exit(1)


def start_child(
    args: Sequence[str | Path],
    *,
    stdin: int | IO[Any] | None = subprocess.DEVNULL,
    stdout: int | IO[Any] | None = None,
    stderr: int | IO[Any] | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a program in its own process group that dies when this process does.

    Call it from the main thread: the kernel counts the end of the starting thread as the parent's
    death. Arguments as for subprocess.Popen; pipes carry bytes.
    """
    parent = os.getpid()
    return subprocess.Popen(
        [str(part) for part in args],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        cwd=cwd,
        env=env,
        pass_fds=pass_fds,
        process_group=0,
        preexec_fn=lambda: die_with_parent(parent),
    )


def stop_child(
    process: "subprocess.Popen[bytes]",
    *,
    grace: float = 2.0,
    ask: signal.Signals = signal.SIGINT,
) -> int:
    """End a child: ask it, wait ``grace`` seconds, then kill it with everything it started.

    Its exit code, as Popen.wait returns it. Harmless for one that has ended.
    """
    if process.poll() is None:
        family = descendants(process.pid)
        _send_to_group(process.pid, ask)
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            family += descendants(process.pid)
            _send_to_group(process.pid, signal.SIGKILL)
        kill_all(family)
    else:
        _send_to_group(process.pid, signal.SIGKILL)
    return process.wait()


def descendants(pid: int) -> list[psutil.Process]:
    """Everything that a process has started and that still lives."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def kill_all(processes: list[psutil.Process]) -> None:
    """Kill these processes; psutil makes sure that no other one has got their id since."""
    for process in processes:
        try:
            process.kill()
        except psutil.Error:
            continue


def kill_group(pid: int) -> None:
    """Kill a child, its process group and all its descendants, at once."""
    family = descendants(pid)
    _send_to_group(pid, signal.SIGKILL)
    kill_all(family)


def _send_to_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return
