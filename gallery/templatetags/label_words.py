"""Labels in words: ``{% load label_words %}{{ label|provenance }}``."""

from django import template

from gallery import label_history
from gallery.models import FormerLabel, Label

register = template.Library()


@register.filter
def provenance(said: Label | FormerLabel) -> str:
    """ "Claude, claude-sonnet-5-5, prompt sd_training 2, 90% sure"."""
    return label_history.provenance(said)


@register.filter
def rater(said: Label) -> str:
    """Who gave a rating, before "says": "Claude (claude-sonnet-5-5)", "anna", "A person"."""
    if said.source == Label.Source.MANUAL:
        return str(said.created_by or "A person")
    source = str(said.get_source_display())
    return f"{source} ({said.model})" if said.model else source


@register.filter
def sayer(said: Label | FormerLabel) -> str:
    """Who said it, as it stands behind :func:`provenance`: " by anna", ", asked for by anna"."""
    if said.created_by is None:
        return ""
    by_hand = said.source == Label.Source.MANUAL
    return f"{'' if by_hand else ', asked for'} by {said.created_by}"
