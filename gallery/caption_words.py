"""The words of a caption: on one line, and with a trigger word in front. Pure."""

import re

# Characters of a trigger word.
LONGEST_TRIGGER = 100


def one_line(text: str) -> str:
    """The text with every run of white space made one space."""
    return " ".join(text.split())


def with_trigger(caption: str, trigger_word: str) -> str:
    """The caption with the trigger word in front, unless it says it already.

    It says it as words of their own in any place and in any case: "a king in zkdeck style" does,
    "zkdecks" does not. Without a trigger word the caption is returned as it is.
    """
    trigger = one_line(trigger_word)
    if not trigger:
        return caption
    said = rf"(?<!\w){re.escape(trigger)}(?!\w)"
    if re.search(said, caption, re.IGNORECASE):
        return caption
    return f"{trigger}, {caption}" if caption else trigger
