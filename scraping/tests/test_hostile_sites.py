"""Sites that mean harm, or are only broken: the crawl ends, in time and within its memory."""

import gzip
import itertools
import json
import subprocess
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack

import brotli
import psutil
import pytest
from backports import zstd
from django.conf import settings as django_settings

from gallery.tests.factories import picture_file
from scraping.crawl_config import CrawlConfig, to_json
from scraping.tests.child import Told, command, config_of, crawl_alone
from scraping.tests.raw_server import RawServer, with_head

PNG = picture_file(1, 64, 96)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n"
MEGABYTE = 1_000_000


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer() as made:
        yield made


def measured(config: CrawlConfig) -> tuple[Told, float, float]:
    """What a crawl said, its seconds, and the most bytes that its process held."""
    began = time.monotonic()
    child = subprocess.Popen(
        command(None), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        cwd=django_settings.BASE_DIR,
    )  # fmt: skip
    most = 0
    ended = threading.Event()

    def watch() -> None:
        nonlocal most
        process = psutil.Process(child.pid)
        while not ended.wait(0.02):
            try:
                most = max(most, process.memory_info().rss)
            except psutil.Error:
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        out, log = child.communicate(to_json(config).encode(), timeout=200)
    finally:
        child.kill()
        ended.set()
        watcher.join()
    events = [json.loads(line) for line in out.splitlines()]
    seconds = time.monotonic() - began
    return Told(events, log.decode(errors="replace"), child.returncode), seconds, most


def pictures(server: RawServer, *names: str) -> None:
    server.page("/", "".join(f'<img src="/{name}">' for name in (*names, "good.png")))
    server.raw("/good.png", with_head(PNG, "image/png"))


def test_redirects_without_end_come_to_an_end(server, tmp_path):
    def redirect(to: str) -> bytes:
        return f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()

    pictures(server, "loop.png", "grows.png", "many0.png", "long.png")
    server.raw("/loop.png", redirect("/loop.png"))
    path = "/grows.png"
    for _ in range(12):
        longer = path + "?" + "x" * 300 if path == "/grows.png" else path + "x" * 300
        server.raw(path, redirect(longer))
        path = longer
    for number in range(12):
        server.raw(f"/many{number}.png", redirect(f"/many{number + 1}.png"))
    server.raw("/long.png", redirect("/" + "y" * 10_000))
    told = crawl_alone(config_of(server.url + "/", tmp_path))
    assert told.pictures == ["/good.png"]
    assert len(told.refused) == 4
    assert max(len(path) for path in server.asked) < 2000
    assert len(server.asked) < 25


def test_a_trap_of_a_million_links_costs_no_more_than_its_pages(server, tmp_path):
    numbers = itertools.count()

    def answer(connection, path, closing) -> None:
        links = "".join(f'<a href="/day/{next(numbers)}">Next</a>' for _ in range(4000))
        connection.sendall(with_head(f"<title>Calendar</title>{links}".encode()))

    class Everything(dict):
        def get(self, path, default=None):
            return default if path == "/robots.txt" else answer

    server.answers = Everything()
    config = config_of(server.url + "/", tmp_path, options={"depth": 10, "max_pages": 60})
    told, _, most = measured(config)
    assert len(told.pages) <= 60
    assert len(server.asked) <= 61
    assert most < 200 * MEGABYTE


def test_what_drips_ends_in_time(server, tmp_path):
    pictures(server, "body.png", "head.png", "chunks.png", "continue.png")
    server.drip("/body.png", HEAD + b"\r\n")
    server.drip("/head.png", HEAD, b"X-More: 1\r\n")
    server.drip("/chunks.png", HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n.\r\n")
    server.drip("/continue.png", b"", b"HTTP/1.1 100 Continue\r\n\r\n")
    told, seconds, _ = measured(config_of(server.url + "/", tmp_path, timeout_s=2.0))
    assert told.pictures == ["/good.png"]
    assert set(told.refused.values()) == {"timeout"}
    assert len(told.refused) == 4
    assert seconds < 30


def test_heads_and_bodies_without_end_are_cut_off(server, tmp_path):
    pictures(server, "lines.png", "line.png", "interim.png", "body.png", "trailer.png")
    server.flood(
        "/lines.png", HEAD, lambda n: b"".join(b"X-%d-%d: y\r\n" % (n, i) for i in range(1000))
    )
    server.flood("/line.png", HEAD + b"X-Long: ", lambda n: b"z" * 65536)
    server.flood("/interim.png", b"", lambda n: b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)
    server.flood("/body.png", HEAD + b"\r\n", lambda n: b"b" * 65536)
    server.flood(
        "/trailer.png", HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n.\r\n0\r\n",
        lambda n: b"".join(b"T-%d-%d: y\r\n" % (n, i) for i in range(1000)),
    )  # fmt: skip
    config = config_of(server.url + "/", tmp_path, timeout_s=15.0, max_bytes=5 * MEGABYTE)
    told, seconds, most = measured(config)
    assert told.pictures == ["/good.png"]
    assert len(told.refused) == 5
    assert told.refused["/body.png"] == "too_large"
    assert most < 200 * MEGABYTE
    assert seconds < 40


def bomb(kind: str, size: int) -> bytes:
    zeros = bytes(size)
    match kind:
        case "gzip":
            return gzip.compress(zeros)
        case "deflate":
            return zlib.compress(zeros)
        case "br":
            return bytes(brotli.compress(zeros, quality=5))
    return zstd.compress(zeros)


@pytest.mark.parametrize("kind", ["gzip", "deflate", "br", "zstd"])
def test_bombs_are_not_inflated(server, tmp_path, kind):
    pictures(server, "bomb.png", "layers.png")
    data = bomb(kind, 300 * MEGABYTE)
    assert len(data) < MEGABYTE
    server.raw("/bomb.png", with_head(data, "image/png", Content_Encoding=kind))
    server.raw(
        "/layers.png", with_head(data, "image/png", Content_Encoding=f"{kind}, " * 50 + kind)
    )
    config = config_of(server.url + "/", tmp_path, max_bytes=10 * MEGABYTE)
    told, _, most = measured(config)
    assert told.pictures == ["/good.png"]
    assert told.refused == {"/bomb.png": "too_large", "/layers.png": "too_large"}
    assert most < 200 * MEGABYTE


def test_many_answers_that_become_large_are_not_held_at_once(tmp_path):
    """Each as large as a picture may be, and a thousand times smaller on its way."""
    hosts = [f"127.0.0.{number}" for number in range(20, 28)]
    data = gzip.compress(b"BM" + bytes(45 * MEGABYTE))
    with ExitStack() as stack:
        servers = [stack.enter_context(RawServer(host)) for host in hosts]
        for each in servers:
            each.raw("/1.bmp", with_head(data, "image/bmp", Content_Encoding="gzip"))
        servers[0].page("/", "".join(f'<img src="{each.url}/1.bmp">' for each in servers))
        config = config_of(
            servers[0].url + "/", tmp_path, max_bytes=50 * MEGABYTE, allowed_hosts=tuple(hosts)
        )
        told, _, most = measured(config)
    assert told.pictures == ["/1.bmp"] * len(hosts)
    assert most < 300 * MEGABYTE


def test_lengths_and_types_that_lie_harm_nobody(server, tmp_path):
    names = ("short.png", "long.png", "negative.png", "two.png", "word.png", "page.png", "none")
    pictures(server, *names, "nothing.png", "garbage.png", "closed.png")
    server.raw("/short.png", with_head(PNG, "image/png", Content_Length=len(PNG) - 10))
    server.raw("/long.png", with_head(PNG, "image/png", Content_Length=len(PNG) + 10))
    server.raw("/negative.png", with_head(PNG, "image/png", Content_Length=-5))
    server.raw("/two.png", HEAD + b"Content-Length: 3\r\nContent-Length: 9\r\n\r\n" + PNG)
    server.raw("/word.png", with_head(PNG, "image/png", Content_Length="many"))
    server.raw("/page.png", with_head(b"<p>A page</p>"))
    server.raw("/none", b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(PNG) + PNG)
    server.raw("/nothing.png", HEAD + b"Content-Length: 0\r\n\r\n")
    server.raw("/garbage.png", bytes(range(256)) * 20)
    server.raw("/closed.png", b"")
    told = crawl_alone(config_of(server.url + "/", tmp_path))
    assert set(told.pictures) >= {"/good.png", "/none"}
    assert (told.refused["/page.png"], told.refused["/nothing.png"]) == ("format", "damaged")
    for name in ("long.png", "negative.png", "two.png", "word.png", "garbage.png", "closed.png"):
        assert told.refused["/" + name] == "unreachable"
    assert told.all("end")


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 300_000 + '<img src="good.png">',
        "<a href='/x'>" * 100_000 + '<img src="good.png">',
        '<img src="good.png"><table><tr>' * 20_000,
        '<img src="good.png"' + " data-x='y'" * 100_000 + ">",
        '<img src="good.png" srcset="' + ", ".join(f"/{n}.png {n}w" for n in range(200_000)) + '">',
        '<img src="good.png"><script type="application/ld+json">' + "[" * 100_000,
        '<img src="good.png"><style>' + "a{background:url(" * 100_000,
        '<img src="good.png"><style>' + "a{background:url(/a(" * 100_000,
        '<img src="good.png"><!-- ' + "<!-- " * 100_000,
        '<base href="javascript:x"><img src="/good.png"><a href="http://[/">x</a><p',
        '<img src="good.png">' + "\x00\ufffe\ud7ff" * 50_000,
        "<img src='good.png'>" + "<img src=x>" * 200_000,
    ],
    ids=[
        "deep", "links in links", "tables", "attributes", "srcset", "json", "css", "more css",
        "comments", "addresses", "characters", "pictures",
    ],
)  # fmt: skip
def test_a_crooked_page_is_read_in_time(server, tmp_path, html):
    server.page("/", html)
    server.raw("/good.png", with_head(PNG, "image/png"))
    told, seconds, most = measured(
        config_of(server.url + "/", tmp_path, options={"depth": 0, "max_images": 5})
    )
    assert told.all("end")
    assert told.pages == ["/"] or told.troubles
    assert seconds < 60
    assert most < 800 * MEGABYTE


def test_a_page_of_fifty_megabytes_is_left_alone(server, tmp_path):
    server.page("/", '<a href="/large">Large</a><a href="/claims">Claims</a>')
    server.raw(
        "/large", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + b"<p>x" * 12_500_000
    )
    server.raw("/claims", with_head(b"<p>x", Content_Length=50_000_000))
    told, _, most = measured(config_of(server.url + "/", tmp_path))
    assert told.pages == ["/"]
    assert sum("larger than the set limit" in trouble for trouble in told.troubles) == 2
    assert most < 200 * MEGABYTE


@pytest.mark.parametrize("said", ["utf-16", "koi8-r", "nonsense", "utf-7", ""])
def test_a_wrong_charset_hides_no_picture(server, tmp_path, said):
    kind = f"text/html; charset={said}" if said else "text/html"
    server.raw("/", with_head("<title>Boöte</title><img src=good.png>".encode("latin-1"), kind))
    server.raw("/good.png", with_head(PNG, "image/png"))
    told = crawl_alone(config_of(server.url + "/", tmp_path))
    assert told.pages == ["/"]
    assert told.all("end")
    if said != "utf-16":
        assert told.pictures == ["/good.png"]


@pytest.mark.parametrize(
    "rules",
    [
        b"User-agent: *\nDisallow: /" + b"a" * 2_000_000,
        b"User-agent: *\n" + b"Disallow: /*a*b*c*d*e*f*g*h$\n" * 20_000,
        # A file that is read whole, and whose every rule is for each of its names.
        b"".join(b"User-agent: a%d\n" % n for n in range(12_000))
        + b"".join(b"Disallow: /%d\n" % n for n in range(15_000)),
        b"User-agent: *\n" + b"".join(b"Disallow: /%d*y\n" % n for n in range(1_500_000)),
        b"\x00\xff\xfe" * 100_000,
        b"User-agent: *\nCrawl-delay: -5\nCrawl-delay: nan\n",
        b"<html><h1>Not robots.txt</h1></html>",
    ],
    ids=["long", "many", "names", "more", "bytes", "delays", "html"],
)
def test_rules_that_are_none_stop_nothing(server, tmp_path, rules):
    pictures(server)
    server.raw("/robots.txt", with_head(rules, "text/plain"))
    told, seconds, most = measured(config_of(server.url + "/", tmp_path))
    assert told.pictures == ["/good.png"]
    assert seconds < 60
    assert most < 250 * MEGABYTE


@pytest.mark.parametrize("way", ["error", "drips", "bomb"])
def test_where_rules_cannot_be_read_nothing_is_fetched(server, tmp_path, way):
    pictures(server)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
    if way == "error":
        server.raw("/robots.txt", b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n")
    elif way == "drips":
        server.drip("/robots.txt", head)
    else:
        data = gzip.compress(bytes(300 * MEGABYTE))
        server.raw("/robots.txt", with_head(data, "text/plain", Content_Encoding="gzip"))
    told, seconds, _ = measured(config_of(server.url + "/", tmp_path, timeout_s=2.0))
    [trouble] = told.troubles
    assert trouble == "robots.txt of 127.0.0.2 cannot be read, so nothing is fetched there."
    assert set(server.asked) == {"/robots.txt"}
    assert seconds < 30


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_host_without_rules_forbids_nothing(server, tmp_path, status):
    pictures(server)
    answer = b"HTTP/1.1 %d No\r\nContent-Length: 23\r\n\r\nDisallow: /" + b" " * 12
    server.raw("/robots.txt", answer % status)
    assert crawl_alone(config_of(server.url + "/", tmp_path)).pictures == ["/good.png"]


def test_rules_of_robots_are_heeded_for_pages_and_pictures(server, tmp_path):
    pictures(server, "closed/a.png", "open/b.png")
    server.raw("/robots.txt", with_head(b"User-agent: *\nDisallow: /closed/\n", "text/plain"))
    server.raw("/open/b.png", with_head(PNG, "image/png"))
    told = crawl_alone(config_of(server.url + "/", tmp_path))
    assert told.pictures == ["/good.png", "/open/b.png"]
    assert told.refused == {"/closed/a.png": "robots"}
    assert "/closed/a.png" not in server.asked
