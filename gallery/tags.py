"""The one spelling of a tag: in labels, searches and addresses alike. Pure."""

import re
import unicodedata

MAX_LENGTH = 100
# A slash would end a tag in its page's address; a comma ends one in captions and in searches.
_SPACES = re.compile(r"[\s\x00_,/\\]+")
_ENDS = " .;:#\"'"


def normalised(text: str) -> str:
    """ "Red_Fox, " → "red fox"; empty if nothing is left. Of what it gives it makes the same."""
    # Folding case takes letters apart that the composed form holds together.
    plain = unicodedata.normalize("NFD", text).casefold()
    plain = _SPACES.sub(" ", unicodedata.normalize("NFC", plain))
    return plain.strip(_ENDS)[:MAX_LENGTH].strip(_ENDS)
