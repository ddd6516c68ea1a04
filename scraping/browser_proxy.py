"""The only way out of the browser that renders pages: a proxy that reaches what crawls may.

Chromium resolves no name itself and connects to nothing but this proxy, loopback addresses
included; so images, frames, scripts, sockets and redirects of a rendered page all come by here. A
name is resolved once, and the connection goes to exactly the address that was judged: there is no
moment at which a name server could change its mind.

Every rendered page has a proxy of its own, so that its bytes are counted and its connections end
with it. Plain HTTP comes in absolute form, everything else through CONNECT.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from scraping.addresses import Reach

LONGEST_HEAD = 64 * 1024
MOST_CONNECTIONS = 1000
MOST_ADDRESSES = 4
CONNECT_S = 10.0
_CHUNK = 64 * 1024
# They are about one connection, not about the request; RFC 9110, 7.6.1.
_HOP = {
    "connection", "keep-alive", "proxy-connection", "proxy-authorization", "proxy-authenticate",
    "te", "upgrade",
}  # fmt: skip

Address = tuple[int, Any]
Resolve = Callable[[str, int], Awaitable[list[Address]]]


class _Refused(Exception):
    """This connection is not made; the text is a sentence."""


class _Spent(Exception):
    """The page has fetched as much as one may."""


async def resolve(host: str, port: int) -> list[Address]:
    """(address family, socket address) of a host, in the system's order; empty if there is none."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [(family, address) for family, _, _, _, address in found]


class BrowserProxy:
    """A context manager: listens while it is open, and ends every connection when it is left.

    most_bytes: both ways, in all. ``refused``: "host:port" of what was not reached → a sentence.
    ``is_spent``: whether most_bytes were reached; nothing comes through any more then.
    """

    def __init__(self, reach: Reach, most_bytes: int, resolve: Resolve = resolve) -> None:
        self.reach = reach
        self.bytes_left = most_bytes
        self.refused: dict[str, str] = {}
        self._resolve = resolve
        self._connections = 0
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> "BrowserProxy":
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, limit=LONGEST_HEAD, backlog=100
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        self.hang_up()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2)

    def hang_up(self) -> None:
        """End every connection that is open now."""
        for task in self._tasks:
            task.cancel()

    @property
    def url(self) -> str:
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    @property
    def is_spent(self) -> bool:
        return self.bytes_left < 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._connections += 1
        try:
            if self._connections <= MOST_CONNECTIONS and not self.is_spent:
                await self._answer(reader, writer)
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError, _Spent):
            # One side went away, or does not speak HTTP: the connection just ends.
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort() if self.is_spent else writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *headers = await _head(reader)
        method, target, _ = first.split(" ", 2)
        is_tunnel = method == "CONNECT"
        host, port, path = _tunnel_target(target) if is_tunnel else _plain_target(target)
        try:
            upstream = await self._connect(host, port)
        except _Refused as refused:
            self.refused[f"{host}:{port}"] = str(refused)
            if is_tunnel:
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
            # A plain request gets no answer: a page must not take one of ours for the site's.
            return
        try:
            if is_tunnel:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                _send_head(upstream[1], f"{method} {path} HTTP/1.1", headers)
            await self._relay(reader, writer, *upstream, has_head=not is_tunnel)
        finally:
            upstream[1].close()

    async def _connect(
        self, host: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to an address of the host that may be reached. Raises _Refused."""
        if not self.reach.allows_port(host, port):
            raise _Refused(f"Port {port} of {host} is not among those that crawls use.")
        try:
            found = await asyncio.wait_for(self._resolve(host, port), CONNECT_S)
        except TimeoutError:
            found = []
        if not found:
            raise _Refused(f"There is no host named {host}.")
        open_ones = [one for one in found if self.reach.allows(str(one[1][0]), host, port)]
        if not open_ones:
            raise _Refused(f"{host} leads to a private address; crawls reach public ones only.")
        for family, address in open_ones[:MOST_ADDRESSES]:
            with suppress(OSError, TimeoutError):
                return await _open(family, address)
        raise _Refused(f"{host} refuses connections.")

    async def _relay(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        up_reader: asyncio.StreamReader,
        up_writer: asyncio.StreamWriter,
        *,
        has_head: bool,
    ) -> None:
        """Pass bytes on both ways until one side has no more."""
        down = self._pass_answer if has_head else self._pass
        ways = [
            asyncio.create_task(down(up_reader, writer)),
            asyncio.create_task(self._pass(reader, up_writer)),
        ]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in done:
                way.result()
        finally:
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)

    async def _pass_answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """An answer that ends its connection: the next request may be to another host."""
        for _ in range(5):
            first, *headers = await _head(reader)
            status = first.split(" ", 2)[1]
            if not status.startswith("1"):
                break
        else:
            raise ValueError("There are only interim answers.")
        _send_head(writer, first, headers)
        await self._pass(reader, writer)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            self.bytes_left -= len(data)
            if self.is_spent:
                raise _Spent
            writer.write(data)
            await writer.drain()


async def _head(reader: asyncio.StreamReader) -> list[str]:
    """The lines of a message before its body, without the empty one. Raises ValueError."""
    lines: list[str] = []
    size = 0
    while line := await reader.readline():
        size += len(line)
        if size > LONGEST_HEAD:
            raise ValueError("The head is too long.")
        if not line.strip():
            if lines:
                return lines
            continue
        lines.append(line.rstrip(b"\r\n").decode("latin-1"))
    raise EOFError


def _send_head(writer: asyncio.StreamWriter, first: str, headers: list[str]) -> None:
    kept = [line for line in headers if line.partition(":")[0].strip().lower() not in _HOP]
    head = "\r\n".join([first, *kept, "Connection: close", "", ""])
    writer.write(head.encode("latin-1"))


def _tunnel_target(target: str) -> tuple[str, int, str]:
    parts = urlsplit(f"//{target}")
    if not parts.hostname or parts.port is None or parts.netloc != target or "@" in target:
        raise ValueError("This is no host with a port.")
    return parts.hostname, parts.port, ""


def _plain_target(target: str) -> tuple[str, int, str]:
    parts = urlsplit(target)
    if parts.scheme != "http" or not parts.hostname or "@" in parts.netloc:
        raise ValueError("This is no plain web address.")
    path = parts.path or "/"
    return parts.hostname, parts.port or 80, f"{path}?{parts.query}" if parts.query else path


async def _open(family: int, address: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to a numeric address, without asking for a name again."""
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setblocking(False)
    try:
        loop = asyncio.get_running_loop()
        await asyncio.wait_for(loop.sock_connect(made, address), CONNECT_S)
        return await asyncio.open_connection(sock=made, limit=LONGEST_HEAD)
    except BaseException:
        made.close()
        raise
