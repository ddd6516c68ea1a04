"""Files of a crawl are examined by threads, one for each core, and settled in the order they came.

Decoding and encoding leave Python's lock alone for most of their time, so that several pictures are
made ready while rows are written. How many wait is bounded: a crawler that is faster than the cores
finds its pictures in the spool.
"""

import hashlib
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice, takewhile
from pathlib import Path
from threading import Condition

from gallery import image_files
from gallery.models import Image
from scraping import spool
from scraping.crawl_child import Event
from scraping.examine_file import Examined, examine
from scraping.models import CrawlTarget
from scraping.options import CrawlOptions

# For each thread: one is examined, and others are at hand.
_AHEAD = 6
# Of files that wait; their pictures take some times as much while they are examined.
MOST_BYTES = 200_000_000
# Of pictures that are decoded at once, however many cores there are; one takes up to 13 bytes each.
MOST_PIXELS = 150_000_000


@dataclass(frozen=True)
class Waiting:
    """A picture of the spool. coming: what it is; None if the gallery has these bytes anyway."""

    target: CrawlTarget
    path: Path
    event: Event
    body: bytes = field(repr=False)
    coming: "Future[Examined] | None"

    @property
    def is_examined(self) -> bool:
        return self.coming is None or self.coming.done()

    def examined(self) -> bytes | Examined:
        """For take(); waits until it is."""
        return self.body if self.coming is None else self.coming.result()


class _Room:
    """Lets in who needs no more than is left, or is alone."""

    def __init__(self, size: int) -> None:
        self._left = self._size = size
        self._changed = Condition()

    @contextmanager
    def place(self, size: int) -> Iterator[None]:
        size = min(size, self._size)
        with self._changed:
            self._changed.wait_for(lambda: self._left >= size)
            self._left -= size
        try:
            yield
        finally:
            with self._changed:
                self._left += size
                self._changed.notify_all()


class Examining:
    """A context manager; leaving it lets go of what was not settled, which stays in the spool."""

    def __init__(self) -> None:
        threads = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="examine")
        self._line: deque[Waiting] = deque()
        self._most = _AHEAD * threads
        self._room = _Room(MOST_PIXELS)

    def __enter__(self) -> "Examining":
        return self

    def __exit__(self, *exc: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def add(self, target: CrawlTarget, path: Path) -> None:
        """Have a file of the spool examined; one that is not there, or not whole, is removed."""
        held = spool.read(path)
        if held is None:
            path.unlink(missing_ok=True)
            return
        event, body = held
        sha256 = hashlib.sha256(body).hexdigest()
        coming = None
        if not Image.everything.filter(sha256=sha256).exists():
            coming = self._pool.submit(self._examine, body, target.chosen, sha256)
        self._line.append(Waiting(target, path, event, body, coming))

    def first(self, most: int, *, fewer: bool = False, wait: bool = False) -> list[Waiting]:
        """The first ones of the line, so many of them; none if that many are not examined yet.

        fewer: as many as are examined, if it is at least one. wait: for all that there are.
        When too many wait behind them, the first ones are waited for in any case.
        """
        wait = wait or self._are_many()
        there = list(islice(self._line, most))
        if not wait:
            there = list(takewhile(lambda waiting: waiting.is_examined, there))
            if len(there) < most and not fewer:
                return []
        for waiting in there:
            waiting.examined()
            self._line.popleft()
        return there

    def _examine(self, body: bytes, chosen: CrawlOptions, sha256: str) -> Examined:
        with self._room.place(image_files.pixels(body)):
            return examine(body, chosen, sha256)

    def _are_many(self) -> bool:
        if len(self._line) > self._most:
            return True
        return sum(len(waiting.body) for waiting in self._line) > MOST_BYTES
