"""A source's API key, put into a request at the last moment and taken out again at the first.

So nothing else in the crawl ever sees it: not redirects and retries, not the file that a crawl goes
on from after a kill, not what is stored of a picture.
"""

import logging
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

from scrapy.exceptions import NotConfigured
from scrapy.http import Request, Response
from w3lib.url import add_or_replace_parameter

from scraping.field_mapping import Key

# In a request's meta: it is for the API.
FOR_API = "for_api"
_PORTS = {"http": 80, "https": 443}


def origin(url: str) -> tuple[str, str, int]:
    """(scheme, host, port): what a key is for."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)


class ApiKeyMiddleware:
    """The last of the downloader's middlewares. Sends the key to its source's origin alone."""

    def __init__(self, key: Key, secret: str, url: str) -> None:
        self.key = key
        self.secret = secret
        self.origin = origin(url)
        for handler in logging.getLogger().handlers:
            handler.addFilter(_Redacting(secret))

    @classmethod
    def from_crawler(cls, crawler: Any) -> "ApiKeyMiddleware":
        spider = crawler.spider
        if spider.mapping.key is None or not spider.target.api_key:
            raise NotConfigured
        return cls(spider.mapping.key, spider.target.api_key, spider.target.url)

    def process_request(self, request: Request) -> None:
        if not request.meta.get(FOR_API) or origin(request.url) != self.origin:
            return
        value = f"{self.key.prefix}{self.secret}"
        if self.key.place == "header":
            request.headers[self.key.name] = value
        else:
            request.meta["url_without_key"] = request.url
            # A request's address has no public way to be changed in place.
            request._set_url(add_or_replace_parameter(request.url, self.key.name, value))

    def process_response(self, request: Request, response: Response) -> Response:
        if not request.meta.get(FOR_API):
            return response
        self._take_out(request)
        return response.replace(url=request.url)

    def process_exception(self, request: Request, exception: Exception) -> None:
        self._take_out(request)

    def _take_out(self, request: Request) -> None:
        if request.meta.get(FOR_API):
            if self.key.place == "header":
                request.headers.pop(self.key.name, None)
            elif "url_without_key" in request.meta:
                request._set_url(request.meta.pop("url_without_key"))


class _Redacting(logging.Filter):
    """Takes a key out of what is logged."""

    def __init__(self, secret: str) -> None:
        super().__init__()
        self.spellings = {secret, quote(secret, safe=""), quote_plus(secret)}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        record.msg, record.args = self._without(record.getMessage()), None
        record.exc_text = self._without(record.exc_text) if record.exc_text else None
        return True

    def _without(self, text: str) -> str:
        for spelling in self.spellings:
            text = text.replace(spelling, "…")
        return text
