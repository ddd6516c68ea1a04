from collections.abc import Iterator
from typing import Any

import pytest

from gallery.tests.conftest import media
from labeling.tests import anthropic_server
from labeling.tests.anthropic_server import KEY, AnthropicServer

__all__ = ["anthropic", "media"]


@pytest.fixture
def anthropic(settings: Any) -> Iterator[AnthropicServer]:
    """A server with Anthropic's wire format that the settings point at."""
    for server in anthropic_server.running():
        settings.ANTHROPIC_API_KEY = KEY
        settings.ANTHROPIC_BASE_URL = server.url
        yield server
