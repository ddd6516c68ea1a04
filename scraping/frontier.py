"""What a target still has to fetch, in a file that outlives a kill at any moment.

Scrapy's own disk queues write their size when they are closed, so a killed process loses them.
Here every request is a row of a SQLite file, and what one request led to (further requests, what
became of pictures, what the spider remembers) is committed together with its being done: after a
kill the crawl goes on with the requests that were on their way, and with no other one twice.

Knows SQLite alone: requests are texts, addresses and words are strings.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FILE = "frontier.sqlite"
_WAITING, _ON_ITS_WAY, _DONE = 0, 1, 2
# Seconds that a killed process may still hold the file.
_PATIENCE = 20.0

_TABLES = """
CREATE TABLE IF NOT EXISTS request (
    id INTEGER PRIMARY KEY, priority INTEGER NOT NULL, is_page INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0, data TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS request_next ON request (is_page, priority DESC, id) WHERE state = 0;
CREATE TABLE IF NOT EXISTS seen (fingerprint BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outcome (
    address TEXT PRIMARY KEY, request INTEGER NOT NULL, refusal TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS word (kind TEXT, word TEXT, PRIMARY KEY (kind, word)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS value (name TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Entry:
    """A request that waits. fingerprint: None for one that is kept though it was asked before.

    Higher priorities come first, then those that were added first. is_page: not a picture.
    """

    data: str
    priority: int = 0
    is_page: bool = True
    fingerprint: bytes | None = None


@dataclass
class Outcome:
    """What a request led to, to be committed as a whole.

    pictures: addresses whose files lie in the spool. refusals: address → what is told of it.
    words: by kind, what the spider has come to know. values: by name, as JSON; what is missing
    stays as it was.
    """

    entries: list[Entry] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)
    refusals: dict[str, dict[str, Any]] = field(default_factory=dict)
    words: dict[str, list[str]] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)


class Frontier:
    """The file of one target, open in one process. was_there: whether there was one before."""

    def __init__(self, path: Path) -> None:
        self.was_there = path.exists()
        try:
            self._db = _opened(path)
        except sqlite3.DatabaseError:
            # A file system that failed: better to begin anew than not at all.
            for part in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
                part.unlink(missing_ok=True)
            self.was_there = False
            self._db = _opened(path)
        self._values = {
            name: json.loads(text) for name, text in self._db.execute("SELECT * FROM value")
        }
        self._db.execute("UPDATE request SET state = 0 WHERE state = 1")
        self._count()

    def _count(self) -> None:
        found = dict(
            self._db.execute(
                "SELECT is_page, count(*) FROM request WHERE state = 0 GROUP BY is_page"
            ).fetchall()
        )
        self.waiting_pages: int = found.get(1, 0)
        self.waiting_pictures: int = found.get(0, 0)

    def close(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        self._db.close()

    # --- Requests -------------------------------------------------------------------------------

    def add(self, entry: Entry) -> bool:
        """Keep it, committed; False if one of its fingerprint is known."""
        self._begin()
        added = self._add(entry)
        self._db.execute("COMMIT")
        return added

    def _add(self, entry: Entry) -> bool:
        if entry.fingerprint is not None and not self._is_new(entry.fingerprint):
            return False
        self._db.execute(
            "INSERT INTO request (priority, is_page, data) VALUES (?, ?, ?)",
            (entry.priority, int(entry.is_page), entry.data),
        )
        self._waits(entry.is_page, 1)
        return True

    def _is_new(self, fingerprint: bytes) -> bool:
        done = self._db.execute("INSERT OR IGNORE INTO seen VALUES (?)", (fingerprint,))
        return done.rowcount > 0

    def again(self, request: int, entry: Entry) -> bool:
        """The same request, to be sent once more or elsewhere; False (it is done) if that is known.

        Its place in the order is kept, but for the priority.
        """
        self._begin()
        is_new = entry.fingerprint is None or self._is_new(entry.fingerprint)
        if is_new:
            self._db.execute(
                "UPDATE request SET state = 0, priority = ?, data = ? WHERE id = ?",
                (entry.priority, entry.data, request),
            )
            self._waits(entry.is_page, 1)
        else:
            self._db.execute("UPDATE request SET state = 2, data = '' WHERE id = ?", (request,))
        self._db.execute("COMMIT")
        return is_new

    def next(self, with_pages: bool = True) -> tuple[int, bool, str] | None:
        """(number, is it a page, data) of the request that comes next, which is on its way now."""
        kinds = (0, 1) if with_pages else (0,)
        first = [row for kind in kinds if (row := self._first(kind)) is not None]
        if not first:
            return None
        _, request, is_page = min(first)
        self._begin()
        # Not committed: after a kill it waits again.
        self._db.execute("UPDATE request SET state = 1 WHERE id = ?", (request,))
        self._waits(bool(is_page), -1)
        data = self._db.execute("SELECT data FROM request WHERE id = ?", (request,)).fetchone()[0]
        return request, bool(is_page), data

    def _first(self, is_page: int) -> tuple[int, int, int] | None:
        row = self._db.execute(
            "SELECT -priority, id, is_page FROM request WHERE state = 0 AND is_page = ?"
            " ORDER BY priority DESC, id LIMIT 1",
            (is_page,),
        ).fetchone()
        return None if row is None else (row[0], row[1], row[2])

    def done(self, request: int, outcome: Outcome) -> None:
        """The request has come to its end; commit that with all that it led to."""
        self._begin()
        for entry in outcome.entries:
            self._add(entry)
        told: list[tuple[str, int, str | None]] = [
            (address, request, None) for address in outcome.pictures
        ]
        told += [
            (address, request, json.dumps(event)) for address, event in outcome.refusals.items()
        ]
        self._db.executemany("INSERT OR REPLACE INTO outcome VALUES (?, ?, ?)", told)
        for kind, words in outcome.words.items():
            rows = [(kind, word) for word in words]
            self._db.executemany("INSERT OR IGNORE INTO word VALUES (?, ?)", rows)
        self._keep(outcome.values)
        # What a picture's request was is needed again if its file is lost.
        data = "data" if outcome.pictures else "''"
        self._db.execute(f"UPDATE request SET state = 2, data = {data} WHERE id = ?", (request,))  # noqa: S608
        self._db.execute("COMMIT")

    def _keep(self, values: Mapping[str, Any]) -> None:
        changed = {name: value for name, value in values.items() if self._values.get(name) != value}
        self._values |= changed
        self._db.executemany(
            "INSERT OR REPLACE INTO value VALUES (?, ?)",
            [(name, json.dumps(value)) for name, value in changed.items()],
        )

    def _waits(self, is_page: bool, by: int) -> None:
        if is_page:
            self.waiting_pages += by
        else:
            self.waiting_pictures += by

    def _begin(self) -> None:
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")

    # --- After a kill ---------------------------------------------------------------------------

    def unsettled(self, settled: Collection[str]) -> list[dict[str, Any]]:
        """Refusals that nobody has written down yet, to be told again.

        settled: addresses of pictures that are taken or refused for good. Pictures that are not
        among them and whose files are lost wait again.
        """
        rows = self._db.execute("SELECT address, request, refusal FROM outcome").fetchall()
        open_ = [row for row in rows if row[0] not in settled]
        lost = [(request,) for _, request, refusal in open_ if refusal is None]
        self._begin()
        self._db.executemany("UPDATE request SET state = 0 WHERE id = ?", lost)
        self._db.executemany(
            "DELETE FROM outcome WHERE address = ?",
            [(row[0],) for row in rows if row[2] is None or row[0] in settled],
        )
        self._db.execute("COMMIT")
        self._count()
        return [json.loads(refusal) for _, _, refusal in open_ if refusal is not None]

    def words(self, kind: str) -> Iterable[str]:
        for (word,) in self._db.execute("SELECT word FROM word WHERE kind = ?", (kind,)):
            yield word

    @property
    def values(self) -> dict[str, Any]:
        """What was last committed, by name."""
        return dict(self._values)


def values_in(folder: Path) -> dict[str, Any]:
    """The values of the frontier in a folder; none if there is no frontier that can be read."""
    path = folder / FILE
    if not path.exists():
        return {}
    try:
        frontier = Frontier(path)
    except sqlite3.DatabaseError:
        return {}
    values = frontier.values
    frontier.close()
    return values


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.executescript(_TABLES)
    return connection
