"""Plain downloads that end: Scrapy's own handler, with bounds on what it leaves unbounded.

Scrapy counts a body's bytes, and gives a whole answer (name, connection, head and body) the seconds
of DOWNLOAD_TIMEOUT. It does not count the bytes of a head, nor how often a body is compressed, nor
how many small answers it has made large at once.
"""

import asyncio
from typing import Any

from scrapy.core.downloader.handlers.http11 import (
    HTTP11DownloadHandler,
    _LenientHTTP11ClientFactory,
    _LenientHTTP11ClientProtocol,
)
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.exceptions import DownloadCancelledError
from scrapy.http import Request, Response
from twisted.web._newclient import HEADER, STATUS

from scraping.held_bytes import HeldBytes
from scraping.polite_middlewares import its_turn

# Of all lines before a body, those of interim answers included.
LONGEST_HEAD = 256 * 1024
# Every layer may be as large as the body itself.
MOST_LAYERS = 2
# An answer waits no longer than this for others that are inflated to be read.
LONGEST_WAIT_S = 10.0
_LOOK_EVERY_S = 0.05


class _BoundedProtocol(_LenientHTTP11ClientProtocol):  # type: ignore[misc]
    """Hangs up on a server whose head has no end."""

    head = 0

    def request(self, request: Any) -> Any:
        self.head = 0
        return super().request(request)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        parser = self._parser
        if parser is not None and parser.state in (STATUS, HEADER):
            self.head += len(data)
            if self.head > LONGEST_HEAD:
                self.transport.abortConnection()
                return
        super().dataReceived(data)


class _BoundedFactory(_LenientHTTP11ClientFactory):  # type: ignore[misc]
    def buildProtocol(self, addr: Any) -> _BoundedProtocol:  # noqa: N802
        return _BoundedProtocol(self._quiescentCallback)


class Bounded:
    """What is mixed into a handler of HTTP/1.1."""

    def __init__(self, crawler: Any) -> None:
        super().__init__(crawler)  # type: ignore[call-arg]
        self.crawler = crawler
        self._pool: Any
        self._pool._factory = _BoundedFactory

    async def download_request(self, request: Request) -> Response:
        async with its_turn(self.crawler, request):
            return await self.bounded(request)

    async def bounded(self, request: Request) -> Response:
        response = await super().download_request(request)  # type: ignore[misc]
        layers = b",".join(response.headers.getlist("Content-Encoding")).split(b",")
        if sum(1 for layer in layers if layer.strip()) > MOST_LAYERS:
            raise DownloadCancelledError(f"{request.url} is compressed {len(layers)} times.")
        return response


class BoundedHandler(Bounded, HTTP11DownloadHandler):  # type: ignore[misc]
    """For crawls that open no page in a browser."""


class InflateInTurn(HttpCompressionMiddleware):  # type: ignore[misc]
    """Scrapy's, but that an answer waits until those inflated before it have been read."""

    def __init__(self, *args: Any, crawler: Any, **kwargs: Any) -> None:
        super().__init__(*args, crawler=crawler, **kwargs)
        self.inflated: HeldBytes = crawler.crawl_state.inflated

    async def process_response(self, request: Request, response: Response) -> Any:
        if "Content-Encoding" not in response.headers:
            return response
        for _ in range(int(LONGEST_WAIT_S / _LOOK_EVERY_S)):
            if not self.inflated.are_many:
                break
            await asyncio.sleep(_LOOK_EVERY_S)
        made = super().process_response(request, response)
        self.inflated.count(made, len(made.body))
        return made
