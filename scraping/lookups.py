"""Where a crawl of a source begins: at an address, at the source's own, or at what a name finds."""

from imagineer.problems import invalid
from scraping.addresses import same_site, site_of
from scraping.api_requests import Lookup, NoLookup, lookup_address
from scraping.field_mapping import ApiMapping, MappingRefused, checked
from scraping.models import Source


def address_of(source: Source, url: str = "", name: str = "") -> str:
    """The address to crawl, of the one that is asked for, or of a name, or the source's own.

    Raises Problem 422 for a name that cannot be looked up, for an address elsewhere (a source's key
    is for the source), and for an API whose mapping is not possible.
    """
    mapping = _mapping(source)
    if name.strip():
        try:
            return lookup_address(Lookup(source.base_url, source.lookup_url, mapping), name)
        except NoLookup as refused:
            raise invalid("name", f"“{source}”: {refused}") from refused
    if url and not same_site(url, [site_of(source.base_url)]):
        raise invalid("url", f"This address does not lie on {site_of(source.base_url)}.")
    return url or source.base_url


def _mapping(source: Source) -> ApiMapping | None:
    if source.kind != Source.Kind.API:
        return None
    try:
        return checked(source.mapping)
    except MappingRefused as refused:
        raise invalid("source", f"The mapping of “{source}”: {refused}") from refused
