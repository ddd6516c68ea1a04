"""One question to the full-text index, in the words of SQLite's FTS5 and of PostgreSQL."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models.expressions import RawSQL

# Columns of gallery_searchdocument → weights of its tsvector.
WEIGHTS = {"words": "A", "veiled_words": "B", "facts": "C"}


@dataclass(frozen=True)
class Phrase:
    """Tokens that stand beside each other in one of the columns."""

    tokens: tuple[str, ...]
    columns: tuple[str, ...]
    any_ending: bool = False


@dataclass(frozen=True)
class AnyOf:
    parts: tuple["Node", ...]


@dataclass(frozen=True)
class AllOf:
    """At least one part; none of ``but_not``."""

    parts: tuple["Node", ...]
    but_not: tuple["Node", ...] = ()


Node = Phrase | AnyOf | AllOf


def fts5(node: Node) -> str:
    """The MATCH expression. Tokens hold no quotes, so that they stand in some."""
    if isinstance(node, Phrase):
        star = " *" if node.any_ending else ""
        return f'{{{" ".join(node.columns)}}} : "{" ".join(node.tokens)}"{star}'
    if isinstance(node, AnyOf):
        return f"({' OR '.join(fts5(part) for part in node.parts)})"
    wanted = " AND ".join(f"({fts5(part)})" for part in node.parts)
    if not node.but_not:
        return f"({wanted})"
    return f"(({wanted}) NOT ({' OR '.join(f'({fts5(part)})' for part in node.but_not)}))"


def tsquery(node: Node) -> str:
    """The ``tsquery`` literal."""
    if isinstance(node, Phrase):
        weights = "".join(WEIGHTS[column] for column in node.columns)
        last = len(node.tokens) - 1
        return " <-> ".join(
            f"'{token}':{'*' if node.any_ending and place == last else ''}{weights}"
            for place, token in enumerate(node.tokens)
        )
    if isinstance(node, AnyOf):
        return f"({' | '.join(f'({tsquery(part)})' for part in node.parts)})"
    parts = [f"({tsquery(part)})" for part in node.parts]
    return " & ".join([*parts, *(f"!({tsquery(part)})" for part in node.but_not)])


def image_ids(node: Node, limit: int, before: int | None = None) -> list[int]:
    """The newest images that match, newest first. before: those with smaller ids alone."""
    sql, params = _newest(node, "<", before, "DESC", limit)
    return _column(sql, params)


def images_in(node: Node, limit: int) -> RawSQL:
    """The same for ``pk__in`` of a queryset, where there may be more than a query takes values."""
    sql, params = _newest(node, "<", None, "DESC", limit)
    return RawSQL(sql, params)  # noqa: S611


def oldest_image_ids(node: Node, limit: int, after: int | None = None) -> list[int]:
    """The oldest images that match, oldest first. after: those with larger ids alone."""
    sql, params = _newest(node, ">", after, "ASC", limit)
    return _column(sql, params)


def count(node: Node, at_most: int, operator: str = "<", bound: int | None = None) -> int:
    """How many images match, counted no further than at_most. bound: those beside an id alone."""
    if operator not in ("<", ">"):
        raise ValueError(f"{operator!r} is neither < nor >.")
    sql, params = _newest(node, operator, bound, "ASC", at_most)
    return _column(f"SELECT COUNT(*) FROM ({sql}) AS subquery", params)[0]  # noqa: S608


def neighbours(node: Node, pk: int) -> tuple[int | None, int | None]:
    """The matching images on either side of an id: (newer, older). One query."""
    newer, params = _newest(node, ">", pk, "ASC", 1)
    older, more = _newest(node, "<", pk, "DESC", 1)
    found = _column(
        f"SELECT * FROM ({newer}) AS subquery "  # noqa: S608
        f"UNION ALL SELECT * FROM ({older}) AS subquery",
        [*params, *more],
    )
    return (
        next((other for other in found if other > pk), None),
        next((other for other in found if other < pk), None),
    )


def _newest(
    node: Node,
    operator: str,
    bound: int | None,
    order: str,
    limit: int,
    table: str = "gallery_searchdocument",
    key: str = "image_id",
) -> tuple[str, list[Any]]:
    """Walks the index in the order of ids and stops at the limit: no match is sorted or counted."""
    if connection.vendor == "postgresql":
        matches, text = "vector @@ %s::tsquery", tsquery(node)
    else:
        table, key = f"{table}_fts", "rowid"
        matches, text = f"{table} MATCH %s", fts5(node)
    bounded = "" if bound is None else f" AND {key} {operator} %s"
    params: list[Any] = [text, *([] if bound is None else [bound]), limit]
    return (
        f"SELECT {key} FROM {table} WHERE {matches}{bounded} ORDER BY {key} {order} LIMIT %s",  # noqa: S608
        params,
    )


def names(asked: Iterable[Node], limit: int) -> list[tuple[str, int, str]]:
    """The newest names that match any of the questions: (key, owner id, words).

    limit: for each of the questions, so that a frequent word leaves room for a rare one.
    """
    parts: list[str] = []
    params: list[Any] = []
    for node in asked:
        sql, own = _newest(node, "<", None, "DESC", limit, "gallery_searchname", "id")
        parts.append(f"SELECT * FROM ({sql}) AS found{len(parts)}")  # noqa: S608
        params += own
    if not parts:
        return []
    found = " UNION ALL ".join(parts)
    sql = f"SELECT key, owner_id, words FROM gallery_searchname WHERE id IN ({found})"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [(key, owner, words) for key, owner, words in cursor]


def _column(sql: str, params: Sequence[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [row[0] for row in cursor]
