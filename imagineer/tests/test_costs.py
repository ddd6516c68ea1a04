"""What a page costs the database does not grow with what it holds. Addresses are enumerated.

SQLite counts the steps of its virtual machine. Each address is asked once over few rows and once
over thousands more, newer ones, which the reader may see, or may not and must be passed over.
Counts that are capped are capped low here, so that they are full in both.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from gallery import (
    admin_filters,
    search,
    search_names,
    similar,
    sitemaps,
    tag_completion,
    tag_counts,
)
from gallery.models import Album, Image
from imagineer import console_rows
from imagineer.tests.addresses import EVERYWHERE, console_lists, filled
from imagineer.tests.many_rows import Gallery
from scraping import statistics

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="Steps are SQLite's."),
]

# More than a page of any list and than what is counted.
FEW, MORE = 250, 2500
# Asked for by their bytes, or read from a file; nothing of them is listed.
NOT_LISTED = ("/original", "/thumbnail", "/i/", "/file", "/events", "openapi")
EVERY_STEPS = 100
# Who signs in is asked for too: session, account, whether the address still is an admin's.
QUERIES = {"visitor": 8, "admin": 8 + 3, "console": 30}


@pytest.fixture(autouse=True)
def low_caps(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (search, admin_filters, console_rows, statistics):
        monkeypatch.setattr(module, "COUNTED_AT_MOST", 200)
    for module, name in (
        (search_names, "MOST_MATCHES"),
        (sitemaps, "RANGE"),
        (tag_completion, "_LOOKED_AT"),
        (tag_counts, "COUNTED_AT_MOST"),
    ):
        monkeypatch.setattr(module, name, 100)


@contextmanager
def counted_steps() -> Iterator[list[int]]:
    """A list whose one number is the steps that SQLite takes meanwhile, to the hundred."""
    steps = [0]

    def count() -> int:
        steps[0] += EVERY_STEPS
        return 0

    connection.ensure_connection()
    connection.connection.set_progress_handler(count, EVERY_STEPS)
    try:
        yield steps
    finally:
        connection.connection.set_progress_handler(None, 0)


@dataclass(frozen=True)
class Cost:
    steps: int
    queries: tuple[str, ...]


def cost_of(client: Client, address: str) -> Cost:
    queries: list[str] = []

    def note(execute: Any, sql: str, *more: Any) -> Any:
        if sql.startswith(("SELECT", "WITH")):
            queries.append(sql)
        return execute(sql, *more)

    with counted_steps() as steps, connection.execute_wrapper(note):
        response = client.get(address)
        assert response.status_code in (200, 302, 404), (address, response.status_code)
        b"".join(response) if response.streaming else response.content
    return Cost(steps[0], tuple(queries))


def public_addresses(gallery: Gallery) -> list[str]:
    found = [
        address
        for addresses in EVERYWHERE.values()
        for template in addresses
        for address in filled(template, gallery.values())
    ]
    return [address for address in found if not any(part in address for part in NOT_LISTED)]


READERS = ("blur", "hide", "show", "admin", "console")


def asked_by(reader: str, gallery: Gallery, admin_client: Client) -> tuple[Client, list[str]]:
    if reader == "console":
        return admin_client, [*console_lists(), "/api/scraping/stats", "/api/scraping/sources"]
    if reader == "admin":
        return admin_client, public_addresses(gallery)
    client = Client()
    client.cookies["nsfw"] = reader
    return client, public_addresses(gallery)


def is_more(address: str, few: int, many: int) -> bool:
    """Whether the cost grew with the rows. The least look at each of them is three steps.

    The trees may be a level deeper now; a search reads more parts of its index.
    """
    searches = "q=" in address or "label=" in address
    return many > few * (2.5 if searches else 1.2) + 1.5 * MORE


@pytest.mark.parametrize("public", [True, False], ids=["more of the same", "more that is private"])
def test_nobody_waits_longer_for_more(admin_client: Client, public: bool) -> None:
    gallery = Gallery()
    # Full pages of either kind, whichever follow.
    gallery.grow(FEW, public=not public)
    gallery.grow(FEW, public=public)
    asked = [
        (reader, client, address)
        for reader in READERS
        for client, addresses in [asked_by(reader, gallery, admin_client)]
        for address in addresses
    ]
    before = [cost_of(client, address) for _, client, address in asked]
    gallery.grow(MORE, public=public)
    # What has come in is read once a process.
    similar.catch_up()
    after = [cost_of(client, address) for _, client, address in asked]
    found = []
    for (reader, _, address), few, many in zip(asked, before, after, strict=True):
        if is_more(address, few.steps, many.steps):
            found.append(f"{few.steps} and then {many.steps} steps: {reader}, {address}")
        most = QUERIES.get(reader, QUERIES["visitor"])
        # The console's filter by album names one that is not among the newest any more.
        known = len(few.queries) + (reader == "console")
        if len(many.queries) > min(most, known):
            told = "\n    ".join(sql[:150] for sql in many.queries)
            found.append(
                f"{len(few.queries)} and then {len(many.queries)} queries, at most {most}: "
                f"{reader}, {address}\n    {told}"
            )
    assert not found, "\n".join(["", *found])


def test_what_looks_at_every_row_is_noticed() -> None:
    gallery = Gallery()
    gallery.grow(FEW)
    plants: dict[str, Callable[[], object]] = {
        "a sort": lambda: list(Image.everything.order_by("bytes").values_list("pk")[:50]),
        "a count": lambda: Image.everything.filter(bytes__gt=0).count(),
        "a walk past others": lambda: Album.objects.filter(description="x").first(),
        "all of an album": lambda: list(gallery.album.entries.values_list("pk")),
        "a page far in": lambda: list(Image.objects.values_list("pk")[2000:2050]),
    }

    def steps_taken(plant: Callable[[], object]) -> int:
        with counted_steps() as steps:
            plant()
        return steps[0]

    before = {name: steps_taken(plant) for name, plant in plants.items()}
    gallery.grow(MORE)
    after = {name: steps_taken(plant) for name, plant in plants.items()}
    assert [name for name in plants if not is_more("/", before[name], after[name])] == []
