"""Public sources that an admin adds with one click. Pure data.

What stands here follows each API's public documentation, by which programs may ask it whatever
robots.txt says of pages; whoever adds a source is bound by that API's terms of use.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class SourcePreset:
    """about: a sentence for people. rate_limit: requests a minute. key_hint: where a key comes
    from, as a sentence; empty where none is needed. options: of scraping.options. The rest is as
    in scraping.models.Source.
    """

    name: str
    about: str
    base_url: str
    documentation: str
    mapping: Mapping[str, Any]
    rate_limit: int = 60
    key_hint: str = ""
    trust_level: str = "medium"
    max_images: int = 500
    kind: str = "api"
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> dict[str, Any]:
        """What a new source has of it, by column."""
        return {
            "name": self.name,
            "base_url": self.base_url,
            "kind": self.kind,
            "rate_limit": self.rate_limit,
            "trust_level": self.trust_level,
            "max_images": self.max_images,
            "mapping": dict(self.mapping),
            "options": dict(self.options),
        }


_COMMONS = SourcePreset(
    name="Wikimedia Commons",
    about="Freely licensed photographs and drawings; featured ones, or those that a name finds.",
    base_url="https://commons.wikimedia.org/",
    documentation="https://www.mediawiki.org/wiki/API:Imageinfo",
    trust_level="high",
    mapping={
        "request": {
            "obey_robots": False,
            "path": "/w/api.php",
            "query": {
                "action": "query",
                "format": "json",
                "formatversion": 2,
                "generator": "search",
                "gsrsearch": 'filetype:bitmap incategory:"Featured pictures on Wikimedia Commons"',
                "gsrnamespace": 6,
                "gsrlimit": 50,
                "prop": "imageinfo",
                "iiprop": "url|size|extmetadata",
                "iiurlwidth": 2048,
            },
        },
        # An answer without a match has no query.
        "items": "query.pages || `[]`",
        "item": {
            "images": ["imageinfo[0].url", "imageinfo[0].thumburl"],
            "page": "imageinfo[0].descriptionurl",
            "caption": "imageinfo[0].extmetadata.ImageDescription.value",
            "title": "title",
            "width": "imageinfo[0].width",
            "height": "imageinfo[0].height",
            "author": "imageinfo[0].extmetadata.Artist.value",
        },
        "pagination": {
            "by": "cursor",
            "parameters": {"gsroffset": "continue.gsroffset", "continue": "continue.continue"},
        },
        "lookup": {"gsrsearch": "filetype:bitmap {name}"},
        "error": "error.info",
    },
)

_MET = SourcePreset(
    name="The Metropolitan Museum of Art",
    about="Works in the public domain; landscapes, or what a name finds.",
    base_url="https://collectionapi.metmuseum.org/",
    documentation="https://metmuseum.github.io/",
    trust_level="high",
    rate_limit=120,
    # Every work is an answer of its own.
    options={"max_pages": 2000},
    mapping={
        "request": {
            "obey_robots": False,
            "path": "/public/collection/v1/search",
            "query": {"q": "landscape", "hasImages": True},
        },
        "items": "objectIDs || `[]`",
        "detail": "join('', ['/public/collection/v1/objects/', to_string(@)])",
        "item": {
            "images": ["primaryImage", "primaryImageSmall"],
            "page": "objectURL",
            "title": "title",
            "caption": "join(', ', [title, artistDisplayName, objectDate, medium][?@])",
            "tags": "tags[].term",
            "author": "artistDisplayName",
        },
        "lookup": {"q": "{name}"},
        "error": "message",
    },
)

_ARTIC = SourcePreset(
    name="The Art Institute of Chicago",
    about="Works of the museum's collection; all of them, or what a name finds.",
    base_url="https://api.artic.edu/",
    documentation="https://api.artic.edu/docs/",
    trust_level="high",
    mapping={
        "request": {
            "obey_robots": False,
            "path": "/api/v1/artworks/search",
            "query": {
                "limit": 100,
                "fields": "id,title,image_id,artist_title,artist_display,date_display,"
                "medium_display,term_titles",
            },
        },
        "items": "data",
        "item": {
            # Works without a picture have no image_id, and nothing is joined.
            "images": "join('/', ['https://www.artic.edu/iiif/2', image_id, "
            "'full/843,/0/default.jpg'])",
            "page": "join('', ['https://www.artic.edu/artworks/', to_string(id)])",
            "title": "title",
            "caption": "join(', ', [title, artist_title, date_display, medium_display][?@])",
            "tags": "term_titles",
            "author": "artist_display",
        },
        "pagination": {
            "by": "page",
            "parameter": "page",
            "more": "pagination.current_page < pagination.total_pages",
        },
        "lookup": {"q": "{name}"},
        "error": "error && detail",
    },
)

_DANBOORU = SourcePreset(
    name="Danbooru",
    about="Drawings with many tags, only those that are rated general. Other sites with the same "
    "software need only another address.",
    base_url="https://danbooru.donmai.us/",
    documentation="https://danbooru.donmai.us/wiki_pages/help:api",
    mapping={
        "request": {
            "obey_robots": False,
            "path": "/posts.json",
            "query": {"limit": 100, "tags": "rating:g"},
        },
        "items": "@",
        "item": {
            "images": ["file_url", "large_file_url"],
            "page": "join('', ['/posts/', to_string(id)])",
            "tags": "tag_string",
            "tag_separator": " ",
            "width": "image_width",
            "height": "image_height",
            "rating": "rating",
            "author": "tag_string_artist",
        },
        "pagination": {"by": "page", "parameter": "page"},
        "lookup": {"tags": "{name} rating:g"},
        "error": "type(@) == 'object' && message || null",
    },
)

_WALLHAVEN = SourcePreset(
    name="Wallhaven",
    about="Wallpapers that are safe for work; the newest, or what a name finds.",
    base_url="https://wallhaven.cc/",
    documentation="https://wallhaven.cc/help/api",
    rate_limit=40,
    mapping={
        "request": {"obey_robots": False, "path": "/api/v1/search", "query": {"purity": "100"}},
        "items": "data",
        "item": {
            "images": ["path"],
            "page": "url",
            "tags": "tags[].name",
            "width": "dimension_x",
            "height": "dimension_y",
            "rating": "purity",
        },
        "pagination": {
            "by": "page", "parameter": "page",
            "more": "to_number(meta.current_page) < to_number(meta.last_page)",
        },
        "key": {"in": "header", "name": "X-API-Key"},
        "lookup": {"q": "{name}"},
        "error": "error",
    },
)  # fmt: skip

_FLICKR = SourcePreset(
    name="Flickr",
    about="Public photographs that are marked as safe; landscapes, or what a name finds.",
    base_url="https://api.flickr.com/",
    documentation="https://www.flickr.com/services/api/flickr.photos.search.html",
    key_hint="Flickr gives out keys at https://www.flickr.com/services/apps/create/.",
    mapping={
        "request": {
            "obey_robots": False,
            "path": "/services/rest/",
            "query": {
                "method": "flickr.photos.search",
                "format": "json",
                "nojsoncallback": 1,
                "text": "landscape",
                "safe_search": 1,
                "sort": "relevance",
                "per_page": 100,
                "extras": "description,tags,owner_name,url_o,url_l,url_c,url_z",
            },
        },
        "items": "photos.photo",
        "item": {
            "images": ["url_o", "url_l", "url_c", "url_z"],
            "page": "join('', ['https://www.flickr.com/photos/', owner, '/', id])",
            "title": "title",
            "caption": "description._content",
            "tags": "tags",
            "tag_separator": " ",
            "author": "ownername",
        },
        "pagination": {
            "by": "page", "parameter": "page",
            "more": "to_number(photos.page) < to_number(photos.pages)",
        },
        "key": {"in": "query", "name": "api_key"},
        "lookup": {"text": "{name}"},
        "error": "stat == 'fail' && message || null",
    },
)  # fmt: skip

SOURCE_PRESETS: dict[str, SourcePreset] = {
    "wikimedia_commons": _COMMONS,
    "met": _MET,
    "art_institute": _ARTIC,
    "danbooru": _DANBOORU,
    "wallhaven": _WALLHAVEN,
    "flickr": _FLICKR,
}
