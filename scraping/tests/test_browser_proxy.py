"""The browser's way out, asked directly: no browser, but real connections."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from scraping.addresses import Reach, reach_from
from scraping.browser_proxy import LONGEST_HEAD, BrowserProxy
from scraping.tests.raw_server import RawServer
from scraping.tests.site import OPEN_HOSTS, PRIVATE, PUBLIC, Site

OPEN = reach_from(hosts=OPEN_HOSTS)
Ask = Callable[[str], Awaitable[bytes]]


def through(
    do: Callable[[Ask, BrowserProxy], Awaitable[Any]], reach: Reach = OPEN, **options: Any
) -> Any:
    """What ``do`` gets of a proxy that is open meanwhile; it is given what sends a head."""

    async def run() -> Any:
        async with BrowserProxy(reach, **{"most_bytes": 1_000_000} | options) as proxy:
            port = int(proxy.url.rpartition(":")[2])

            async def ask(head: str) -> bytes:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(head.replace("\n", "\r\n").encode())
                answer = b""
                with suppress(ConnectionResetError):
                    while data := await asyncio.wait_for(reader.read(65536), 10):
                        answer += data
                writer.close()
                return answer

            return await do(ask, proxy)

    return asyncio.run(run())


def test_a_plain_request_is_passed_on_with_its_answer(site: Site):
    site.put("/a?b=c", "Hello")
    answer = through(lambda ask, proxy: ask(f"GET {site.url}/a?b=c HTTP/1.1\nHost: x\n\n"))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert body == b"Hello"
    assert b"connection: close" in head.lower()
    assert site.asked == ["/a?b=c"]


def test_a_tunnel_leads_to_the_host_it_names(site: Site):
    site.put("/a", "Hello")
    host = site.url.removeprefix("http://")
    answer = through(
        lambda ask, proxy: ask(f"CONNECT {host} HTTP/1.1\n\nGET /a HTTP/1.0\nHost: x\n\n")
    )
    assert answer.startswith(b"HTTP/1.1 200 Connection established\r\n\r\n")
    assert answer.endswith(b"Hello")


def test_what_may_not_be_reached_is_not_asked_and_told_why(site: Site):
    with Site(PRIVATE, port=site.port) as private:

        async def answers(host: str, port: int) -> list[tuple[int, Any]]:
            return [] if host == "gone.test" else [(2, (PRIVATE, port))]

        async def do(ask: Ask, proxy: BrowserProxy) -> list[bytes]:
            said = [
                await ask(f"GET http://inside.test:{site.port}/ HTTP/1.1\n\n"),
                await ask(f"CONNECT inside.test:{site.port} HTTP/1.1\n\n"),
                await ask("CONNECT inside.test:22 HTTP/1.1\n\n"),
                await ask(f"CONNECT gone.test:{site.port} HTTP/1.1\n\n"),
            ]
            sentences = " ".join(proxy.refused.values())
            assert "inside.test leads to a private address" in sentences
            assert "Port 22 of inside.test" in sentences
            assert "There is no host named gone.test" in sentences
            return said

        said = through(do, reach_from(ports=[site.port]), resolve=answers)
        assert said[0] == b""
        assert all(one.startswith(b"HTTP/1.1 403") for one in said[1:])
        assert private.asked == []


def test_each_connection_goes_to_what_was_judged_for_it(site: Site):
    with Site(PRIVATE, port=site.port) as private:
        hosts = iter([PUBLIC, PRIVATE, PRIVATE])

        async def answers(host: str, port: int) -> list[tuple[int, Any]]:
            return [(2, (next(hosts), port))]

        async def do(ask: Ask, proxy: BrowserProxy) -> list[bool]:
            return [
                bool(await ask(f"GET http://rebound.test:{site.port}/{n} HTTP/1.1\n\n"))
                for n in range(3)
            ]

        reach = reach_from([f"{PUBLIC}/32"], ports=[site.port])
        assert through(do, reach, resolve=answers) == [True, False, False]
        assert site.asked == ["/0"]
        assert private.asked == []


def test_what_is_no_request_is_answered_with_nothing():
    async def do(ask: Ask, proxy: BrowserProxy) -> set[bytes]:
        return {
            await ask("nonsense\n\n"),
            await ask("GET / HTTP/1.1\n\n"),
            await ask("GET file:///etc/passwd HTTP/1.1\n\n"),
            await ask(f"GET http://me:secret@{PUBLIC}/ HTTP/1.1\n\n"),
            await ask(f"CONNECT me@{PUBLIC}:80 HTTP/1.1\n\n"),
            await ask(f"CONNECT {PUBLIC} HTTP/1.1\n\n"),
            await ask("GET http://a/ HTTP/1.1\n" + "X: y\n" * LONGEST_HEAD + "\n"),
        }

    assert through(do) == {b""}


def test_heads_without_end_and_bytes_beyond_the_limit_do_not_come():
    with RawServer() as server:
        server.flood("/head", b"HTTP/1.1 200 OK\r\n", lambda n: b"X-More: y\r\n" * 1000)
        server.flood("/interim", b"", lambda n: b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
        server.flood("/body", b"HTTP/1.1 200 OK\r\n\r\n", lambda n: b"b" * 65536)

        async def do(ask: Ask, proxy: BrowserProxy) -> list[int]:
            sizes = [
                len(await ask(f"GET {server.url}{path} HTTP/1.1\n\n"))
                for path in ("/head", "/interim")
            ]
            spent = [proxy.is_spent]
            sizes.append(len(await ask(f"GET {server.url}/body HTTP/1.1\n\n")))
            assert [*spent, proxy.is_spent] == [False, True]
            return [*sizes, len(await ask(f"GET {server.url}/none HTTP/1.1\n\n"))]

        head, interim, body, after = through(do)
        assert head == interim == after == 0
        assert body <= 1_100_000
        assert "/none" not in server.asked


def test_nothing_is_left_open_when_it_ends():
    with RawServer() as server:
        server.drip("/slow", b"HTTP/1.1 200 OK\r\n\r\n", every_s=5)

        async def do(ask: Ask, proxy: BrowserProxy) -> asyncio.Task[bytes]:
            task = asyncio.ensure_future(ask(f"GET {server.url}/slow HTTP/1.1\n\n"))
            while "/slow" not in server.asked:
                await asyncio.sleep(0.01)
            proxy.hang_up()
            assert b"200 OK" in await asyncio.wait_for(task, 3)
            return task

        assert through(do).done()
