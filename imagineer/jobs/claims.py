"""The token of one running attempt, and whether the process that holds it still lives.

A claim names the machine (host, boot and process namespace), the process and the moment it
started, and ends in random text, so that no two attempts ever share one. Processes on the same
machine can tell at once that a holder is dead; for others only the heartbeat speaks.
"""

import hashlib
import os
import secrets
import socket
from functools import cache
from pathlib import Path

_SEPARATOR = "/"


@cache
def machine() -> str:
    """Names this boot of this machine, or of this container: process ids mean something in it."""
    parts = [socket.gethostname()]
    for read in (_boot_id, _process_namespace):
        try:
            parts.append(read())
        except OSError:
            parts.append("")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _process_namespace() -> str:
    return str(Path("/proc/self/ns/pid").readlink())


def new_claim() -> str:
    """A claim held by this process."""
    pid = os.getpid()
    started = _start_of(pid) or ""
    return _SEPARATOR.join((machine(), str(pid), started, secrets.token_hex(8)))


def is_known_dead(claim: str) -> bool:
    """Whether the holder is certainly dead: it lived on this machine and no longer does."""
    pid, started = _holder_here(claim)
    if pid is None or not Path("/proc/self/stat").exists():
        return False
    return _start_of(pid) != started


def is_known_alive(claim: str) -> bool:
    """Whether the holder certainly lives: it is a process of this machine."""
    pid, started = _holder_here(claim)
    return pid is not None and bool(started) and _start_of(pid) == started


def holder(claim: str) -> int | None:
    """The process id of a holder on this machine; None for one elsewhere."""
    return _holder_here(claim)[0]


def _holder_here(claim: str) -> tuple[int | None, str]:
    """Process id and start of a holder on this machine; (None, "") for one elsewhere."""
    parts = claim.split(_SEPARATOR)
    if len(parts) != 4 or parts[0] != machine() or not parts[1].isdigit():
        return None, ""
    return int(parts[1]), parts[2]


def _start_of(pid: int) -> str | None:
    """When the process started, in clock ticks since boot; None for a dead or zombie one.

    Fields 3 (state) and 22 (starttime) of /proc/<pid>/stat, proc(5). The name in field 2 may hold
    spaces and parentheses.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else fields[19]
