"""What a spider remembers beside its requests, and must remember again after a kill."""

from collections.abc import Iterable

from scraping.picture_sizes import sized


class Remembered(set[str]):
    """A set of words that only grows, by ``add`` and ``update``, and tells what is new in it."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        super().__init__(words)
        self._new: list[str] = []

    def add(self, word: str) -> None:
        if word not in self:
            super().add(word)
            self._new.append(word)

    def update(self, *others: Iterable[str]) -> None:
        for words in others:
            for word in words:
                self.add(word)

    def new(self) -> list[str]:
        """What came in since this was last asked."""
        new, self._new = self._new, []
        return new


class RememberedPictures(Remembered):
    """Addresses of pictures; one picture has several."""

    def __init__(self, urls: Iterable[str] = ()) -> None:
        super().__init__(urls)
        # Picture → the most pixels that a known address of it promises.
        self._largest: dict[str, float] = {}
        for url in self:
            self._measure(url)

    def add(self, word: str) -> None:
        if word not in self:
            super().add(word)
            self._measure(word)

    def _measure(self, url: str) -> None:
        told = sized(url)
        self._largest[told.picture] = max(told.pixels, self._largest.get(told.picture, 0))

    def has(self, urls: tuple[str, ...]) -> bool:
        """Whether the picture of these addresses, best first, is known as large as the best is.

        Of one that is known by a smaller file alone, or by what stood in its place until a script
        showed it, this one is still to be had.
        """
        if urls[0] in self:
            return True
        told = sized(urls[0])
        return not self.isdisjoint(urls) and self._largest.get(told.picture, 0) >= told.pixels
