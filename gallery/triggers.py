"""What the database keeps by itself: copies of exposures, counts, and the full-text index.

Lists of an album, a tag or a LoRA walk an index of its own rows, so each of these rows has a copy
of its image's exposure, and each album, tag and LoRA counts its pictures. Triggers keep them right
whoever writes, cascades and bulk updates included, on SQLite and on PostgreSQL.

SQLite drops a table's triggers when a migration rewrites the table, and refuses to rewrite one that
a trigger elsewhere names. So they are taken away before migrations and made anew behind them.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

from django.apps import AppConfig
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.signals import post_migrate, pre_migrate

COUNTS = ("open_count", "veiled_count", "private_count")
IMAGES = "gallery_image"
# How the copy of a row begins; it counts nowhere.
UNCOUNTED = 3


@dataclass(frozen=True)
class Membership:
    """A table that puts images (``image_id``) into something that counts them."""

    table: str
    owner_table: str
    owner_column: str


@dataclass(frozen=True)
class FullText:
    """A table whose text columns SQLite indexes in ``<table>_fts``; PostgreSQL needs no trigger."""

    table: str
    key: str
    columns: tuple[str, ...]


def keep(app: AppConfig, *kept: Membership | FullText) -> None:
    """Have the triggers of these tables installed whenever the app's tables were migrated."""
    pre_migrate.connect(partial(_before, kept), sender=app, weak=False)
    post_migrate.connect(partial(_after, kept), sender=app, weak=False)


def _before(
    kept: tuple[Membership | FullText, ...], *, using: str, plan: Any = (), **_: Any
) -> None:
    if plan:
        _run(using, [sql for each in kept for sql in _dropping(connections[using], each)])


def _after(
    kept: tuple[Membership | FullText, ...], *, using: str, plan: Any = (), **_: Any
) -> None:
    if not plan:
        return
    connection = connections[using]
    for each in kept:
        if not _is_there(connection, each):
            continue
        making = _postgresql(each) if connection.vendor == "postgresql" else _sqlite(each)
        _run(using, [*_dropping(connection, each), *making, *_anew(connection, each)])


def _is_there(connection: BaseDatabaseWrapper, each: Membership | FullText) -> bool:
    """Whether table and columns exist: not where it was migrated to before they were made."""
    needed = set(each.columns) if isinstance(each, FullText) else {"exposure"}
    with connection.cursor() as cursor:
        if each.table not in connection.introspection.table_names(cursor):
            return False
        described = connection.introspection.get_table_description(cursor, each.table)
    return needed <= {column.name for column in described}


def _run(using: str, statements: list[str]) -> None:
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _names(each: Membership | FullText) -> list[tuple[str, str]]:
    """(trigger, its table)."""
    if isinstance(each, FullText):
        return [(f"{each.table}_{verb}", each.table) for verb in ("indexed", "unindexed")] + [
            (f"{each.table}_reindexed", each.table)
        ]
    return [
        (f"{each.table}_in", each.table),
        (f"{each.table}_counted", each.table),
        (f"{each.table}_out", each.table),
        (f"{each.table}_moved", each.table),
        (f"{each.table}_follows", IMAGES),
    ]


def _dropping(connection: BaseDatabaseWrapper, each: Membership | FullText) -> list[str]:
    if connection.vendor == "postgresql":
        return [f"DROP TRIGGER IF EXISTS {name} ON {table}" for name, table in _names(each)]
    return [f"DROP TRIGGER IF EXISTS {name}" for name, _ in _names(each)]


def _shifted(row: str, sign: str) -> str:
    return ", ".join(
        f"{count} = {count} {sign} CASE WHEN {row}.exposure = {value} THEN 1 ELSE 0 END"
        for value, count in enumerate(COUNTS)
    )


def _counting(each: Membership, row: str, sign: str) -> str:
    return (
        f"UPDATE {each.owner_table} SET {_shifted(row, sign)} WHERE id = {row}.{each.owner_column}"
    )


def _sqlite(each: Membership | FullText) -> list[str]:
    if isinstance(each, FullText):
        return _sqlite_full_text(each)
    table = each.table
    exposure = f"(SELECT exposure FROM {IMAGES} WHERE id = NEW.image_id)"
    return [
        f"""CREATE TRIGGER {table}_in AFTER INSERT ON {table} BEGIN
              {_counting(each, "NEW", "+")};
              UPDATE {table} SET exposure = {exposure}
                WHERE id = NEW.id AND exposure <> {exposure};
            END""",
        f"""CREATE TRIGGER {table}_out AFTER DELETE ON {table} BEGIN
              {_counting(each, "OLD", "-")};
            END""",
        f"""CREATE TRIGGER {table}_moved AFTER UPDATE OF exposure, {each.owner_column} ON {table}
            WHEN OLD.exposure <> NEW.exposure OR OLD.{each.owner_column} <> NEW.{each.owner_column}
            BEGIN
              {_counting(each, "OLD", "-")};
              {_counting(each, "NEW", "+")};
            END""",
        f"""CREATE TRIGGER {table}_follows AFTER UPDATE ON {IMAGES}
            WHEN OLD.exposure <> NEW.exposure BEGIN
              UPDATE {table} SET exposure = NEW.exposure WHERE image_id = NEW.id;
            END""",
    ]


def _sqlite_full_text(each: FullText) -> list[str]:
    index = f"{each.table}_fts"
    columns = ", ".join(each.columns)
    new = ", ".join(f"NEW.{column}" for column in each.columns)
    old = ", ".join(f"OLD.{column}" for column in each.columns)
    put = f"INSERT INTO {index} (rowid, {columns}) VALUES (NEW.{each.key}, {new})"
    # How FTS5 is told to forget a row of a table that is not its own.
    take = (
        f"INSERT INTO {index} ({index}, rowid, {columns}) VALUES ('delete', OLD.{each.key}, {old})"
    )
    again = f"{take}; {put}"
    return [
        f"CREATE TRIGGER {each.table}_indexed AFTER INSERT ON {each.table} BEGIN {put}; END",
        f"CREATE TRIGGER {each.table}_unindexed AFTER DELETE ON {each.table} BEGIN {take}; END",
        f"CREATE TRIGGER {each.table}_reindexed AFTER UPDATE ON {each.table} BEGIN {again}; END",
    ]


def _postgresql(each: Membership | FullText) -> list[str]:
    if isinstance(each, FullText):
        return []
    table, owner = each.table, each.owner_column
    return [
        f"""CREATE OR REPLACE FUNCTION {table}_in() RETURNS trigger AS $$ BEGIN
              NEW.exposure := coalesce(
                (SELECT exposure FROM {IMAGES} WHERE id = NEW.image_id), {UNCOUNTED});
              RETURN NEW;
            END $$ LANGUAGE plpgsql""",
        f"""CREATE OR REPLACE FUNCTION {table}_counted() RETURNS trigger AS $$ BEGIN
              {_counting(each, "NEW", "+")};
              RETURN NULL;
            END $$ LANGUAGE plpgsql""",
        f"""CREATE OR REPLACE FUNCTION {table}_out() RETURNS trigger AS $$ BEGIN
              {_counting(each, "OLD", "-")};
              RETURN NULL;
            END $$ LANGUAGE plpgsql""",
        f"""CREATE OR REPLACE FUNCTION {table}_moved() RETURNS trigger AS $$ BEGIN
              {_counting(each, "OLD", "-")};
              {_counting(each, "NEW", "+")};
              RETURN NULL;
            END $$ LANGUAGE plpgsql""",
        f"""CREATE OR REPLACE FUNCTION {table}_follows() RETURNS trigger AS $$ BEGIN
              UPDATE {table} SET exposure = NEW.exposure WHERE image_id = NEW.id;
              RETURN NULL;
            END $$ LANGUAGE plpgsql""",
        f"""CREATE TRIGGER {table}_in BEFORE INSERT ON {table}
            FOR EACH ROW EXECUTE FUNCTION {table}_in()""",
        # Not before: a row that is left out for a conflict counts nothing.
        f"""CREATE TRIGGER {table}_counted AFTER INSERT ON {table}
            FOR EACH ROW EXECUTE FUNCTION {table}_counted()""",
        f"""CREATE TRIGGER {table}_out AFTER DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION {table}_out()""",
        f"""CREATE TRIGGER {table}_moved AFTER UPDATE OF exposure, {owner} ON {table} FOR EACH ROW
            WHEN (OLD.exposure <> NEW.exposure OR OLD.{owner} <> NEW.{owner})
            EXECUTE FUNCTION {table}_moved()""",
        f"""CREATE TRIGGER {table}_follows AFTER UPDATE ON {IMAGES} FOR EACH ROW
            WHEN (OLD.exposure <> NEW.exposure) EXECUTE FUNCTION {table}_follows()""",
    ]


def _anew(connection: BaseDatabaseWrapper, each: Membership | FullText) -> list[str]:
    """What was written while there were no triggers is counted and indexed."""
    if isinstance(each, FullText):
        index = f"{each.table}_fts"
        return (
            [f"INSERT INTO {index} ({index}) VALUES ('rebuild')"]
            if connection.vendor == "sqlite"
            else []
        )
    zeros = ", ".join(f"{count} = 0" for count in COUNTS)
    counted = ", ".join(f"{count} = counted.{count}" for count in COUNTS)
    # In one walk: a count for each owner would search the whole table as often.
    sums = ", ".join(
        f"SUM(CASE WHEN exposure = {value} THEN 1 ELSE 0 END) AS {count}"
        for value, count in enumerate(COUNTS)
    )
    grouped = f"SELECT {each.owner_column} AS owner, {sums} FROM {each.table} GROUP BY 1"
    matched = f"counted.owner = {each.owner_table}.id"
    copied = f"(SELECT exposure FROM {IMAGES} WHERE id = {each.table}.image_id)"
    return [
        f"UPDATE {each.table} SET exposure = {copied} WHERE exposure <> {copied}",
        f"UPDATE {each.owner_table} SET {zeros}",
        f"UPDATE {each.owner_table} SET {counted} FROM ({grouped}) AS counted WHERE {matched}",
    ]
