"""Atom feeds of the newest pictures that anyone may see sharp: of all, of an album, of a tag."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed, Enclosure

from gallery import listing, nsfw, renditions, tag_names
from gallery.captions import best_caption
from gallery.models import Album, AlbumImage, Exposure, Image, ImageTag, Tag
from gallery.tags import normalised
from imagineer.texts import has_control

SIZE = 30
TITLE_LENGTH = 100


@dataclass(frozen=True)
class Shelf:
    """What a feed is about. The request is here for absolute addresses: a Feed is shared."""

    request: HttpRequest
    title: str
    link: str
    feed_url: str
    pictures: Iterable[Image]


class PictureFeed(Feed):  # type: ignore[type-arg]
    """The same for everyone, so it asks nobody's choice."""

    feed_type = Atom1Feed
    author_name = settings.SITE_NAME

    def title(self, shelf: Shelf) -> str:
        return shelf.title

    def link(self, shelf: Shelf) -> str:
        return shelf.link

    def feed_url(self, shelf: Shelf) -> str:
        return shelf.feed_url

    def items(self, shelf: Shelf) -> list[Any]:
        found = [image for image in shelf.pictures if nsfw.is_open(image)]
        listing.add_captions(found)
        return [(image, shelf.request) for image in found]

    def item_title(self, item: Any) -> str:
        image, _ = item
        words = " ".join((best_caption(image.captions) or image.prompt or str(image)).split())
        return words if len(words) <= TITLE_LENGTH else f"{words[: TITLE_LENGTH - 1].rstrip()}…"

    def item_description(self, item: Any) -> str:
        image, _ = item
        return best_caption(image.captions) or image.prompt

    def item_link(self, item: Any) -> str:
        image, _ = item
        return str(image.get_absolute_url())

    def item_pubdate(self, item: Any) -> Any:
        return item[0].created_at

    def item_updateddate(self, item: Any) -> Any:
        return item[0].created_at

    def item_enclosures(self, item: Any) -> list[Enclosure]:
        image, request = item
        width = renditions.best_width(image.width, renditions.WIDTHS[-1])
        address = request.build_absolute_uri(renditions.url(image.sharp_key, width))
        # The file's length would have to be asked of the storage; feeds say 0 for not known.
        return [Enclosure(address, "0", "image/webp")]


class Latest(PictureFeed):
    def get_object(self, request: HttpRequest) -> Shelf:
        newest = Image.everything.filter(exposure__lte=Exposure.OPEN).order_by("-id")[:SIZE]
        return Shelf(
            request,
            settings.SITE_NAME,
            reverse("gallery:latest"),
            reverse("gallery:feed"),
            newest,
        )


class OfAlbum(PictureFeed):
    def get_object(self, request: HttpRequest, slug: str) -> Shelf:
        album = Album.objects.filter(slug=slug, is_public=True).first()
        if album is None:
            raise Http404("There is no such album.")
        inside = AlbumImage.everything.filter(album=album, exposure__lte=Exposure.OPEN)
        # The end of the album is where pictures come in.
        last = inside.select_related("image").order_by("-position", "-id")[:SIZE]
        return Shelf(
            request,
            f"{album.name} · {settings.SITE_NAME}",
            album.get_absolute_url(),
            reverse("gallery:album_feed", args=[slug]),
            (entry.image for entry in last),
        )


class OfTag(PictureFeed):
    def get_object(self, request: HttpRequest, name: str) -> Shelf:
        plain = "" if has_control(name) else tag_names.meaning(normalised(name))
        tag = Tag.objects.filter(name=plain, open_count__gt=0).first()
        if tag is None:
            raise Http404("There is no such tag.")
        uses = ImageTag.everything.filter(tag=tag, exposure__lte=Exposure.OPEN)
        newest = uses.select_related("image").order_by("-image_id")[:SIZE]
        return Shelf(
            request,
            f"{tag.name} · {settings.SITE_NAME}",
            tag.get_absolute_url(),
            f"{tag.get_absolute_url()}feed.atom",
            (use.image for use in newest),
        )
