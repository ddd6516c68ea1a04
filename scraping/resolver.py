"""The only way in which a crawl finds an address to connect to: private ones are left out.

Twisted asks this resolver for every connection, IP literals and redirects included, and connects
to what it answers. So there is no moment between check and connection at which a name server could
change its mind, and nothing is cached.
"""

from collections.abc import Sequence
from typing import Any

from twisted.internet.interfaces import IHostnameResolver, IResolutionReceiver
from zope.interface import implementer

from scraping.addresses import IPNetwork, is_reachable, networks

# Hosts of this process's crawl whose addresses are all private.
refused_hosts: set[str] = set()


@implementer(IResolutionReceiver)
class _Filter:
    """Passes public addresses on to the real receiver."""

    def __init__(self, receiver: Any, host: str, allowed: Sequence[IPNetwork]) -> None:
        self.receiver = receiver
        self.host = host
        self.allowed = allowed
        self.passed = 0
        self.dropped = 0

    def resolutionBegan(self, resolution: Any) -> None:  # noqa: N802
        self.receiver.resolutionBegan(resolution)

    def addressResolved(self, address: Any) -> None:  # noqa: N802
        if is_reachable(getattr(address, "host", ""), self.allowed):
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
    """Asks another resolver and leaves out what a crawl may not reach.

    Setting SCRAPE_ALLOWED_NETWORKS: networks in CIDR notation that are open nevertheless.
    """

    def __init__(self, resolver: Any, allowed: Sequence[IPNetwork]) -> None:
        self.resolver = resolver
        self.allowed = allowed
        self.reactor: Any = None

    @classmethod
    def from_crawler(cls, crawler: Any, reactor: Any) -> "PublicResolver":
        allowed = networks(crawler.settings.getlist("SCRAPE_ALLOWED_NETWORKS"))
        made = cls(reactor.nameResolver, allowed)
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
        guarded = _Filter(resolutionReceiver, hostName.rstrip(".").lower(), self.allowed)
        return self.resolver.resolveHostName(
            guarded, hostName, portNumber, addressTypes, transportSemantics
        )
