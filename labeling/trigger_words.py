"""A caption that begins with the trigger word exactly once. Pure."""

import re

LONGEST = 100


def with_trigger(caption: str, trigger_word: str) -> str:
    """The caption with the word in front, unless it begins with it in any case.

    One that begins with it several times over keeps one; where it stands later in the caption it
    is part of what is said and stays. Without a trigger word the caption is returned as it is.
    """
    if not trigger_word:
        return caption
    again = rf"{re.escape(trigger_word)}(?!\w)"
    said = re.match(rf"(?:{again}[\s,.:;]*)*({again})", caption, re.IGNORECASE)
    if said:
        return trigger_word + caption[said.end() :]
    return f"{trigger_word}, {caption}" if caption else trigger_word
