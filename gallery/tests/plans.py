"""How SQLite reads what queries ask for, as it says itself."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connection


def plans_of(queries: Iterable[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """(SQL, steps of its plan) of every reading query among captured ones."""
    found = []
    for query in queries:
        if query["sql"].startswith("SELECT"):
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
                found.append((query["sql"], [step[3] for step in cursor.fetchall()]))
    return found


def is_walked(step: str) -> bool:
    """Whether a step reads a whole table."""
    # "M" is FTS5's own index, asked for what matches.
    along = " USING " in step or re.search(r" VIRTUAL TABLE INDEX \d+:M", step)
    return step.startswith("SCAN") and not along and step != "SCAN CONSTANT ROW"
