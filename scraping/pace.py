"""When the next request to a host may be sent. Pure: whoever asks brings the time along.

One pace holds for a crawl's whole process, so several addresses on one host do not add up.
"""

from dataclasses import dataclass, field

# A site that asks for longer pauses is crawled with these.
LONGEST_DELAY_S = 300.0


def heeded_delay(asked: float | None) -> float:
    """The pause that a site's Crawl-delay gets, in seconds; 0 for one that says nothing."""
    if asked is None or not asked > 0:
        return 0.0
    return min(asked, LONGEST_DELAY_S)


@dataclass
class Pace:
    """Times and pauses in seconds. delay: between two requests to one host, at least."""

    delay: float = 0.0
    _delays: dict[str, float] = field(default_factory=dict)
    _intervals: dict[str, float] = field(default_factory=dict)
    # When the next one may be sent, by host or source.
    _next: dict[tuple[str, str], float] = field(default_factory=dict)
    _paused_until: dict[str, float] = field(default_factory=dict)

    def slow_down(self, host: str, delay: float, now: float) -> None:
        """The host has just asked for more time between requests (Crawl-delay)."""
        self._delays[host] = max(delay, self._delays.get(host, 0.0))
        self._next["host", host] = max(now + delay, self._next.get(("host", host), now))

    def limit(self, source: str, per_minute: float) -> None:
        """All hosts of a source together get so many requests a minute, at most."""
        self._intervals[source] = 60.0 / per_minute

    def pause(self, host: str, until: float) -> bool:
        """Send the host nothing until then; False if it is paused for at least as long already."""
        if until <= self._paused_until.get(host, float("-inf")):
            return False
        self._paused_until[host] = until
        return True

    def pause_left(self, now: float, host: str) -> float:
        """How long the host is still to be left alone."""
        return max(0.0, self._paused_until.get(host, now) - now)

    def wait(self, now: float, host: str, source: str = "") -> float:
        """0 if a request may be sent now, which it then is; else when to ask again, in seconds."""
        delay = max(self.delay, self._delays.get(host, 0.0))
        interval = self._intervals.get(source, 0.0)
        if not (delay or interval or self._paused_until):
            return 0.0
        moments = (
            self._paused_until.get(host, now),
            self._next.get(("host", host), now) if delay else now,
            self._next.get(("source", source), now) if interval else now,
        )
        if (moment := max(moments)) > now:
            return moment - now
        self._next["host", host] = now + delay
        self._next["source", source] = now + interval
        return 0.0
