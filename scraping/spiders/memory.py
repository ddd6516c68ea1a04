"""What a spider remembers beside its requests, and must remember again after a kill."""

from collections.abc import Iterable


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
