"""What admins took off images: their word stands against every label, however often it is said."""

from collections.abc import Iterable
from typing import Any

from gallery import tag_names
from gallery.image_tags import TAG_KINDS
from gallery.models import Label, Tag
from gallery.tag_models import RejectedTag, TagAlias
from gallery.tags import normalised


def reject(image_ids: Iterable[int], text: str, rejected_by: Any = None) -> int:
    """Take a tag off images, whatever their labels say; of how many it was not off yet.

    The caller writes the images' tags anew (gallery.image_index) in the same transaction.
    """
    name = tag_names.meaning(normalised(text))
    if not name:
        return 0
    tag = tag_names.rows([name])[name]
    wanted = set(image_ids)
    off = RejectedTag.objects.filter(image__in=wanted, tag=tag).values_list("image_id", flat=True)
    fresh = sorted(wanted - set(off))
    RejectedTag.objects.bulk_create(
        (
            RejectedTag(image_id=pk, tag=tag, rejected_by_id=getattr(rejected_by, "pk", None))
            for pk in fresh
        ),
        ignore_conflicts=True,
    )
    return len(fresh)


def accept(image_ids: Iterable[int], text: str) -> int:
    """Let a tag that was taken off stand again where labels say it; of how many it was off."""
    name = tag_names.meaning(normalised(text))
    spelled = {name, *TagAlias.objects.filter(tag__name=name).values_list("name", flat=True)}
    tags = Tag.objects.filter(name__in=spelled).values_list("pk", flat=True)
    lifted = RejectedTag.objects.filter(image__in=list(image_ids), tag__in=list(tags))
    return lifted.delete()[0]


def is_said_by_hand(image_id: int, text: str) -> bool:
    """Whether a person's label says the same tag of the image, in whatever words."""
    by_hand = Label.objects.filter(
        image=image_id, kind__in=TAG_KINDS, source=Label.Source.MANUAL
    ).values_list("text", flat=True)
    wanted, *said = (normalised(word) for word in (text, *by_hand))
    rules = tag_names.rules_for([wanted, *said])
    return rules.meaning(wanted) in rules.meant(said)
