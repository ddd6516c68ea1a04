"""How many bytes of answers a crawl's process holds in memory, counted until each is let go of."""

import weakref
from typing import Any

MOST_BYTES = 100_000_000


class HeldBytes:
    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes = most_bytes
        self.bytes = 0

    @property
    def are_many(self) -> bool:
        return self.bytes >= self.most_bytes

    def count(self, holder: Any, size: int) -> None:
        """So many bytes, for as long as their holder lives."""
        self.bytes += size
        weakref.finalize(holder, self._let_go, size).atexit = False

    def _let_go(self, size: int) -> None:
        self.bytes -= size
