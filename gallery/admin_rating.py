"""The rating on the page of an image in the console: an admin decides, or leaves it to labelers."""

from functools import partial
from typing import TYPE_CHECKING, Any

from django import forms
from django.db import transaction
from django.utils.html import format_html

from gallery import ratings
from gallery.models import Image, Rating
from imagineer.jobs.templatetags.job_words import ago

if TYPE_CHECKING:
    ImageModelForm = forms.ModelForm[Image]
else:  # The class is generic in its type stubs alone.
    ImageModelForm = forms.ModelForm

FIELDS = ("rating", "is_decided", "rating_shown")
OPEN = "Nobody has decided yet: the sternest word of the labelers counts."


class RatingForm(ImageModelForm):
    """The rating and whether it is decided on.

    rating_shown: what the page showed, so that a page that was open while a labeler rated the
    picture does not overrule it by being saved.
    """

    is_decided = forms.BooleanField(required=False, label="Decided: labelers change it no more")
    rating_shown = forms.ChoiceField(
        choices=Rating.choices, required=False, widget=forms.HiddenInput
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        at, by = self.instance.rating_decided_at, self.instance.rating_decided_by
        self.initial["is_decided"] = at is not None
        self.initial["rating_shown"] = self.instance.rating
        who = format_html(" by {}", by) if by else ""
        said = OPEN if at is None else format_html("Decided {}{}.", ago(at), who)
        self.fields["is_decided"].help_text = said


def save(form: Any, by: Any) -> None:
    """What the form tells, once its transaction is committed: changing a rating moves files.

    Choosing another rating decides on it; so does the box alone, on the one that the page shows.
    """
    told, image = form.cleaned_data, form.instance
    shown = told["rating_shown"] or form.initial["rating"]
    was_decided = image.rating_decided_at is not None
    if told["rating"] != shown:
        rating = told["rating"]
    elif told["is_decided"] != was_decided:
        rating = shown if told["is_decided"] else Rating.UNRATED
    else:
        return
    transaction.on_commit(partial(ratings.decide, image, rating, by=by))
