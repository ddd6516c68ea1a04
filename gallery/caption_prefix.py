"""A trigger word put before the captions that speak for images: new labels, none overwritten.

The new caption is a label by hand that keeps the model, prompt and confidence of the one it was
made of. It is the chosen one: by its source, or because it takes over the pin, with who decided so
and when.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from gallery import search
from gallery.caption_words import with_trigger
from gallery.captions import choose
from gallery.full_text import AllOf
from gallery.label_steps import Effect
from gallery.models import Label
from gallery.selections import Selection


def parts(selection: Selection, size: int) -> Iterator[list[int]]:
    """The ids of the images that may be changed: those with a caption."""
    return selection.parts(size, lambda node: AllOf((node, search.fact("captioned", 1))))


def effects(trigger_word: str, image_ids: Sequence[int], by: Any = None) -> list[Effect]:
    """What becomes of these images; of a caption that says the word already, nothing."""
    captions: dict[int, list[Label]] = defaultdict(list)
    for label in Label.objects.filter(image__in=image_ids, kind=Label.Kind.CAPTION):
        captions[label.image_id].append(label)
    found = []
    for pk in image_ids:
        old = choose(captions[pk])
        if old is None:
            continue
        text = with_trigger(old.text, trigger_word)
        if text != old.text:
            found.append(_effect(old, text, by))
    return found


def _effect(old: Label, text: str, by: Any) -> Effect:
    new = Label(
        image_id=old.image_id,
        kind=Label.Kind.CAPTION,
        text=text,
        source=Label.Source.MANUAL,
        model=old.model,
        prompt_kind=old.prompt_kind,
        prompt_version=old.prompt_version,
        confidence=old.confidence,
        is_pinned=old.is_pinned,
        pinned_by_id=old.pinned_by_id if old.is_pinned else None,
        pinned_at=old.pinned_at if old.is_pinned else None,
        created_by_id=getattr(by, "pk", None),
    )
    return Effect(
        image=old.image_id,
        writes=(new,),
        unpins=(old.pk,) if old.is_pinned else (),
        before=(old.text,),
        after=(text,),
    )
