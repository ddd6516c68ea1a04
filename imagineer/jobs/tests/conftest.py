"""A platform of real processes for one test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imagineer.jobs import queues
from imagineer.jobs.tests.platform import Platform, use


@pytest.fixture
def platform(transactional_db: None, tmp_path: Path, settings: Any) -> Iterator[Platform]:
    """Nothing runs yet; whatever the test starts is killed at its end."""
    made = Platform(tmp_path)
    use(made, settings)
    yield made
    made.stop()
    queues.connection.cache_clear()
