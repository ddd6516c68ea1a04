"""Fixtures that the tests of several rooms share: a browser for the test run, real workers."""

import pytest
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
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: from the first on, Playwright's loop runs in the main thread."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
