import pytest

from scraping.addresses import (
    AddressRefused,
    Reach,
    check_url,
    is_reachable,
    literal,
    plain,
    reach_from,
    same_site,
    site_of,
)

PRIVATE = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1",
    "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.192",
    "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "192.88.99.1", "224.0.0.1",
    "239.255.255.250", "240.0.0.1", "255.255.255.255", "168.63.129.16",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "2001:db8::1",
    "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b:1::1", "2001:0:4136:e378:8000:63bf:f5ff:fffe",
    "3fff::1", "2002:a9fe:a9fe::1", "fd00:c1::a9fe:a9fe",
    "100::1", "::ffff:0:127.0.0.1", "::ffff:0:10.0.0.1", "4000::1", "5f00::1", "not an address", "",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_never_reached(address):
    assert not is_reachable(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_reached(address):
    assert is_reachable(address)


def test_a_named_network_is_open_and_its_neighbours_are_not():
    allowed = reach_from(["127.0.0.2/31", "fd00::/16"]).networks
    assert is_reachable("127.0.0.2", allowed)
    assert is_reachable("::ffff:127.0.0.3", allowed)
    assert is_reachable("fd00::5", allowed)
    assert not is_reachable("127.0.0.1", allowed)
    assert not is_reachable("10.0.0.1", allowed)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "0x7f000001", "0177.0.0.1", "127.0.0.1."],
)
def test_a_loopback_address_is_recognised_in_every_notation(host):
    assert str(literal(host)) == "127.0.0.1"


@pytest.mark.parametrize("host", ["example.org", "1password.com", "", "a.1", "3.example.org"])
def test_a_name_is_no_literal(host):
    assert literal(host) is None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "must begin with http"),
        ("example.org", "must begin with http"),
        ("ftp://example.org/", "must begin with http"),
        ("file:///etc/passwd", "must begin with http"),
        ("http://", "must begin with http"),
        ("javascript:alert(1)", "must begin with http"),
        ("http://[::1", "not a web address"),
        ("http://example.org:99999/", "not a web address"),
        ("http://example.org:abc/", "not a web address"),
        ("http://me@example.org/", "user name or password"),
        ("http://me:secret@example.org/", "user name or password"),
        ("http://exa mple.org/", "spaces"),
        ("http://example.org/\r\nHost: other", "spaces"),
        ("http://example.org/" + "a" * 2000, "longer than"),
        ("http://localhost/", "private"),
        ("http://LOCALHOST:8000/", "private"),
        ("http://printer.local/", "private"),
        ("http://metadata.google.internal/", "private"),
        ("http://router/", "not the name of a public host"),
        ("http://a..b/", "not the name of a host"),
        ("http://127.0.0.1/", "private address"),
        ("http://127.1/", "private address"),
        ("http://2130706433/", "private address"),
        ("http://0x7f.1/", "private address"),
        ("http://0.0.0.0:8000/", "private address"),
        ("http://[::1]/", "private address"),
        ("http://[::ffff:127.0.0.1]/", "private address"),
        ("http://[fe80::1%25eth0]/", "private address"),
        ("http://169.254.169.254/latest/meta-data/", "private address"),
        ("http://192.168.1.1:8080/", "private address"),
        ("http://[::ffff:0:127.0.0.1]/", "private address"),
        ("http://[64:ff9b::7f00:1]/", "private address"),
        ("http://①②⑦.0.0.1/", "private address"),
        ("http://127。0。0。1/", "private address"),
        ("http://127.0.0.1。/", "private address"),
        ("http://１２７.1/", "private address"),
        ("http://printer。local/", "private network"),
        ("http://localhost%00.example.org/", "not the name of a host"),
        ("http://127.0.0.1%2eexample.org/", "not the name of a host"),
        ("http://example.org\\@127.0.0.1/", "user name"),
        ("http://example.org\\.evil.net/", "not the name of a host"),
        (f"http://{'a' * 64}.org/", "not the name of a host"),
    ],
)
def test_an_address_that_is_not_crawled_is_refused_with_a_sentence(url, words):
    with pytest.raises(AddressRefused, match=words) as caught:
        check_url(url)
    assert str(caught.value).endswith(".")


def test_a_public_address_passes_without_its_fragment():
    assert check_url(" https://example.org/a?b=1#top ") == "https://example.org/a?b=1"
    for url in ("https://exämple.org/", "https://xn--exmple-cua.org/", "https://i❤.ws/"):
        assert check_url(url) == url
    assert check_url("https://a_b.example.org./") == "https://a_b.example.org./"


def test_an_opened_network_may_be_crawled():
    reach = reach_from(["127.0.0.2/32"])
    assert check_url("http://127.0.0.2:8080/", reach)
    assert check_url("http://router/", reach)
    with pytest.raises(AddressRefused, match="Port 8000"):
        check_url("http://127.0.0.2:8000/", reach)


@pytest.mark.parametrize("port", [80, 443, 8080, 8443])
def test_the_web_s_ports_are_open(port):
    assert check_url(f"http://example.org:{port}/")


@pytest.mark.parametrize("port", [0, 22, 25, 3306, 6379, 8081, 65535])
def test_other_ports_are_refused(port):
    with pytest.raises(AddressRefused, match=f"Port {port} .* SCRAPE_ALLOWED_PORTS"):
        check_url(f"https://example.org:{port}/")


def test_a_named_host_is_open_with_its_port():
    reach = reach_from(hosts=["Gallery.test:9000", "10.0.0.7", "[::1]:8000"])
    for url in ("http://gallery.test:9000/", "http://10.0.0.7:21/", "http://[::1]:8000/"):
        assert check_url(url, reach) == url
    for url in ("http://gallery.test:9001/", "http://10.0.0.8/", "http://[::1]:8001/"):
        with pytest.raises(AddressRefused):
            check_url(url, reach)


def test_a_connection_is_judged_by_address_name_and_port():
    reach = reach_from(["10.0.0.0/24"], ["gallery.test:9000"], [80])
    assert reach.allows("8.8.8.8", "example.org", 80)
    assert reach.allows("10.0.0.9", "example.org", 80)
    assert reach.allows("127.0.0.1", "GALLERY.test.", 9000)
    assert not reach.allows("8.8.8.8", "example.org", 443)
    assert not reach.allows("127.0.0.1", "gallery.test", 80)
    assert not reach.allows("10.0.1.9", "example.org", 80)
    assert not reach.allows("169.254.169.254", "example.org", 80)
    assert not reach_from(hosts=["10.0.0.7"]).allows("127.0.0.1", "10.0.0.7%.example.org", 80)
    assert reach_from(hosts=["[fe80::1]"]).allows("fe80::1", "fe80::1%eth0", 80)


@pytest.mark.parametrize(
    ("host", "spelt"),
    [("Example.ORG.", "example.org"), ("127.1", "127.0.0.1"), ("[::1]", "::1"), ("0:0::1", "::1")],
)
def test_a_host_has_one_spelling(host, spelt):
    assert plain(host) == spelt


@pytest.mark.parametrize(
    "wrong",
    [
        {"networks": ["10.0.0.0/33"]},
        {"hosts": ["http://example.org"]},
        {"hosts": ["example.org/path"]},
        {"hosts": ["example.org:port"]},
        {"hosts": ["me@example.org"]},
        {"ports": ["http"]},
        {"ports": [0]},
        {"ports": ["65536"]},
    ],
)
def test_an_allow_list_that_cannot_be_read_is_said(wrong):
    with pytest.raises(ValueError):
        reach_from(**wrong)


def test_nothing_is_open_by_default_but_public_hosts():
    assert reach_from() == Reach()


def test_a_site_is_its_host_and_what_lies_below_it():
    assert site_of("https://www.Example.org:8000/a") == "example.org"
    assert same_site("https://example.org/", ["example.org"])
    assert same_site("https://img.example.org/", ["example.org"])
    assert not same_site("https://notexample.org/", ["example.org"])
    assert not same_site("https://example.org.evil.net/", ["example.org"])
