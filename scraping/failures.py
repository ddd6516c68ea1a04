"""What went wrong with a request, in words. Knows Scrapy's exceptions by name alone."""

from collections.abc import Collection
from urllib.parse import urlsplit

_TIMEOUTS = {"DownloadTimeoutError", "TimeoutError", "TCPTimedOutError", "UserTimeoutError"}
_TOO_LARGE = {"DownloadCancelledError", "CancelledError", "_DecompressionMaxSizeExceeded"}
_NO_NAME = {"CannotResolveHostError", "DNSLookupError"}
_REFUSED = {"DownloadConnectionRefusedError", "ConnectionRefusedError"}
# A busy or broken server; what is not there (404) or not for us (403) stays so.
_PASSING = {408, 425, 429}
_SCHEMES = {"UnsupportedURLSchemeError", "NotSupported"}


def worded(error: BaseException, url: str, private_hosts: Collection[str] = ()) -> tuple[str, str]:
    """(code, sentence) for what a request failed with.

    private_hosts: those that the resolver refused. Codes: robots, private, browser, status,
    timeout, too_large, unreachable.
    """
    host = (urlsplit(url).hostname or url).rstrip(".")
    names = {kind.__name__ for kind in type(error).__mro__}
    if "HttpError" in names:
        status = error.response.status  # type: ignore[attr-defined]
        code = "unreachable" if status in _PASSING or status >= 500 else "status"
        return code, f"{host} answers with status {status}."
    if "AddressRefused" in names:
        return "private", str(error)
    if "BrowserFailed" in names:
        return "browser", str(error)
    if "RulesUnread" in names:
        return "unreachable", f"robots.txt of {host} cannot be read, so nothing is fetched there."
    if "HostIsBusy" in names:
        return "unreachable", str(error)
    if "IgnoreRequest" in names:
        return _ignored(str(error).lower(), host)
    if "certificate verify failed" in str(error):
        return "unreachable", f"{host} shows a certificate that is not valid."
    if names & _NO_NAME:
        if host in private_hosts:
            return "private", f"{host} leads to a private address; crawls reach public ones only."
        return "unreachable", f"There is no host named {host}."
    if names & _TIMEOUTS:
        return "timeout", f"{host} takes too long to answer."
    if names & _TOO_LARGE:
        return "too_large", f"The file at {host} is larger than the set limit."
    if names & _REFUSED:
        return "unreachable", f"{host} refuses connections."
    if names & _SCHEMES:
        return "unreachable", "The address leads to something other than http or https."
    return "unreachable", f"{host} could not be read ({type(error).__name__})."


def _ignored(message: str, host: str) -> tuple[str, str]:
    """Scrapy gives one exception for three things that it does not go on with."""
    if "robots" in message:
        return "robots", f"robots.txt of {host} asks crawlers not to fetch this."
    if "maxsize" in message:
        return "too_large", f"The file at {host} is larger than the set limit."
    return "status", f"{host} redirects in a circle or too often."
