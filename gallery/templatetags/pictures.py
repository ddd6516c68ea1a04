"""How pictures stand in pages: tiles of a justified grid, addresses and words by who asks."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django import template
from django.http import HttpRequest
from django.urls import reverse

from gallery import nsfw, renditions
from gallery.answers import told_parameters
from gallery.captions import best_caption
from gallery.models import Album, Image
from gallery.parameters import as_infotext, rows

register = template.Library()

# static/css/ratios.css has a class for each hundredth below 1, and each fiftieth above.
NARROWEST, WIDEST = 0.4, 2.2
# Up to this many pixels on the longer side a picture is enlarged by whole steps.
TINY = 300
TINY_TARGET = 576
TINY_STEPS = 4
ALT_LENGTH = 200
# Narrower pictures than this are shown side by side on covers.
UPRIGHT = 0.85
# How wide the pictures of a cover are shown: one alone, or the first of several (css/grid.css).
COVER_WHOLE = "(max-width: 719px) 46vw, 300px"
COVER_HALF = "(max-width: 719px) 31vw, 200px"
# So many tiles of a page load at once, the others when one comes near.
EAGER = 12


def ratio_class(width: int, height: int) -> str:
    """The class that carries width / height in static/css/ratios.css, clamped to what it has."""
    ratio = tile_ratio(width, height)
    hundredths = round(ratio * 100) if ratio < 1 else round(ratio * 50) * 2
    return f"ratio-{hundredths}"


def tile_ratio(width: int, height: int) -> float:
    return min(max(width / height, NARROWEST), WIDEST)


def tile_sizes(width: int, height: int) -> str:
    """The ``sizes`` of a tile of the justified grid, whose rows are about equally high.

    static/css/grid.css has the heights, and that wide pictures are trimmed on a phone.
    """
    ratio = tile_ratio(width, height)
    return f"(max-width: 719px) {min(ratio, 1.5) * 35:.0f}vw, {ratio * 230:.0f}px"


def large_sizes(width: int, height: int) -> str:
    """The ``sizes`` of the picture on its page: as wide as the mat lets it be, or as high."""
    ratio = f"{width / height:.3f}"
    high = f"min(100vw - 512px, {ratio} * (100vh - 104px))"
    return f"(max-width: 899px) min(100vw, {ratio} * 78vh), {high}"


def enlargement(width: int, height: int) -> int:
    """By how many whole steps a tiny picture is shown enlarged; 1 for all others."""
    longer = max(width, height)
    if longer > TINY:
        return 1
    return max(1, min(TINY_STEPS, TINY_TARGET // longer))


def alt_text(image: Image, sharp: bool) -> str:
    """What a screen reader says: the caption, else the prompt, else the name."""
    if not sharp:
        return f"Blurred picture {nsfw.reason(image)}"
    return _shortened(_words(image) or str(image))


@register.inclusion_tag("gallery/tile.html", takes_context=True)
def tile(context: dict[str, Any], image: Image, walk: str = "", number: int = 0) -> dict[str, Any]:
    """One picture of a justified grid. walk: the list it stands in; number: its place, from 0."""
    return _shown(context["request"], image, walk, number) | {
        "ratio": ratio_class(image.width, image.height),
        "sizes": tile_sizes(image.width, image.height),
    }


@register.inclusion_tag("gallery/card_tile.html", takes_context=True)
def card_tile(
    context: dict[str, Any], image: Image, name: str, walk: str = "", number: int = 0
) -> dict[str, Any]:
    """One picture of a spread, with the name that its row gave it; while it is veiled, without."""
    shown = _shown(context["request"], image, walk, number)
    name = name if shown["sharp"] else ""
    # The name is read out already; a picture that is called the same needs no second word.
    return shown | {"name": name, "alt": "" if name and shown["sharp"] else shown["alt"]}


@register.inclusion_tag("gallery/thumb.html", takes_context=True)
def thumb(
    context: dict[str, Any], image: Image, width: int = 300, sizes: str = ""
) -> dict[str, Any]:
    """A picture without link or words of its own, for covers.

    sizes: as in HTML, where its width depends on the window's.
    """
    request = context["request"]
    return {
        "image": image,
        "src": nsfw.thumbnail_for(request, image, width),
        "srcset": nsfw.srcset_for(request, image) if sizes else "",
        "sizes": sizes,
        "tiny": is_tiny(image),
    }


def large(request: HttpRequest, image: Image) -> dict[str, Any]:
    """The picture as large as it is shown: src, srcset, scale, width and height in CSS pixels."""
    scale = enlargement(image.width, image.height)
    size = {"scale": scale, "width": image.width * scale, "height": image.height * scale}
    if not nsfw.may_see_sharp(request, image):
        return {"src": image.thumbnail_url(image.width, sharp=False), "srcset": "", **size}
    if image.format == "gif":
        # It may move, which renditions do not.
        return {"src": reverse("gallery:original", args=[image.pk]), "srcset": "", **size}
    widest = renditions.sharp_widths(image.width)[-1]
    srcset = nsfw.srcset_for(request, image)
    return {"src": image.thumbnail_url(widest, sharp=True), "srcset": srcset, **size}


@register.inclusion_tag("gallery/large_picture.html", takes_context=True)
def large_picture(context: dict[str, Any], image: Image, caption: str) -> dict[str, Any]:
    """The picture of an image page; only for requests that may see it sharp."""
    return {
        **large(context["request"], image),
        "image": image,
        "sizes": large_sizes(image.width, image.height),
        "alt": _shortened(caption) or alt_text(image, sharp=True),
    }


@register.inclusion_tag("gallery/cover.html", takes_context=True)
def cover(context: dict[str, Any], images: Sequence[Image]) -> dict[str, Any]:
    """Up to three pictures that stand for an album or a LoRA."""
    upright = len(images) > 1 and images[0].width < images[0].height * UPRIGHT
    return {
        "images": images[:3],
        "shape": "upright" if upright else str(len(images[:3])),
        "sizes": COVER_WHOLE if len(images) == 1 else COVER_HALF,
        "request": context["request"],
    }


@register.simple_tag(takes_context=True)
def thumbnail(context: dict[str, Any], image: Image, width: int) -> str:
    """The address of the rendition that this request may see."""
    return nsfw.thumbnail_for(context["request"], image, width)


@register.simple_tag(takes_context=True)
def alt(context: dict[str, Any], image: Image) -> str:
    """What a screen reader says of the picture, as this request may know it."""
    return alt_text(image, nsfw.may_see_sharp(context["request"], image))


@register.simple_tag(takes_context=True)
def loras_used(context: dict[str, Any], image: Image) -> list[dict[str, Any]]:
    """The LoRAs that drew an image, with their weights; a private one is not named to visitors."""
    everything = nsfw.is_admin(context["request"])
    used = image.models_used.all()
    if not used:
        return _loras_told(image)
    return [
        {
            "model_version": use.model_version
            if use.model_version.is_public or everything
            else None,
            "weight": use.weight,
        }
        for use in used
        if use.model_version.type == "lora"
    ]


def _loras_told(image: Image) -> list[dict[str, Any]]:
    """Those that another tool's file names: none of ours, so a name and no link."""
    told = image.generation_params.get("loras")
    return [
        {"name": lora["name"], "weight": lora.get("weight", 1.0)}
        for lora in (told if isinstance(told, list) else [])
        if isinstance(lora, dict) and isinstance(lora.get("name"), str)
    ]


@register.simple_tag(takes_context=True)
def copied_parameters(
    context: dict[str, Any], image: Image, used_loras: Sequence[dict[str, Any]]
) -> str:
    """What the button copies, empty where there are no parameters. used_loras: of loras_used."""
    params = told_parameters(context["request"], image)
    if not rows(params, image.width, image.height):
        return ""
    named = {
        used["model_version"].name if used.get("model_version") else used.get("name"): weight
        for used in used_loras
        if isinstance(weight := used.get("weight"), int | float)
    }
    loras = {name: float(weight) for name, weight in named.items() if name}
    return as_infotext(image.prompt, image.negative_prompt, params, loras)


@register.simple_tag(takes_context=True)
def trained_on(context: dict[str, Any], training: Any) -> list[Album]:
    """The albums of a training run, as far as this request may open them."""
    if not training:
        return []
    everything = nsfw.is_admin(context["request"])
    return [album for album in training.albums.all() if album.is_public or everything]


@register.filter
def veil_reason(image: Image) -> str:
    """ "rated 18+" or "that nobody has rated yet"."""
    return nsfw.reason(image)


@register.filter
def host(address: str) -> str:
    """www.example.org of https://www.example.org/a/b."""
    return urlsplit(address).hostname or address


def _shown(request: HttpRequest, image: Image, walk: str, number: int) -> dict[str, Any]:
    """What every kind of tile needs."""
    sharp = nsfw.may_see_sharp(request, image)
    return {
        "image": image,
        "sharp": sharp,
        "src": nsfw.thumbnail_for(request, image, 600),
        "srcset": nsfw.srcset_for(request, image),
        "alt": alt_text(image, sharp),
        "tiny": is_tiny(image),
        "query": f"?{walk}" if walk else "",
        "lazy": number >= EAGER,
        "words": _words(image) if sharp else "",
        "large": large(request, image),
    }


def is_tiny(image: Image) -> bool:
    """Whether a tile shows it at twice its size or more, so that its pixels may stay square."""
    return max(image.width, image.height) <= TINY // 2


def _words(image: Image) -> str:
    return best_caption(getattr(image, "captions", ())) or image.prompt


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= ALT_LENGTH else text[: ALT_LENGTH - 1].rstrip() + "…"
