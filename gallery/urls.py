from typing import Any

from django.urls import URLPattern, path
from django.views.decorators.http import conditional_page, require_safe

from gallery import feeds, media_views, sitemaps, views

app_name = "gallery"


def _feed(feed: feeds.PictureFeed) -> Any:
    """Only read, and not sent again to who has it."""
    return conditional_page(require_safe(feed))


urlpatterns: list[URLPattern] = [
    path("", views.latest, name="latest"),
    path("albums/", views.albums, name="albums"),
    path("albums/<slug:slug>/", views.album, name="album"),
    path("albums/<slug:slug>/source", views.album_source, name="album_source"),
    path("tags/", views.tags, name="tags"),
    path("tags/<str:name>/", views.tag, name="tag"),
    path("tags/<str:name>/feed.atom", _feed(feeds.OfTag()), name="tag_feed"),
    path("albums/<slug:slug>/feed.atom", _feed(feeds.OfAlbum()), name="album_feed"),
    path("feed.atom", _feed(feeds.Latest()), name="feed"),
    path("sitemap.xml", sitemaps.index, name="sitemap_index"),
    path("sitemap-<slug:kind>-<int:number>.xml", sitemaps.part, name="sitemap"),
    path("search/", views.find, name="search"),
    path("images/<int:pk>/", views.image, name="image"),
    path("images/<int:pk>/reveal", views.reveal, name="reveal"),
    path("images/<int:pk>/similar/", views.similar_to, name="similar"),
    path("images/<int:pk>/original", media_views.original, name="original"),
    path("preferences/nsfw", views.choose_nsfw, name="nsfw"),
    path("preferences/theme", views.choose_theme, name="theme"),
    path("i/<slug:key>-<int:width>.webp", media_views.rendition, name="rendition"),
]
