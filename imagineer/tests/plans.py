"""How the database reads what queries ask for, as it says itself: along an index or through it all.

SQLite, without statistics, which nothing here gathers, plans by the indices alone: a few rows are
planned as twenty thousand are. PostgreSQL is asked for the plan that it has when it may neither
read a table through nor sort.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connection

# As many rows as there are people, what they wrote and what they trained.
SMALL = re.compile(
    r"\b(auth_|account|socialaccount_|django_|labeling_prompt|scraping_source|generation_(batchtemplate|modelversion)|"
    r"training_(trainingrun|checkpoint))"
)


def reading(queries: Iterable[Mapping[str, Any]]) -> list[str]:
    """The SQL of those captured queries that read."""
    return [query["sql"] for query in queries if query["sql"].startswith("SELECT")]


def plan(sql: str) -> list[str]:
    """The steps of a query's plan."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            return [step[3] for step in cursor.fetchall()]
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        cursor.execute(f"EXPLAIN {sql}")
        found = [line for (line,) in cursor.fetchall()]
        cursor.execute("RESET enable_seqscan; RESET enable_sort")
        return found


def faults(sql: str) -> list[str]:
    """The steps of its plan that look at all rows of a large table, or sort them."""
    found = plan(sql)
    walked = [step for step in found if is_walked(step)]
    # In the order of its rows a table is walked without an index, and no further than a page.
    if " WHERE " not in sql and re.search(r'\."id" DESC( LIMIT \d+)?$', sql):
        walked = []
    return walked + [step for step in found if _is_sorted(step) and not _is_of_one_page(sql)]


def is_walked(step: str) -> bool:
    """Whether a step reads all rows of a large table."""
    if connection.vendor == "sqlite":
        # "M" is FTS5's own index, asked for what matches; the names are those of capped queries.
        capped = re.fullmatch(r"SCAN (CONSTANT ROW|subquery|counted|found\d+|newer|older)", step)
        along = " USING " in step or re.search(r" VIRTUAL TABLE INDEX \d+:M", step)
        return step.startswith("SCAN") and not along and not capped
    return "Seq Scan on" in step and SMALL.search(step) is None


def _is_sorted(step: str) -> bool:
    if connection.vendor == "sqlite":
        return "TEMP B-TREE" in step
    return re.search(r"(^|-> +)Sort ", step) is not None


def _is_of_one_page(sql: str) -> bool:
    """Whether it reads one row, what belongs to rows known by then, or jobs that have not ended."""
    known = r""" IN \(('|\d)|"image_id" = \d|"status" = '(queued|running)'"""
    return re.search(known, sql) is not None or sql.endswith(" LIMIT 1")
