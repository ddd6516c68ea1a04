"""Captions of many pictures in one file: CSV, and Hugging Face's ``metadata.jsonl``. Pure.

``metadata.jsonl`` is as the ImageFolder loader of Hugging Face's datasets library reads it: one
JSON object a line, ``file_name`` and columns of one's own; ``text`` is the caption by convention.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gallery import foreign_metadata

COLUMNS = ("file_name", "caption", "tags", "rating", "caption_source", "image_id", "sha256")
JSONL = "metadata.jsonl"
RATINGS = ("SAFE", "SUGGESTIVE", "ADULT", "EXPLICIT")
LONGEST_CAPTION = 10_000
LONGEST_TAG = 100
MOST_TAGS = 200
MOST_ROWS = 100_000
_CAPTIONS = ("caption", "text", "description")
_NAMES = ("file_name", "filename", "file", "image")
# A cell that begins so is a formula to spreadsheets.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


class CaptionFileRefused(ValueError):
    """The file cannot be read; the text is the sentence for people."""


@dataclass(frozen=True)
class Row:
    """One picture's words. What is not said is empty, image_id 0.

    name: the picture's file name. source: where the caption came from; it is told, not read.
    """

    name: str = ""
    caption: str = ""
    tags: tuple[str, ...] = ()
    rating: str = ""
    source: str = ""
    image_id: int = 0
    sha256: str = ""


# --- CSV -----------------------------------------------------------------------------------------


def write_csv(rows: Iterable[Row]) -> Iterator[str]:
    """The file in parts, with a header; tags are separated by commas."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for row in rows:
        cells = (row.name, row.caption, ", ".join(row.tags), row.rating, row.source)
        writer.writerow([*map(_guarded, cells), row.image_id, row.sha256])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def read_csv(text: str) -> list[Row]:
    """Raises CaptionFileRefused."""
    # csv refuses cells of more than 128 KB; longer ones are no captions.
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff"), newline=""))
    try:
        names = {name.strip().lower() for name in reader.fieldnames or () if name}
        if not names & {*_CAPTIONS, "tags", "rating"}:
            raise CaptionFileRefused(
                f"The first line names the columns, for example: {','.join(COLUMNS[:4])}."
            )
        found = []
        for cells in reader:
            plain = {
                (name or "").strip().lower(): _unguarded(value)
                for name, value in cells.items()
                if isinstance(value, str)
            }
            found.append(_row(plain, reader.line_num))
            _check_count(found)
    except csv.Error as error:
        raise CaptionFileRefused(f"Line {reader.line_num} is no CSV: {error}.") from None
    return found


def _guarded(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _unguarded(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_FORMULA) else cell


# --- metadata.jsonl ------------------------------------------------------------------------------


def write_jsonl(rows: Iterable[Row]) -> Iterator[str]:
    """One line for each row."""
    for row in rows:
        told: dict[str, Any] = {"file_name": row.name, "text": row.caption}
        told |= {"tags": list(row.tags), "rating": row.rating, "caption_source": row.source}
        told |= {"image_id": row.image_id, "sha256": row.sha256}
        yield json.dumps(told, ensure_ascii=False) + "\n"


def read_jsonl(text: str) -> list[Row]:
    """Raises CaptionFileRefused. Lines without anything in them are passed over."""
    found = []
    # Not splitlines(), which also ends lines where JSON's texts may go on (U+2028).
    for number, line in enumerate(text.lstrip("\ufeff").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            told = foreign_metadata.load(line)
        except (ValueError, RecursionError):
            raise CaptionFileRefused(f"Line {number} is not JSON.") from None
        if not isinstance(told, dict):
            raise CaptionFileRefused(f"Line {number} is not a JSON object.")
        found.append(_row(told, number))
        _check_count(found)
    return found


# --- What both say -------------------------------------------------------------------------------


def _row(told: Mapping[str, Any], line: int) -> Row:
    rating = _text(told, ("rating",)).upper()
    if rating not in ("", "UNRATED", *RATINGS):
        raise CaptionFileRefused(
            f"Line {line} has the rating “{rating[:40]}”; it is one of {', '.join(RATINGS)}."
        )
    caption = " ".join(_text(told, _CAPTIONS).split())
    if len(caption) > LONGEST_CAPTION:
        raise CaptionFileRefused(
            f"The caption in line {line} has more than {LONGEST_CAPTION} characters."
        )
    return Row(
        name=_text(told, _NAMES),
        caption=caption,
        tags=_tags(told.get("tags")),
        rating="" if rating == "UNRATED" else rating,
        image_id=_number(told.get("image_id")),
        sha256=_text(told, ("sha256",)).lower(),
    )


def _text(told: Mapping[str, Any], names: Iterable[str]) -> str:
    values = (told.get(name) for name in names)
    texts = (value.replace("\x00", "").strip() for value in values if isinstance(value, str))
    return next((text for text in texts if text), "")


def _tags(value: Any) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list):
        return ()
    texts = (" ".join(part.replace("\x00", "").split()) for part in parts if isinstance(part, str))
    tags = dict.fromkeys(text for text in texts if 0 < len(text) <= LONGEST_TAG)
    return tuple(tags)[:MOST_TAGS]


def _number(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    return value if isinstance(value, int) and 0 < value < 2**63 else 0


def _check_count(found: list[Row]) -> None:
    if len(found) > MOST_ROWS:
        raise CaptionFileRefused(f"The file has more than {MOST_ROWS} rows; split it.")
