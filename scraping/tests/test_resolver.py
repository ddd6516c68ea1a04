"""The guard that every connection of a crawl goes through."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from twisted.internet.address import IPv4Address, IPv6Address

from scraping import resolver
from scraping.addresses import Reach, reach_from
from scraping.resolver import PublicResolver


class NameServer:
    """An IHostnameResolver that answers each question with the next of its answers."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = iter(answers)

    def resolveHostName(self, receiver, name, port=0, types=None, semantics="TCP"):
        receiver.resolutionBegan(self)
        for host in next(self.answers):
            kind = IPv6Address if ":" in host else IPv4Address
            receiver.addressResolved(kind("TCP", host, port))
        receiver.resolutionComplete()
        return self


class Receiver:
    def __init__(self) -> None:
        self.hosts: list[str] = []
        self.complete = 0

    def resolutionBegan(self, resolution: object) -> None:
        pass

    def addressResolved(self, address: Any) -> None:
        self.hosts.append(address.host)

    def resolutionComplete(self) -> None:
        self.complete += 1


@pytest.fixture(autouse=True)
def no_refusals_left() -> Iterator[None]:
    resolver.refused_hosts.clear()
    yield
    resolver.refused_hosts.clear()


def guard_over(*answers: list[str], reach: Reach | None = None) -> PublicResolver:
    return PublicResolver(NameServer(*answers), reach or Reach())


def ask(guard: PublicResolver, name: str = "example.org", port: int = 443) -> list[str]:
    receiver = Receiver()
    guard.resolveHostName(receiver, name, port)
    assert receiver.complete == 1
    return receiver.hosts


def test_private_answers_are_left_out_and_public_ones_pass():
    guard = guard_over(["10.0.0.1", "8.8.8.8", "::1", "2606:4700::1"])
    assert ask(guard) == ["8.8.8.8", "2606:4700::1"]
    assert resolver.refused_hosts == set()


def test_a_host_with_private_addresses_alone_is_remembered():
    guard = guard_over(["10.0.0.1", "::ffff:127.0.0.1"])
    assert ask(guard, "Intern.Example.org.") == []
    assert resolver.refused_hosts == {"intern.example.org"}


def test_a_name_that_does_not_exist_is_no_private_host():
    assert ask(guard_over([])) == []
    assert resolver.refused_hosts == set()


def test_a_name_server_that_changes_its_mind_gains_nothing():
    guard = guard_over(["8.8.8.8"], ["127.0.0.1"], ["169.254.169.254"])
    assert [ask(guard), ask(guard), ask(guard)] == [["8.8.8.8"], [], []]


def test_opened_networks_pass():
    guard = guard_over(["127.0.0.2", "127.0.0.1"], reach=reach_from(["127.0.0.2/32"]))
    assert ask(guard) == ["127.0.0.2"]


def test_a_port_that_is_not_open_leads_nowhere():
    reach = reach_from(hosts=["gallery.test:9000"])
    guard = guard_over(["8.8.8.8"], ["8.8.8.8"], ["127.0.0.1"], ["127.0.0.1"], reach=reach)
    assert ask(guard, port=22) == []
    assert ask(guard, port=8080) == ["8.8.8.8"]
    assert ask(guard, "Gallery.test", 9001) == []
    assert ask(guard, "Gallery.test", 9000) == ["127.0.0.1"]


def test_scrapy_s_own_servers_and_other_schemes_are_off():
    """In a process of its own: importing a reactor here would stay for all other tests."""
    code = """
from scraping.crawl_config import CrawlConfig, TargetConfig
from scraping.crawl_process import settings_of
from scrapy.crawler import Crawler
from scrapy.settings import Settings
from scraping.spiders.page_gallery import PageGallerySpider
target = TargetConfig(1, "https://example.org/", "/nowhere")
config = CrawlConfig(spool="/nowhere", user_agent="Imagineer/0.1", targets=(target,))
settings = Crawler(PageGallerySpider, Settings(settings_of(config, target))).settings
off = ("REMOTE_CONTROL_ENABLED", "TELNETCONSOLE_ENABLED", "HTTPPROXY_ENABLED", "COOKIES_ENABLED")
for name in off:
    assert not settings.getbool(name), name
assert settings.getbool("ROBOTSTXT_OBEY")
handlers = settings.getwithbase("DOWNLOAD_HANDLERS")
assert {scheme for scheme, handler in handlers.items() if handler} == {"http", "https"}, handlers
"""
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=settings.BASE_DIR, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
