"""A caption from words that came with a picture: those of its web page, else its prompt. Pure."""

import re

from labeling.answers import LONGEST_CAPTION
from labeling.labeler import Found

PAGE = "page"
PROMPT = "prompt"
# How it is said where captions are listed.
COPIED = {PAGE: "from its web page", PROMPT: "from its prompt"}

_FILE_NAME = re.compile(r"\S+\.(?:jpe?g|png|gif|webp|bmp|svg|tiff?)", re.IGNORECASE)
# <lora:name:0.8> and its like name models and weights.
_TAG = re.compile(r"<[^<>:\s]{1,20}:[^<>]*>")
_WEIGHT = re.compile(r":\s*-?\d*\.?\d+\s*(?=[)\]}])")
_BRACKETS = re.compile(r"\\([()\[\]{}])|[()\[\]{}]")
_COMMAS = re.compile(r"(?:\s*,)+\s*")


def copied_caption(found: Found) -> tuple[str, str]:
    """(caption, PAGE or PROMPT), both empty where nothing was found.

    The closest words of the page that say something: no bare file name, and at least one letter.
    """
    for text in found.page_texts:
        words = _one_line(text)
        if any(letter.isalpha() for letter in words) and not _FILE_NAME.fullmatch(words):
            return words[:LONGEST_CAPTION].rstrip(), PAGE
    words = plain_prompt(found.prompt)
    return (words, PROMPT) if words else ("", "")


def plain_prompt(prompt: str) -> str:
    """The prompt without what is meant for the model that draws: LoRA tags, weights, BREAK."""
    text = _TAG.sub(" ", prompt)
    text = _WEIGHT.sub("", text)
    text = _BRACKETS.sub(lambda bracket: bracket[1] or "", text)
    text = re.sub(r"\bBREAK\b", ", ", text)
    text = _COMMAS.sub(", ", _one_line(text)).strip(" ,")
    return text[:LONGEST_CAPTION].rstrip(" ,")


def _one_line(text: str) -> str:
    return " ".join(text.replace("\x00", " ").split())
