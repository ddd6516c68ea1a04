"""The rows that the tests about leaks walk."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest

from imagineer.jobs import events
from imagineer.tests.leaks.worlds import Rows, make_rows


class AtOnce(Executor):
    """Runs in the thread that asks, and as if no loop ran there: with the test's connection.

    Within a loop Django opens another, which sees nothing of the test's transaction.
    """

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        try:
            future.set_result(fn(*args, **kwargs))
        finally:
            asyncio._set_running_loop(loop)
        return future


@pytest.fixture
def rows(db: None, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Rows:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MODELS_DIR = tmp_path
    monkeypatch.setattr(events, "_readers", AtOnce())
    return make_rows(tmp_path)
