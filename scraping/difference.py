"""What two crawls of the same pages saw differently. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """Pictures by the digests of their addresses, in the order in which they were seen.

    new: not seen by the crawl before. gone: seen then, not now. changed: another file at the same
    address. same: how many are as they were, as far as both crawls had their files.
    """

    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    same: int = 0


def difference(now: Mapping[str, str], before: Mapping[str, str]) -> Difference:
    """now, before: address digest → SHA-256 of the file; empty where no file came."""
    kept = [digest for digest in now if digest in before]
    changed = tuple(digest for digest in kept if _differ(now[digest], before[digest]))
    return Difference(
        new=tuple(digest for digest in now if digest not in before),
        gone=tuple(digest for digest in before if digest not in now),
        changed=changed,
        same=len(kept) - len(changed),
    )


def _differ(now: str, before: str) -> bool:
    """A file that did not come says nothing of a change."""
    return bool(now and before) and now != before
