"""No word that was said of an image is lost: what labels said before stays, and can come back.

Whoever gives a label other words or takes it away calls :func:`keep` first, in the same
transaction (gallery.labels does).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from gallery import image_index, rejected_tags
from gallery.captions import ranked
from gallery.image_tags import TAG_KINDS
from gallery.models import FormerLabel, Image, Label

# What is known of words, besides the words: both tables have these columns.
FACTS = (
    "kind", "text", "source", "model", "prompt_kind", "prompt_version", "prompt_options",
    "confidence",    "created_by_id", "created_at",
)  # fmt: skip
Ending = FormerLabel.Ending


@dataclass(frozen=True)
class Told:
    """One thing that was said of an image. said: the label, or what it was before.

    is_chosen: it is what counts; former: it is kept in the history alone.
    """

    said: Label | FormerLabel
    is_chosen: bool = False

    @property
    def former(self) -> FormerLabel | None:
        return self.said if isinstance(self.said, FormerLabel) else None

    @property
    def is_pinned(self) -> bool:
        return isinstance(self.said, Label) and self.said.is_pinned


def keep(label: Label, ending: Ending, ended_by: Any = None) -> FormerLabel:
    """Write down what the label says in the database now, before that ends."""
    said = Label.objects.values("image_id", *FACTS).get(pk=label.pk)
    return FormerLabel.objects.create(
        **said,
        label_id=label.pk if ending == Ending.REWORDED else None,
        ending=ending,
        ended_by=person(ended_by),
    )


def restore(former: FormerLabel, restored_by: Any = None) -> tuple[Label, FormerLabel | None]:
    """Make the words a label again, with all that is known of them.

    A label that had them takes them back, and what it says instead goes into the history; that is
    returned beside it.
    """
    told = {name: getattr(former, name) for name in FACTS}
    instead = None
    with transaction.atomic():
        label = Label.objects.filter(pk=former.label_id).first() if former.label_id else None
        if label is None:
            label = Label(image_id=former.image_id, **told)
            label.save()
        else:
            instead = keep(label, Ending.REWORDED, restored_by)
        # created_at is the time of the words, not of the row.
        Label.objects.filter(pk=label.pk).update(**told)
        FormerLabel.objects.filter(pk=former.pk).delete()
        if label.kind in TAG_KINDS:
            # It was taken off for good; a person wants it back.
            rejected_tags.accept([former.image_id], former.text)
        image_index.refresh([former.image_id])
    label.refresh_from_db()
    return label, instead


def copy(image: Image, kept: Image) -> None:
    """Let another image have the history of this one as well."""
    for former in image.former_labels.all():
        ended_at = former.ended_at
        former.pk, former.image, former.label = None, kept, None
        former._state.adding = True
        former.save()
        FormerLabel.objects.filter(pk=former.pk).update(ended_at=ended_at)


def captions(labels: Iterable[Label], former: Iterable[FormerLabel]) -> list[Told]:
    """What was ever said of an image as its caption: what counts first, what is over last."""
    standing = ranked(label for label in labels if label.kind == Label.Kind.CAPTION)
    told = [Told(label, is_chosen=place == 0) for place, label in enumerate(standing)]
    return told + [Told(each) for each in former if each.kind == Label.Kind.CAPTION]


def provenance(said: Label | FormerLabel) -> str:
    """Who said it, with which model and prompt, and how surely."""
    parts = [said.get_source_display(), said.model]
    if said.prompt_kind:
        parts.append(f"prompt {said.prompt_kind} {said.prompt_version}".strip())
    parts.append(said.prompt_options)
    if said.confidence is not None:
        parts.append(f"{said.confidence:.0%} sure")
    return ", ".join(part for part in parts if part)


def person(user: Any) -> Any:
    """The user if it is one in the database."""
    return user if getattr(user, "pk", None) else None
