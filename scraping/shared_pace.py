"""A source's requests a minute, over all crawls and previews of this machine that ask it at once.

When the next one may be sent stands in a small file for each source, which whoever sends one locks.
Nothing is left to be tidied up after a process that was killed.
"""

import fcntl
import os
import time
from pathlib import Path

_DIGITS = 32


def wait(folder: Path, source: str, interval: float) -> float:
    """0 if a request may be sent now, which it then is; else when to ask again, in seconds.

    source: a number or a word. interval: seconds between two requests to it, at least.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = os.open(folder / f"source-{source}", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        now = time.time()
        left = _moment(os.pread(file, _DIGITS, 0)) - now
        # A clock that was set back makes nobody wait longer than usual.
        if 0 < left <= interval:
            return left
        os.pwrite(file, f"{now + interval:<{_DIGITS}.6f}".encode(), 0)
        return 0.0
    finally:
        os.close(file)


def _moment(written: bytes) -> float:
    try:
        return float(written)
    except ValueError:
        return 0.0
