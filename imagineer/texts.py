"""Text from outside: which characters it may hold, said once for schemas, forms and models.

Refused are control characters (Unicode's Cc) but line feed and tab, and lone surrogates (Cs): a
database or a file refuses them later, without a field to name. All else is language: no-break
and thin spaces, the joiners inside emoji and Persian words.
"""

import re
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

CONTROL = "This text holds control characters, such as NUL; remove them."
NOT_A_LINE = "Write a single line, without characters that turn its direction."
_REFUSED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# A name must not turn the words around it, as U+202E does.
_BREAKS = re.compile("[\t\n\u2028-\u202e\u2066-\u2069]")


def unified(text: str) -> str:
    """The text with every end of a line, as browsers and old files write it, a line feed."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def has_control(text: str) -> bool:
    """Whether a text holds what is refused. A carriage return counts; see :func:`unified`."""
    return _REFUSED.search(text) is not None


def is_line(text: str) -> bool:
    """Whether a text holds nothing that is refused, no break, and nothing that turns it."""
    return not has_control(text) and _BREAKS.search(text) is None


def _text(text: str) -> str:
    text = unified(text)
    if has_control(text):
        raise PydanticCustomError("text", CONTROL)
    return text


def _line(text: str) -> str:
    text = _text(text)
    if not is_line(text):
        raise PydanticCustomError("line", NOT_A_LINE)
    return text


TEXT = AfterValidator(_text)
LINE = AfterValidator(_line)
"""For an Annotated type with constraints, which stand before it."""
Text = Annotated[str, TEXT]
"""Every text that an API takes in, in a body or a query."""
Line = Annotated[str, LINE]
"""The same on one line, for names."""
