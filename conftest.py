"""Fixtures that the tests of several rooms share: a browser for the test run, real workers."""

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from gallery.tests.browser.window import chromium, visit
from gallery.tests.workers import workers

__all__ = ["chromium", "visit", "workers"]


@pytest.fixture(autouse=True)
def hashes_of_this_test() -> None:
    """The rows that the last test's index knew are gone, and their numbers may come again."""
    from gallery import similar

    similar.forget()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Tests begin with empty tables, without the templates that a new database is given."""
    from generation.models import BatchTemplate

    with django_db_blocker.unblock():
        BatchTemplate.objects.all().delete()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Browser tests come last: from the first on, Playwright's loop runs in the main thread.

    On PostgreSQL (make test-postgresql) run those alone that ask the database.
    """
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
    if connection.vendor == "postgresql":
        config.hook.pytest_deselected(items=[item for item in items if not _asks_database(item)])
        items[:] = [item for item in items if _asks_database(item)]


def _asks_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return item.get_closest_marker("django_db") is not None or bool(
        fixtures & {"db", "transactional_db", "live_server"}
    )
