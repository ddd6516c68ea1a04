"""What every room's API takes in: the base of its bodies, and strict kinds of values.

Texts are :data:`imagineer.texts.Text` or :data:`imagineer.texts.Line`. What comes in a query or a
form is all text, so there numbers and flags are read from text and the strict kinds are not used.
"""

from typing import Annotated

from ninja import Schema
from pydantic import ConfigDict, Field


class In(Schema):
    """Unknown fields are refused: a misspelt one must not pass for a default."""

    model_config = ConfigDict(extra="forbid")


Whole = Annotated[int, Field(strict=True)]
"""A JSON number without a fraction: neither true nor "3"."""
Flag = Annotated[bool, Field(strict=True)]
"""true or false: neither 1 nor "yes"."""
RowId = Annotated[int, Field(strict=True, ge=1, le=2**63 - 1)]
"""What a database column for ids can hold."""
