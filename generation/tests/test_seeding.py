"""A new database is given the shipped batch templates, once."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from generation.models import BatchTemplate
from generation.seeding import seed_new_database


def migrate(folder: Path) -> list[str]:
    """`manage.py migrate` on a data folder of its own; the templates that are there then."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "imagineer.settings",
        "IMAGINEER_DATA": str(folder),
        "DATABASE_URL": "",
        "DEMO": "0",
    }
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0"],
        cwd=settings.BASE_DIR, env=environment, check=True, timeout=200,
    )  # fmt: skip
    with sqlite3.connect(folder / "db.sqlite3") as database:
        rows = database.execute("SELECT slug FROM generation_batchtemplate ORDER BY slug")
        return [slug for (slug,) in rows]


def test_a_first_start_has_the_templates_and_a_deleted_one_does_not_come_back(
    tmp_path: Path,
) -> None:
    assert migrate(tmp_path) == ["playing-cards", "tarot", "zodiac"]
    with sqlite3.connect(tmp_path / "db.sqlite3") as database:
        database.execute("DELETE FROM generation_batchtemplate WHERE slug = 'tarot'")
    assert migrate(tmp_path) == ["playing-cards", "zodiac"]


@pytest.mark.django_db
def test_only_the_migration_that_makes_the_table_seeds() -> None:
    graph = MigrationLoader(connection).graph.nodes
    first = graph["generation", "0001_initial"]
    other = graph["gallery", "0001_initial"]
    seed_new_database(plan=[(other, False), (first, True)])
    # As flushing a database emits it.
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
    assert not BatchTemplate.objects.exists()
    seed_new_database(plan=[(other, False), (first, False)])
    assert BatchTemplate.objects.count() == 3
