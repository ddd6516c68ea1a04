"""Plain crawls reach nothing private, whatever redirects, links and name servers say."""

from pathlib import Path

import pytest

from scraping.tests.child import config_of, crawl_alone
from scraping.tests.site import OTHER_PUBLIC, PRIVATE, PUBLIC, Site

# The private site's port is open, so that it is no reason to refuse.
NAME = "rebound.test"


def config_by_name(site: Site, spool: Path, **changes):
    """The site by its name, whose addresses a test's name server chooses."""
    return config_of(
        f"http://{NAME}:{site.port}/", spool,
        **{
            "allowed_hosts": (), "allowed_networks": (f"{PUBLIC}/32",),
            "allowed_ports": (site.port,),
        } | changes,
    )  # fmt: skip


def test_links_pictures_and_redirects_to_private_addresses_are_refused(site, tmp_path):
    with Site(PRIVATE, port=site.port) as private, Site("127.0.0.1", port=site.port) as loopback:
        port = site.port
        hosts = [
            PRIVATE, "localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1",
            "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
            "169.254.169.254", "[fd00:ec2::254]", "10.0.0.1", "100.64.0.1", "224.0.0.1",
            "inside.test", "mapped.test",
        ]  # fmt: skip
        parts = []
        for number, host in enumerate(hosts):
            parts += [
                f'<img src="http://{host}:{port}/{number}.png">',
                f'<img src="/{number}r.png">',
            ]
            site.redirect(f"/{number}r.png", f"http://{host}:{port}/r.png")
        site.page("/", "".join(parts))
        config = config_of(site.url + "/", tmp_path, allowed_ports=(port,))
        names = {"inside.test": [["127.0.0.1"]], "mapped.test": [["::ffff:127.0.0.1"]]}
        told = crawl_alone(config, names)
        assert private.asked == loopback.asked == []
        assert len(told.refused) == 2 * len(hosts)
        assert set(told.refused.values()) == {"private"}


def test_robots_txt_and_sitemaps_lead_to_nothing_private(site, tmp_path):
    with Site(PRIVATE, port=site.port) as private:
        site.page("/", "A page")
        site.put("/robots.txt", f"Sitemap: {private.url}/map.xml", "text/plain")
        told = crawl_alone(
            config_of(
                site.url + "/", tmp_path, allowed_ports=(site.port,),
                options={"use_sitemaps": True},
            )
        )  # fmt: skip
        assert told.pages == ["/"]
        assert any("private address" in trouble for trouble in told.troubles)
        site.redirect("/robots.txt", f"{private.url}/robots.txt")
        crawl_alone(config_of(site.url + "/", tmp_path, allowed_ports=(site.port,)))
        assert private.asked == []


def test_a_name_that_leads_elsewhere_the_second_time_gains_nothing(site, tmp_path):
    """As an attack by rebinding: each connection is judged by the answer that it goes to."""
    with Site(PRIVATE, port=site.port) as private:
        site.page("/", '<img src="a.png"><a href="/more">More</a>')
        site.picture("/a.png", 1)
        site.page("/more", "More")
        names = {NAME: [[PUBLIC], [PUBLIC], [PRIVATE], [PRIVATE, "127.0.0.1"], [PRIVATE]]}
        told = crawl_alone(config_by_name(site, tmp_path), names)
        assert "/" in told.pages
        assert private.asked == []


def test_of_a_name_s_addresses_only_public_ones_are_tried(site, tmp_path):
    with Site(PRIVATE, port=site.port) as private:
        site.page("/", '<img src="a.png">')
        site.picture("/a.png", 1)
        told = crawl_alone(config_by_name(site, tmp_path), {NAME: [[PRIVATE, PUBLIC]]})
        assert told.pictures == ["/a.png"]
        assert private.asked == []


def test_ports_are_judged_at_every_request(site, tmp_path):
    with Site(OTHER_PUBLIC) as other:
        site.page("/", f'<img src="{other.url}/a.png"><img src="/moved.png"><img src="/b.png">')
        site.redirect("/moved.png", f"{other.url}/moved.png")
        site.picture("/b.png", 1)
        config = config_of(
            site.url + "/", tmp_path, allowed_hosts=(f"{PUBLIC}:{site.port}",),
            allowed_networks=(f"{OTHER_PUBLIC}/32",),
        )  # fmt: skip
        told = crawl_alone(config)
        assert told.pictures == ["/b.png"]
        assert set(told.refused.values()) == {"private"}
        assert all("Port" in one["detail"] for one in told.all("refused"))
        assert other.asked == []


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.2/a", "data:image/png,a"])
def test_redirects_lead_to_the_web_alone(site, tmp_path, target):
    site.page("/", '<img src="a.png">')
    site.redirect("/a.png", target)
    told = crawl_alone(config_of(site.url + "/", tmp_path))
    assert told.pictures == []
    assert len(told.refused) == 1
