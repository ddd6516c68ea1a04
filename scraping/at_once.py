"""How many requests to one host are on their way at once, over all targets of a crawl.

Scrapy counts for each target, and lets a burst through that comes in one moment.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

MOST = 4


class AtOnce:
    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._places: dict[str, asyncio.Semaphore] = {}
        # Who has a place or waits for one.
        self._there: Counter[str] = Counter()

    @asynccontextmanager
    async def place(self, host: str) -> AsyncIterator[None]:
        """Waits until fewer than so many others have one at this host."""
        self._there[host] += 1
        try:
            async with self._places.setdefault(host, asyncio.Semaphore(self.most)):
                yield
        finally:
            self._there[host] -= 1
            if not self._there[host]:
                del self._there[host], self._places[host]
