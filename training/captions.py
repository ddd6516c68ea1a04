"""Which words of an image are trained on, and how they are written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gallery.caption_words import one_line
from gallery.captions import PROMPT, choose
from gallery.models import Label


@dataclass(frozen=True)
class Caption:
    """One line to train on. source: a label's, or PROMPT. label: the id of the label it is of."""

    text: str
    source: str
    label: int | None = None


def caption_of(captions: Iterable[Label], prompt: str = "") -> Caption | None:
    """The caption that counts (:mod:`gallery.captions`), else the prompt of a generated picture."""
    best = choose(captions)
    if best is not None:
        return Caption(one_line(best.text), best.source, best.pk)
    text = one_line(prompt)
    return Caption(text, PROMPT) if text else None


def captions_of(image_ids: Sequence[int]) -> dict[int, list[Label]]:
    """All captions of these images, by the image's id; those without any are not in it."""
    found: dict[int, list[Label]] = {}
    for label in Label.objects.filter(image__in=image_ids, kind=Label.Kind.CAPTION):
        found.setdefault(label.image_id, []).append(label)
    return found
