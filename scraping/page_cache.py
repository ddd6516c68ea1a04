"""Pages kept from one crawl of a source to the next: asked for again, and sent only if changed.

Scrapy's cache with rules of our own: the server is asked every time, since a page that may still be
fresh is just the one that may show something new; what it answers counts, trouble too; and only
requests with ``meta["keep_page"]`` take part, so never pictures or pages that a browser opens.
No Django.
"""

import json
import secrets
import zlib
from pathlib import Path
from typing import Any

from scrapy.downloadermiddlewares.httpcache import HttpCacheMiddleware
from scrapy.extensions.httpcache import RFC2616Policy
from scrapy.http import Request, Response
from scrapy.utils.response import response_from_dict

_VALIDATORS = ("If-None-Match", "If-Modified-Since")


def settings_of(folder: str) -> dict[str, Any]:
    """Scrapy's settings for a target that keeps its pages; none for the empty folder."""
    if not folder:
        return {}
    return {
        "HTTPCACHE_ENABLED": True,
        "HTTPCACHE_POLICY": AlwaysAsk,
        "HTTPCACHE_STORAGE": PageFiles,
        "HTTPCACHE_DIR": folder,
    }


class AlwaysAsk(RFC2616Policy):  # type: ignore[misc]
    """RFC 2616 without taking anything for fresh, or for valid while the server is in trouble."""

    def should_cache_request(self, request: Request) -> bool:
        is_page = request.meta.get("keep_page") and not request.meta.get("playwright")
        return bool(is_page) and request.method == "GET" and super().should_cache_request(request)

    def should_cache_response(self, response: Response, request: Request) -> bool:
        has_validator = b"ETag" in response.headers or b"Last-Modified" in response.headers
        return (
            response.status == 200
            and has_validator
            and super().should_cache_response(response, request)
        )

    def is_cached_response_fresh(self, cachedresponse: Response, request: Request) -> bool:
        self._set_conditional_validators(request, cachedresponse)
        return False

    def is_cached_response_valid(
        self, cachedresponse: Response, response: Response, request: Request
    ) -> bool:
        return bool(response.status == 304)


class PageCache(HttpCacheMiddleware):  # type: ignore[misc]
    """Scrapy's, but that a server which does not answer is told as such."""

    def process_request(self, request: Request) -> Any:
        if request.meta.get("keep_page"):
            # Of the page that led here by a redirect.
            for name in _VALIDATORS:
                request.headers.pop(name, None)
        return super().process_request(request)

    def process_exception(self, request: Request, exception: Exception) -> None:
        request.meta.pop("cached_response", None)


MIDDLEWARES: dict[Any, int | None] = {HttpCacheMiddleware: None, PageCache: 900}
"""In the place of Scrapy's own; it takes no part where no folder is set."""


class PageFiles:
    """One file a page, written whole or not at all: a line of JSON, then the body."""

    def __init__(self, settings: Any) -> None:
        self.folder = Path(settings["HTTPCACHE_DIR"])

    def open_spider(self, spider: Any) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.fingerprint = spider.crawler.request_fingerprinter.fingerprint

    def close_spider(self, spider: Any) -> None:
        pass

    def _path(self, request: Request) -> Path:
        return self.folder / str(self.fingerprint(request).hex())

    def retrieve_response(self, spider: Any, request: Request) -> Response | None:
        try:
            head, _, body = self._path(request).read_bytes().partition(b"\n")
            kept = json.loads(head)
            headers = {
                name: [value.encode("latin-1") for value in values]
                for name, values in kept["headers"].items()
            }
            return response_from_dict(
                {
                    "url": kept["url"],
                    "status": 200,
                    "headers": headers,
                    "body": zlib.decompress(body),
                }
            )
        except (OSError, ValueError, KeyError, AttributeError, zlib.error):
            # Not kept, or a file that nobody can read any more: the page is simply sent.
            return None

    def store_response(self, spider: Any, request: Request, response: Response) -> None:
        headers = {
            name.decode("latin-1"): [value.decode("latin-1") for value in values]
            for name, values in response.headers.items()
        }
        head = json.dumps({"url": response.url, "headers": headers}).encode()
        path = self._path(request)
        unfinished = path.with_name(f".{secrets.token_hex(8)}")
        unfinished.write_bytes(head + b"\n" + zlib.compress(response.body, 1))
        unfinished.replace(path)
