"""Pictures in the console: ``{% load console_pictures %}{% thumb image %}``."""

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from gallery import nsfw, renditions
from gallery.models import Image
from gallery.templatetags.pictures import is_tiny

register = template.Library()


@register.simple_tag(takes_context=True)
def thumb(context: Context, image: Image, width: int = 300) -> SafeString:
    """An <img> of about ``width`` pixels, blurred where the viewer's 18+ switch says so."""
    request = context["request"]
    if nsfw.may_see_sharp(request, image):
        made = renditions.best_width(image.width, width)
    else:
        made = renditions.blurred_width(image.width)
    shown_width, shown_height = renditions.rendition_size(image.width, image.height, made)
    return format_html(
        '<img{} src="{}" width="{}" height="{}" alt="{}" loading="lazy" decoding="async">',
        _classes(image),
        nsfw.thumbnail_for(request, image, width),
        shown_width,
        shown_height,
        description(image),
    )


def _classes(image: Image) -> str | SafeString:
    """What its size asks of the sheet: square pixels, or a cover that is not cut."""
    names = ["is-tiny"] if is_tiny(image) else []
    names += ["is-upright"] if image.height > image.width else []
    return format_html(' class="{}"', " ".join(names)) if names else ""


@register.filter(name="describe")
def description(image: Image) -> str:
    """A picture in a few words: its prompt, its name, or its number."""
    words = image.prompt or image.original_name or f"Image {image.pk}"
    return words if len(words) <= 120 else words[:119] + "…"


@register.simple_tag(takes_context=True)
def sharp(context: Context, image: Image) -> bool:
    """Whether the viewer's 18+ switch lets the picture be seen as it is."""
    return nsfw.may_see_sharp(context["request"], image)
