"""What putting tags on and taking them off does to one image; and which images it concerns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery import image_index, rejected_tags, tag_names
from gallery.image_tags import Spoken
from gallery.models import Label
from gallery.selections import Selection
from gallery.tag_changes import Plan, TagChange, effects, parts, plan
from gallery.tag_rules import TagRules
from gallery.tests.factories import make_label, make_tagged

RULES = TagRules({"puss": "cat"}, {"kitten": {"cat"}, "cat": {"animal"}})


def some(*names: str) -> frozenset[str]:
    return frozenset(names)


def spoken(*said: str, rejected: frozenset[str] = frozenset()) -> Spoken:
    return Spoken(frozenset(said), rejected)


REMOVE = TagChange(off=some("cat"))
RENAME = TagChange(off=some("cat"), on=some("felis"))
ADD = TagChange(on=some("cat"), everywhere=True)


@pytest.mark.parametrize(
    ("before", "change", "planned"),
    [
        (spoken("dog"), REMOVE, Plan()),
        (spoken("cat"), REMOVE, Plan(going=some("cat"))),
        (spoken("puss"), REMOVE, Plan(going=some("cat"))),
        (spoken("kitten"), REMOVE, Plan(going=some("cat"))),
        (spoken("cat", rejected=some("cat")), REMOVE, Plan()),
        (spoken("cat", rejected=some("puss")), REMOVE, Plan()),
        (spoken("dog"), RENAME, Plan()),
        (spoken("cat"), RENAME, Plan(going=some("cat"), written=some("felis"))),
        (spoken("cat", "felis"), RENAME, Plan(going=some("cat"))),
        (
            spoken("cat", "felis", rejected=some("felis")),
            RENAME,
            Plan(going=some("cat"), accepted=some("felis")),
        ),
        (spoken("dog"), ADD, Plan(written=some("cat"))),
        (spoken("puss"), ADD, Plan()),
        (spoken("kitten"), ADD, Plan()),
        (spoken("cat", rejected=some("puss")), ADD, Plan(accepted=some("puss"))),
        (
            spoken("kitten", rejected=some("cat")),
            ADD,
            Plan(written=some("cat"), accepted=some("cat")),
        ),
        # What the new tag implies does not go.
        (
            spoken("cat"),
            TagChange(off=some("cat"), on=some("kitten")),
            Plan(written=some("kitten")),
        ),
        # A more general tag stays although only what goes implied it.
        (
            spoken("kitten"),
            TagChange(off=some("kitten"), on=some("animal")),
            Plan(going=some("kitten"), written=some("animal")),
        ),
    ],
)
def test_one_image(before: Spoken, change: TagChange, planned: Plan) -> None:
    assert plan(before, RULES, change) == planned


names = st.sampled_from(["puss", "cat", "kitten", "animal", "dog", "felis"])
tags = st.frozensets(names.filter(lambda name: name != "puss"))
said = st.builds(Spoken, st.frozensets(names), st.frozensets(names))


@given(said, st.builds(TagChange, tags, tags, st.booleans()))
def test_done_again_nothing_is_left(before: Spoken, change: TagChange) -> None:
    planned = plan(before, RULES, change)
    after = Spoken(
        before.said | planned.written, (before.rejected - planned.accepted) | planned.going
    )
    assert not plan(after, RULES, change).changes_something
    carried = after.carried(RULES)
    assert not carried & planned.going
    if change.everywhere or before.carried(RULES) & change.off:
        assert carried >= change.on - planned.going


@pytest.mark.django_db
def test_it_says_what_changes_for_people() -> None:
    image = make_tagged("Puss", "night", source=Label.Source.CLAUDE)
    make_label(image, "cat", kind=Label.Kind.TAG)
    tag_names.add_alias("puss", "cat")
    (effect,) = effects(RENAME, [image.pk])
    assert (effect.before, effect.after) == (("cat", "night"), ("felis", "night"))
    assert effect.silenced == (("claude", "Puss"), ("manual", "cat"))
    assert [(label.text, label.source) for label in effect.writes] == [("felis", "manual")]
    assert effect.rejects == ("cat",)


def found(change: TagChange, selection: Selection) -> set[int]:
    return {pk for part in parts(change, selection, 2) for pk in part}


@pytest.mark.django_db
def test_only_what_may_change_is_looked_at() -> None:
    both, fox, owl, none = (
        make_tagged("fox", "owl"), make_tagged("fox"), make_tagged("owl"), make_tagged(),
    )  # fmt: skip
    everything = Selection(everything=True)
    chosen = Selection(images=(both.pk, owl.pk))
    assert found(TagChange(off=some("fox")), everything) == {both.pk, fox.pk}
    assert found(TagChange(off=some("fox")), chosen) == {both.pk}
    assert found(TagChange(off=some("unheard")), everything) == set()
    add = TagChange(on=some("fox", "owl"), everywhere=True)
    assert found(add, everything) == {fox.pk, owl.pk, none.pk}
    new = TagChange(on=some("fox", "new"), everywhere=True)
    assert found(new, everything) == {both.pk, fox.pk, owl.pk, none.pk}


@pytest.mark.django_db
def test_more_tags_than_one_question_takes_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gallery.tag_changes._ASKED", 2)
    images = [make_tagged(f"tag {number}", "all") for number in range(5)]
    change = TagChange(off=frozenset(f"tag {number}" for number in range(5)))
    wanted = {image.pk for image in images}
    assert found(change, Selection(everything=True)) == wanted
    assert found(change, Selection(images=tuple(wanted))) == wanted


@pytest.mark.django_db
def test_a_tag_that_was_taken_off_counts_as_not_there() -> None:
    image = make_tagged("fox")
    rejected_tags.reject([image.pk], "fox")
    image_index.refresh([image.pk])
    assert found(TagChange(off=some("fox")), Selection(everything=True)) == set()
    add = TagChange(on=some("fox"), everywhere=True)
    assert found(add, Selection(everything=True)) == {image.pk}
    (effect,) = effects(add, [image.pk])
    assert (effect.accepts, effect.writes) == (("fox",), ())
