"""Prompts of a batch: a table of rows, and how a row becomes the text that is drawn.

Pure functions. A prompt is the non-empty parts among base prompt, the filled template, the user's
theme and the style suffix, joined by commas.
"""

import csv
import io
import string
from collections.abc import Mapping, Sequence

MAX_PROMPT = 2000
"""Longest prompt in characters."""
MAX_ROWS = 500
"""Most rows of one batch template."""
NAME = "name"
"""The column that every table must have."""

Row = dict[str, str]


def template_columns(prompt_template: str) -> list[str]:
    """The columns a template uses, in order of first use.

    Only plain `{column}` is allowed: attributes, indexes, conversions and format codes would let a
    template look into objects or fill the memory with padding.
    """
    try:
        parts = list(string.Formatter().parse(prompt_template))
    except ValueError as error:
        raise ValueError(f"The prompt template is not valid: {error}.") from error
    columns: list[str] = []
    for _, field, code, conversion in parts:
        if field is None:
            continue
        if not field.isidentifier():
            raise ValueError(
                f"The prompt template may only use column names in braces, not {{{field}}}."
            )
        if code or conversion:
            raise ValueError(f"The prompt template must not format {{{field}}}.")
        if field not in columns:
            columns.append(field)
    return columns


def expand_prompt(
    base_prompt: str,
    prompt_template: str,
    row: Mapping[str, str],
    theme: str,
    style_suffix: str,
) -> str:
    """The final prompt of one row; ValueError says in one sentence what is wrong."""
    missing = [column for column in template_columns(prompt_template) if column not in row]
    if missing:
        raise ValueError(f"The prompt template uses {{{missing[0]}}}, but there is no such column.")
    filled = prompt_template.format(**row)
    parts = (part.strip().strip(",").strip() for part in (base_prompt, filled, theme, style_suffix))
    prompt = ", ".join(part for part in parts if part)
    if not prompt:
        raise ValueError("The prompt is empty.")
    if len(prompt) > MAX_PROMPT:
        label = row.get(NAME, "a row")
        raise ValueError(
            f"The prompt of {label} has {len(prompt)} characters; {MAX_PROMPT} are allowed."
        )
    return prompt


def parse_rows(text: str, max_rows: int = MAX_ROWS) -> list[Row]:
    """Rows of a CSV text with a header line; every row has the same columns, values are trimmed.

    ValueError names the first thing that is wrong, with the line it is on.
    """
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise ValueError("The table is empty.")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = _header(next(reader))
        rows = [_row(header, cells, reader.line_num) for cells in reader if any(cells)]
    except csv.Error as error:
        raise ValueError(f"Line {reader.line_num} is not valid CSV: {error}.") from error
    if not rows:
        raise ValueError("The table has a header but no rows.")
    if len(rows) > max_rows:
        raise ValueError(f"The table has {len(rows)} rows; {max_rows} are allowed.")
    _check_names(rows)
    return rows


def check_template(
    rows: Sequence[Mapping[str, str]],
    prompt_template: str,
    base_prompt: str = "",
    theme: str = "",
    style_suffix: str = "",
) -> None:
    """Raise ValueError unless every row makes a prompt with this template."""
    for row in rows:
        expand_prompt(base_prompt, prompt_template, row, theme, style_suffix)


def _header(cells: Sequence[str]) -> list[str]:
    header = [cell.strip() for cell in cells]
    if NAME not in header:
        raise ValueError(f"The table needs a column called {NAME}.")
    for column in header:
        if not column.isidentifier():
            raise ValueError(f"The column {column!r} needs a name of letters, digits and _.")
    repeated = {column for column in header if header.count(column) > 1}
    if repeated:
        raise ValueError(f"The column {sorted(repeated)[0]} appears twice.")
    return header


def _row(header: Sequence[str], cells: Sequence[str], line: int) -> Row:
    if len(cells) != len(header):
        raise ValueError(f"Line {line} has {len(cells)} values for {len(header)} columns.")
    row = {column: cell.strip() for column, cell in zip(header, cells, strict=True)}
    if not row[NAME]:
        raise ValueError(f"Line {line} has no {NAME}.")
    return row


def _check_names(rows: Sequence[Row]) -> None:
    seen: set[str] = set()
    for row in rows:
        key = row[NAME].casefold()
        if key in seen:
            raise ValueError(f"The name {row[NAME]} appears twice.")
        seen.add(key)
