"""The only way in which a crawl finds an address to connect to: private ones are left out.

Twisted asks this resolver for every connection, IP literals and redirects included, and connects
to what it answers. So there is no moment between check and connection at which a name server could
change its mind, and nothing is cached.
"""

from typing import Any

from twisted.internet.interfaces import IHostnameResolver, IResolutionReceiver
from zope.interface import implementer

from scraping.addresses import Reach, reach_from

# Hosts of this process's crawl whose addresses are all private.
refused_hosts: set[str] = set()


@implementer(IResolutionReceiver)
class _Filter:
    """Passes on to the real receiver what may be reached."""

    def __init__(self, receiver: Any, host: str, port: int, reach: Reach) -> None:
        self.receiver = receiver
        self.host = host
        self.port = port
        self.reach = reach
        self.passed = 0
        self.dropped = 0

    def resolutionBegan(self, resolution: Any) -> None:  # noqa: N802
        self.receiver.resolutionBegan(resolution)

    def addressResolved(self, address: Any) -> None:  # noqa: N802
        if self.reach.allows(getattr(address, "host", ""), self.host, self.port):
            self.passed += 1
            self.receiver.addressResolved(address)
        else:
            self.dropped += 1

    def resolutionComplete(self) -> None:  # noqa: N802
        if self.dropped and not self.passed:
            refused_hosts.add(self.host)
        self.receiver.resolutionComplete()


@implementer(IHostnameResolver)
class PublicResolver:
    """Asks another resolver and leaves out what a crawl may not reach, its port included.

    Settings SCRAPE_ALLOWED_NETWORKS, SCRAPE_ALLOWED_HOSTS, SCRAPE_ALLOWED_PORTS: see
    scraping.addresses.reach_from.
    """

    def __init__(self, resolver: Any, reach: Reach) -> None:
        self.resolver = resolver
        self.reach = reach
        self.reactor: Any = None

    @classmethod
    def from_crawler(cls, crawler: Any, reactor: Any) -> "PublicResolver":
        reach = reach_from(
            crawler.settings.getlist("SCRAPE_ALLOWED_NETWORKS"),
            crawler.settings.getlist("SCRAPE_ALLOWED_HOSTS"),
            crawler.settings.getlist("SCRAPE_ALLOWED_PORTS"),
        )
        made = cls(reactor.nameResolver, reach)
        made.reactor = reactor
        return made

    def install_on_reactor(self) -> None:
        self.reactor.installNameResolver(self)

    def resolveHostName(  # noqa: N802
        self,
        resolutionReceiver: Any,  # noqa: N803
        hostName: str,  # noqa: N803
        portNumber: int = 0,  # noqa: N803
        addressTypes: Any = None,  # noqa: N803
        transportSemantics: str = "TCP",  # noqa: N803
    ) -> Any:
        """As IHostnameResolver says; a name without a public address resolves to nothing."""
        guarded = _Filter(resolutionReceiver, hostName.rstrip(".").lower(), portNumber, self.reach)
        return self.resolver.resolveHostName(
            guarded, hostName, portNumber, addressTypes, transportSemantics
        )
