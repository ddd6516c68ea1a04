"""The words of a caption: on one line, and with a trigger word in front. Pure."""

import re


def one_line(text: str) -> str:
    """The text with every run of white space made one space."""
    return " ".join(text.split())


def with_trigger(caption: str, trigger_word: str) -> str:
    """The caption with the trigger word in front, unless it says it already (in any case)."""
    trigger = one_line(trigger_word)
    if not trigger:
        return caption
    said = rf"(?<!\w){re.escape(trigger)}(?!\w)"
    if re.search(said, caption, re.IGNORECASE):
        return caption
    return f"{trigger}, {caption}" if caption else trigger
