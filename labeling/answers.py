"""What a labeler says about a picture: its shape as a JSON schema, and the reading of an answer."""

import json
import math
from dataclasses import dataclass
from typing import Any

from gallery.tags import MAX_LENGTH, normalised

RATINGS = ("SAFE", "SUGGESTIVE", "ADULT", "EXPLICIT")
FEWEST_TAGS = 5
MOST_TAGS = 10
LONGEST_CAPTION = 4000

# Structured outputs know no numeric or length limits (a schema with them is refused), so the
# limits stand in the descriptions and are held by read_answer().
ANSWER_SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {
        "caption": {
            "type": "string",
            "description": "The caption that the instructions ask for, in English.",
        },
        "rating": {
            "type": "string",
            "enum": list(RATINGS),
            "description": (
                "SAFE: fit for everybody. SUGGESTIVE: revealing clothes or sexual mood, no nudity. "
                "ADULT: nudity or strong violence. EXPLICIT: sexual acts or gore."
            ),
        },
        "tags": {
            "type": "array",
            "items": {"type": "string"},
            "description": (
                f"{FEWEST_TAGS} to {MOST_TAGS} different tags of one to three lower-case words, "
                "the most telling first."
            ),
        },
        "confidence": {
            "type": "number",
            "description": "How sure you are of caption and rating, from 0 to 1.",
        },
    },
    "required": ["caption", "rating", "tags", "confidence"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Answer:
    """rating: one of RATINGS. tags: distinct, as gallery.tags spells them. confidence: 0..1."""

    caption: str
    rating: str
    tags: tuple[str, ...]
    confidence: float


class InvalidAnswer(ValueError):
    """The text is not an answer of the agreed shape; the message says in what."""


def read_answer(text: str, fewest_tags: int = FEWEST_TAGS) -> Answer:
    """The answer in a JSON text. Raises InvalidAnswer.

    Tags over MOST_TAGS are dropped: the most telling come first.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidAnswer("the answer is not JSON, or ends in the middle") from None
    if not isinstance(data, dict):
        raise InvalidAnswer("the answer is not a JSON object")
    tags = _tags(data.get("tags"))
    if len(tags) < fewest_tags:
        raise InvalidAnswer(f"it gives {len(tags)} tags where {FEWEST_TAGS} were asked for")
    return Answer(
        caption=_caption(data.get("caption")),
        rating=_rating(data.get("rating")),
        tags=tags[:MOST_TAGS],
        confidence=_confidence(data.get("confidence")),
    )


def _caption(value: Any) -> str:
    caption = " ".join(value.replace("\x00", " ").split()) if isinstance(value, str) else ""
    if not caption:
        raise InvalidAnswer("it has no caption")
    if len(caption) > LONGEST_CAPTION:
        raise InvalidAnswer(f"its caption is longer than {LONGEST_CAPTION} characters")
    return caption


def _rating(value: Any) -> str:
    rating = value.strip().upper() if isinstance(value, str) else ""
    if rating not in RATINGS:
        raise InvalidAnswer(f"its rating {str(value)[:40]!r} is none of {', '.join(RATINGS)}")
    return rating


def _tags(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise InvalidAnswer("its tags are not a list of texts")
    tags = (normalised(tag) for tag in value if len(tag) <= MAX_LENGTH)
    return tuple(dict.fromkeys(tag for tag in tags if tag))


def _confidence(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidAnswer("its confidence is not a number")
    if not (math.isfinite(value) and 0 <= value <= 1):
        raise InvalidAnswer(f"its confidence {value} is not between 0 and 1")
    return float(value)
