from collections.abc import Iterator
from typing import Any

import pytest

from scraping.tests.site import OPEN_HOSTS, Site


@pytest.fixture
def site(settings: Any) -> Iterator[Site]:
    """A site that crawls may reach, without pauses between requests."""
    settings.SCRAPE_ALLOWED_HOSTS = OPEN_HOSTS
    settings.SCRAPE_DELAY = 0
    with Site() as made:
        yield made
