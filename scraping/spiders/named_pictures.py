"""Pictures that a sitemap names, until the page that shows them has been read: it may say noai."""

import json
from collections.abc import Iterable

from scraping.same_page import page_key
from scraping.same_picture import Candidate
from scraping.spiders.memory import Remembered


class NamedPictures:
    """words: what is remembered of them, for whoever keeps that."""

    def __init__(self) -> None:
        self.words = Remembered()
        self._by_page: dict[str, list[Candidate]] | None = None

    def add(self, page_url: str, pictures: Iterable[Candidate]) -> None:
        held = [[picture.urls, picture.rule, picture.texts] for picture in pictures]
        self.words.add(json.dumps([page_key(page_url), held]))
        self._by_page = None

    def take(self, page_url: str) -> list[Candidate]:
        """Those of a page, once."""
        if self._by_page is None:
            self._by_page = {}
            for word in self.words:
                key, held = json.loads(word)
                self._by_page.setdefault(key, []).extend(
                    Candidate(tuple(urls), rule, texts) for urls, rule, texts in held
                )
        return self._by_page.pop(page_key(page_url), [])
