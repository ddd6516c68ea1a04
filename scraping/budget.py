"""How much a whole crawl may still fetch, over all its targets and attempts. Pure.

Numbers of the attempts before are put in at the start; each target keeps its own in its frontier.
"""

from dataclasses import dataclass, field


@dataclass
class Budget:
    """max_pages: read, or found unreadable. max_bytes: received. The rest is spent already."""

    max_pages: int
    max_bytes: int
    pages: int = 0
    bytes: int = 0
    _on_their_way: set[tuple[int, int]] = field(default_factory=set)

    def may_ask_page(self) -> bool:
        return self.pages + len(self._on_their_way) < self.max_pages

    def asks_page(self, target: int, request: int) -> None:
        self._on_their_way.add((target, request))

    def waits_again(self, target: int, request: int) -> None:
        """The page is asked for anew later: it has moved, or its server is busy."""
        self._on_their_way.discard((target, request))

    def is_answered(self, target: int, request: int, *, was_page: bool) -> None:
        """The answer is there. was_page: it counts as one, and is not what was read before."""
        self._on_their_way.discard((target, request))
        self.pages += was_page

    def receives(self, number: int) -> bool:
        """Count bytes; False once they are too many."""
        self.bytes += number
        return self.bytes < self.max_bytes
