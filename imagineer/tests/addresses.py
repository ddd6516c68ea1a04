"""Every address that visitors may read, and the console's lists, for tests that ask them all.

A public address that is not named here is a failure (test_addresses.py, test_permissions.py).
Placeholders stand for rows: ``{image}``, ``{album}`` and so on. Whoever asks fills in its own.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db import models
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from imagineer.api import api

Values = Mapping[str, Sequence[object]]

PAGES: dict[str, tuple[str, ...]] = {
    "robots": ("/robots.txt",),
    "gallery:latest": ("/",),
    "gallery:albums": ("/albums/",),
    "gallery:album": ("/albums/{slug}/", "/albums/{slug}/?view=spread"),
    "gallery:album_source": ("/albums/{slug}/source",),
    "gallery:album_feed": ("/albums/{slug}/feed.atom",),
    "gallery:tags": ("/tags/",),
    "gallery:tag": ("/tags/{tag}/",),
    "gallery:tag_feed": ("/tags/{tag}/feed.atom",),
    "gallery:feed": ("/feed.atom",),
    "gallery:sitemap_index": ("/sitemap.xml",),
    "gallery:sitemap": tuple(
        f"/sitemap-{kind}-0.xml" for kind in ("images", "albums", "tags", "loras")
    ),
    "gallery:search": ("/search/", "/search/?q={query}"),
    "gallery:image": (
        "/images/{image}/",
        "/images/{image}/?in={slug}",
        "/images/{image}/?tag={tag}",
        "/images/{image}/?lora={lora}",
        "/images/{image}/?q={query}",
    ),
    "gallery:similar": ("/images/{image}/similar/",),
    "gallery:original": ("/images/{image}/original",),
    "gallery:rendition": ("/i/{rendition}.webp",),
    "generation:loras": ("/loras/",),
    "generation:lora": ("/loras/{lora}/",),
    "generation:lora_file": ("/loras/{lora}/file",),
    "generation:templates": ("/templates/",),
    "generation:template": ("/templates/{template_slug}/",),
}  # fmt: skip
API: dict[str, tuple[str, ...]] = {
    "/api/openapi.json": ("/api/openapi.json",),
    "/api/jobs": tuple(
        f"/api/jobs{query}" for query in ("", "?status=completed", "?queue=gpu", "?kind=x")
    ),
    "/api/jobs/{job_id}": ("/api/jobs/{job}",),
    "/api/jobs/{job_id}/events": ("/api/jobs/{job}/events",),
    "/api/images": (
        "/api/images",
        "/api/images?nsfw=hide",
        "/api/images?source_type=upload",
        "/api/images?rating=SAFE",
        "/api/images?album={album}",
        "/api/images?label={query}",
        "/api/images?q={query}",
        "/api/images?q={query}&album={album}&source_type=upload&rating=SAFE",
    ),
    "/api/images/{image_id}": ("/api/images/{image}",),
    "/api/images/{image_id}/labels": ("/api/images/{image}/labels",),
    "/api/images/{image_id}/labels/{label_id}": ("/api/images/{image}/labels/{label}",),
    "/api/images/{image_id}/similar": ("/api/images/{image}/similar",),
    "/api/images/{image_id}/thumbnail": (
        "/api/images/{image}/thumbnail",
        "/api/images/{image}/thumbnail?width=2000",
    ),
    "/api/search": ("/api/search?q={query}",),
    "/api/albums": ("/api/albums", "/api/albums?source_type=manual"),
    "/api/albums/{album_id}": ("/api/albums/{album}",),
    "/api/albums/{album_id}/images": ("/api/albums/{album}/images",),
    "/api/tags": ("/api/tags", "/api/tags?q=r"),
    "/api/tags/complete": ("/api/tags/complete?q=r",),
    "/api/albums/{album_id}/tags": ("/api/albums/{album}/tags",),
    "/api/models": ("/api/models",),
    "/api/loras": ("/api/loras",),
    "/api/loras/{lora_id}": ("/api/loras/{lora}",),
    "/api/batch-templates": ("/api/batch-templates",),
    "/api/batch-templates/{template_id}": ("/api/batch-templates/{template}",),
    "/api/batch-templates/{template_id}/runs": ("/api/batch-templates/{template}/runs",),
    "/api/batches": ("/api/batches",),
    "/api/batches/{run_id}": ("/api/batches/{run}",),
    "/api/scraping/jobs": ("/api/scraping/jobs",),
    "/api/scraping/jobs/{scrape_id}": ("/api/scraping/jobs/{crawl}",),
    "/api/training/runs": ("/api/training/runs",),
    "/api/training/runs/{run_id}": ("/api/training/runs/{training}",),
}  # fmt: skip
EVERYWHERE = {**PAGES, **API}
# What visitors may send: choices about what they see, kept in their own cookies.
PUBLIC_POSTS = {"gallery:nsfw", "gallery:theme", "gallery:reveal"}
_NOT_THE_GALLERY = ("admin/", "accounts/", "api/")


def filled(address: str, values: Values) -> Iterator[str]:
    """The address with each combination of what its placeholders stand for."""
    names = re.findall(r"{(\w+)}", address)
    for chosen in itertools.product(*(values[name] for name in names)):
        yield address.format(**dict(zip(names, chosen, strict=True)))


def public_pages() -> set[str]:
    """The names of all pages outside the console that are read."""
    found = set()
    for pattern in get_resolver().url_patterns:
        if str(pattern.pattern).startswith(_NOT_THE_GALLERY):
            continue
        if isinstance(pattern, URLResolver):
            for inner in pattern.url_patterns:
                assert isinstance(inner, URLPattern)
                found.add(f"{pattern.namespace}:{inner.name}")
        else:
            found.add(pattern.name or str(pattern.pattern))
    return found - PUBLIC_POSTS


def api_reads() -> set[str]:
    """The paths of all reads of the API, those for admins included."""
    schema = api.get_openapi_schema()
    return {path for path, methods in schema["paths"].items() if "get" in methods}


def console_lists() -> list[str]:
    """Every list of the console: plain, sorted by each column, searched, and filtered."""
    found = [reverse("admin:index"), reverse("admin:live")]
    found += [reverse(f"admin:gallery_image_{page}") for page in ("trash", "duplicates", "upload")]
    for model, own in admin.site._registry.items():
        names = model._meta
        address = reverse(f"admin:{names.app_label}_{names.model_name}_changelist")
        found += [f"{address}{query}" for query in ("", *_queries(model, own))]
    return found


def _queries(model: type[models.Model], own: Any) -> Iterator[str]:
    yield from ("?o=1", "?o=-2")
    if own.search_fields:
        for words in ("common", "nowhere", "7", "shelf 7"):
            yield "?" + urlencode({"q": words})
    for listed in own.list_filter:
        yield from (f"?{query}" for query in _choices(model, listed))


def _choices(model: type[models.Model], listed: Any) -> Iterator[str]:
    """The query of each choice of a filter."""
    if hasattr(listed, "parameter_name"):
        request = RequestFactory().get("/")
        choices = listed(request, {}, model, admin.site._registry[model]).lookup_choices
        yield from (urlencode({listed.parameter_name: value}) for value, _ in choices)
        return
    name = listed if isinstance(listed, str) else listed[0]
    field: Any = model._meta
    for part in name.split("__"):
        field = (field.related_model._meta if hasattr(field, "related_model") else field).get_field(
            part
        )
    if field.choices:
        yield from (urlencode({f"{name}__exact": value}) for value, _ in field.choices)
    elif isinstance(field, models.BooleanField):
        yield from (f"{name}__exact={value}" for value in (0, 1))
    else:
        yield f"{name}__id__exact=1"
