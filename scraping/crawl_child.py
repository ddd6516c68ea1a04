"""A crawl's process, from the side that started it: events as they come, and a graceful end."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

from imagineer.jobs.child_process import start_child, stop_child
from scraping.crawl_config import CrawlConfig, to_json

ROOT = Path(__file__).resolve().parent.parent
# A crawler reads what strangers write: it is told nothing it does not need, keys least of all.
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
_LAST_WORDS = 4000
# Seconds: with jobs.POLL_S less than a cancelled job is given before its own process is killed.
GRACE = 0.8

Event = dict[str, Any]


class CrawlChild:
    """A context manager; leaving it ends the process, gracefully if it reacts within GRACE.

    log: file that gets the process's standard error. Start it from the main thread.
    """

    def __init__(self, config: CrawlConfig, log: Path) -> None:
        self.config = config
        self.log = log
        self._lines: queue.Queue[bytes | None] = queue.Queue()

    def __enter__(self) -> "CrawlChild":
        with self.log.open("wb") as log:
            self.process = start_child(
                [sys.executable, "-m", "scraping.crawl_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        reader = threading.Thread(
            target=_read, args=(self.process.stdout, self._lines), name="crawl", daemon=True
        )
        reader.start()
        self._tell(to_json(self.config))
        return self

    def _tell(self, line: str) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            # It died; next_event() tells.
            pass

    def stop_target(self, number: int, reason: str) -> None:
        """Have the process end one of its targets; other events go on coming."""
        self._tell(json.dumps({"stop": number, "reason": reason}))

    def next_event(self, timeout: float) -> Event | None:
        """The next event, or None if none came in time. Raises EOFError when the process ended."""
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            return None
        if line is None:
            raise EOFError("The crawl's process has ended.")
        try:
            event = json.loads(line)
        except ValueError:
            return None
        return event if isinstance(event, dict) else None

    def last_words(self) -> str:
        """The end of what the process wrote to its standard error."""
        try:
            return self.log.read_bytes()[-_LAST_WORDS:].decode(errors="replace").strip()
        except OSError:
            return ""

    def __exit__(self, *exc: object) -> None:
        stop_child(self.process, grace=GRACE)
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()


def _read(stdout: IO[bytes], lines: "queue.Queue[bytes | None]") -> None:
    with stdout:
        for line in stdout:
            lines.put(line)
    lines.put(None)
