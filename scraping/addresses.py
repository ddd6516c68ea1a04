"""Which addresses a crawl may reach: public ones, and private ones that the settings name.

``check_url`` refuses early, with a sentence, what can be seen from the address alone. The guards
that cannot be talked around stand at every connection: :mod:`scraping.resolver` at the crawler's
own, :mod:`scraping.browser_proxy` at the browser's.
"""

import hashlib
import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
LONGEST_URL = 2000
PORTS = (80, 443, 8080, 8443)
_DEFAULT_PORTS = {"http": 80, "https": 443}

# Ranges that ipaddress counts as global although no public web server lives there.
_NEVER = (
    ipaddress.ip_network("100.64.0.0/10"),  # carrier-grade NAT, RFC 6598
    ipaddress.ip_network("192.0.0.0/24"),  # protocol assignments, RFC 6890
    ipaddress.ip_network("192.88.99.0/24"),  # 6to4 relays, RFC 7526
    ipaddress.ip_network("198.18.0.0/15"),  # benchmarks, RFC 2544
    ipaddress.ip_network("168.63.129.16/32"),  # a cloud's metadata on a public number
    ipaddress.ip_network("fec0::/10"),  # old site-local, RFC 3879
    ipaddress.ip_network("3fff::/20"),  # documentation, RFC 9637
    ipaddress.ip_network("64:ff9b:1::/48"),  # local-use NAT64, RFC 8215
)
# What is given out of IPv6 for the public; everything else is special or not there yet.
_GLOBAL_IPV6 = ipaddress.ip_network("2000::/3")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_TRANSLATED = ipaddress.ip_network("::ffff:0:0:0/96")  # RFC 2765
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_PRIVATE_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "home.arpa")


class AddressRefused(ValueError):
    """This address is not crawled; the text says why."""


@dataclass(frozen=True)
class Reach:
    """Where crawls may connect to.

    ports: of public hosts. networks: private ones that are open nevertheless. hosts: (name or IP
    address, port or None for every one), open whatever address the name has.
    """

    ports: frozenset[int] = frozenset(PORTS)
    networks: tuple[IPNetwork, ...] = ()
    hosts: frozenset[tuple[str, int | None]] = frozenset()

    def names(self, host: str, port: int) -> bool:
        """Whether this host is open by its name."""
        return bool(self.hosts) and not self.hosts.isdisjoint({(host, port), (host, None)})

    def allows_port(self, host: str, port: int) -> bool:
        return port in self.ports or self.names(plain(host), port)

    def allows(self, address: str | IPAddress, host: str, port: int) -> bool:
        """Whether a connection may be made to this IP address, which the host's name led to."""
        if self.names(plain(host), port):
            return True
        return port in self.ports and is_reachable(address, self.networks)


_PUBLIC = Reach()


def reach_from(
    networks: Iterable[str] = (), hosts: Iterable[str] = (), ports: Iterable[str | int] = PORTS
) -> Reach:
    """networks: in CIDR notation; hosts: "host" or "host:port". Raises ValueError with a name."""
    return Reach(
        ports=frozenset(_port(word) for word in ports),
        networks=tuple(ipaddress.ip_network(word, strict=False) for word in networks),
        hosts=frozenset(_host_and_port(word) for word in hosts),
    )


def _port(word: str | int) -> int:
    if not str(word).isdecimal() or not 0 < int(word) < 2**16:
        raise ValueError(f"“{word}” is no port")
    return int(word)


def _host_and_port(word: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(f"//{word}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"“{word}” is no host") from None
    if not host or parts.netloc != word or parts.username is not None:
        raise ValueError(f"“{word}” is no host")
    return plain(host), port


def plain(host: str) -> str:
    """One spelling of a host: lower case, no last dot, IP addresses in their usual notation."""
    host = host.rstrip(".").lower()
    address = literal(host)
    return str(address) if address is not None else host


def is_reachable(address: str | IPAddress, allowed: Iterable[IPNetwork] = ()) -> bool:
    """Whether a crawl may connect to this IP address.

    allowed: networks that are open although they are private.
    """
    if isinstance(address, str):
        try:
            address = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
    address = _embedded(address)
    if any(address in network for network in allowed):
        return True
    if address.version == 6 and address not in _GLOBAL_IPV6:
        return False
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or any(address in network for network in _NEVER)
    )


def _embedded(address: IPAddress) -> IPAddress:
    """The IPv4 address inside an IPv6 one: mapped, 6to4, Teredo or NAT64; else the address."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if address.teredo:
        return address.teredo[1]
    compatible = int(address) >> 32 == 0 and int(address) > 1
    if address in _NAT64 or address in _TRANSLATED or compatible:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def literal(host: str) -> IPAddress | None:
    """The IP address that a host is written as, in any notation that a resolver takes.

    Beside the usual ones these are 127.1, 2130706433, 0x7f.0.0.1 and 0177.0.0.1 (inet_aton(3)).
    """
    host = host.strip("[]")
    if ":" in host:
        # Only these have zones. In a name the sign hides nothing: 10.0.0.7%.example.org is none.
        host = host.partition("%")[0]
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    if not host or not all(part[:1].isdigit() for part in host.rstrip(".").split(".")):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host.rstrip(".")))
    except (OSError, ValueError):
        return None


def check_url(url: str, reach: Reach = _PUBLIC) -> str:
    """The address as it is crawled, without its fragment. Raises AddressRefused."""
    url = url.strip()
    if len(url) > LONGEST_URL:
        raise AddressRefused(f"The address is longer than {LONGEST_URL} characters.")
    if any(ord(character) < 33 or ord(character) == 127 for character in url):
        raise AddressRefused("The address has spaces or control characters in it.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("This is not a web address.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise AddressRefused("The address must begin with http:// or https:// and name a host.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("The address must not hold a user name or password.")
    _check_host(parts, _DEFAULT_PORTS[parts.scheme] if port is None else port, reach)
    return parts._replace(fragment="").geturl()


def _check_host(parts: SplitResult, port: int, reach: Reach) -> None:
    host = (parts.hostname or "").rstrip(".")
    if reach.names(plain(host), port):
        return
    _check_name(host, reach)
    if port not in reach.ports:
        allowed = ", ".join(str(number) for number in sorted(reach.ports))
        raise AddressRefused(
            f"Port {port} is not among those that crawls use ({allowed}). An operator can open it "
            "with SCRAPE_ALLOWED_PORTS."
        )


def _check_name(host: str, reach: Reach) -> None:
    host = _as_asked_for(host)
    address = literal(host)
    if address is not None:
        if not is_reachable(address, reach.networks):
            raise AddressRefused(
                f"{host} is a private address; crawls reach public ones only. An operator can open "
                "networks with SCRAPE_ALLOWED_NETWORKS."
            )
        return
    if host in _PRIVATE_NAMES or host.endswith(tuple(f".{name}" for name in _PRIVATE_NAMES)):
        raise AddressRefused(
            f"{host} is a name of a private network; crawls reach public ones only."
        )
    if not _NAME.fullmatch(host):
        raise AddressRefused(f"“{host}” is not the name of a host.")
    if not reach.networks and "." not in host:
        raise AddressRefused(f"“{host}” is not the name of a public host.")


def _as_asked_for(host: str) -> str:
    """The name that a resolver is asked for: ①②⑦.0.0.1 and 127。0。0。1 are 127.0.0.1."""
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode().rstrip(".")
    except UnicodeError:
        raise AddressRefused(f"“{host}” is not the name of a host.") from None


def site_of(url: str) -> str:
    """The host that stands for a site: lower case, without "www."."""
    return (urlsplit(url).hostname or "").rstrip(".").removeprefix("www.")


def same_site(url: str, sites: Iterable[str]) -> bool:
    """Whether an address lies on one of these sites or below it (pictures.example.org)."""
    host = site_of(url)
    return any(host == site or host.endswith(f".{site}") for site in sites)


def digest_of(url: str) -> str:
    """SHA-256 of an address, in hex: short enough for an index."""
    return hashlib.sha256(url.encode()).hexdigest()
