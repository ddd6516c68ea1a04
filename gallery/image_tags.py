"""What labels say of images' tags, in words of their own, and what admins took off them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gallery import tag_names
from gallery.models import Label
from gallery.tag_models import RejectedTag
from gallery.tag_rules import TagRules
from gallery.tags import normalised

TAG_KINDS = (Label.Kind.TAG, Label.Kind.CATEGORY)


@dataclass(frozen=True)
class Spoken:
    """Of one image, (normalised) names. said: by its labels; rejected: taken off it."""

    said: frozenset[str] = frozenset()
    rejected: frozenset[str] = frozenset()

    def carried(self, rules: TagRules) -> set[str]:
        """The names of the image's tags."""
        return rules.carried(self.said, self.rejected)

    def standing(self, rules: TagRules) -> set[str]:
        """What labels say and nobody took off, as they say it."""
        away = rules.meant(self.rejected)
        return {name for name in self.said if rules.meaning(name) not in away}


def spoken_of(labels: Mapping[int, Iterable[Label]]) -> dict[int, Spoken]:
    """labels: of each of the images, of any kind. One query."""
    rejected: dict[int, set[str]] = defaultdict(set)
    off = RejectedTag.objects.filter(image__in=list(labels))
    for pk, name in off.values_list("image_id", "tag__name"):
        rejected[pk].add(name)
    return {
        pk: Spoken(
            frozenset(normalised(label.text) for label in said if label.kind in TAG_KINDS) - {""},
            frozenset(rejected[pk]),
        )
        for pk, said in labels.items()
    }


def rules_of(spoken: Iterable[Spoken], also: Iterable[str] = ()) -> TagRules:
    """What all of these names mean, and further ones."""
    names = set(also)
    for words in spoken:
        names |= words.said | words.rejected
    return tag_names.rules_for(names)
