"""What an API is asked: first, next, and by name. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, quote, unquote_plus, urlencode, urljoin, urlsplit

from w3lib.url import add_or_replace_parameters

from scraping.api_answers import is_more, value_at
from scraping.field_mapping import ApiMapping, Scalar
from scraping.page_addresses import absolute


@dataclass(frozen=True)
class ApiRequest:
    """url: without the key. body: an object that is sent as JSON; None for a GET request.

    number: of the page, or of the items before it; -1 where nothing counts.
    """

    url: str
    body: dict[str, Any] | None = None
    number: int = -1

    @property
    def data(self) -> str:
        return "" if self.body is None else json.dumps(self.body, sort_keys=True)


def first_request(mapping: ApiMapping, url: str) -> ApiRequest:
    """What is asked first of a source at this address.

    The mapping's path counts where the address names none. Parameters in the address go over those
    of the mapping; of a POST request, those that lookup names go into its body or its variables.
    """
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    bare = parts._replace(query="", fragment="").geturl()
    if mapping.path and parts.path in ("", "/"):
        bare = urljoin(bare, mapping.path)
    moved = {name: given.pop(name) for name in mapping.lookup if name in given and mapping.is_post}
    asked = {name: _spelled(value) for name, value in mapping.query.items()} | given
    request = ApiRequest(_with_parameters(bare, asked), _body(mapping, moved))
    return _numbered(mapping, request, {**asked, **_flat(mapping, request)})


def _body(mapping: ApiMapping, moved: Mapping[str, str]) -> dict[str, Any] | None:
    if not mapping.is_post:
        return None
    if mapping.graphql:
        return {"query": mapping.graphql, "variables": {**mapping.variables, **moved}}
    return {**mapping.body, **moved}


def _numbered(mapping: ApiMapping, request: ApiRequest, asked: Mapping[str, Any]) -> ApiRequest:
    """With the number that pagination counts on from: the one that is asked for, or the first."""
    pagination = mapping.pagination
    if pagination.by not in ("page", "offset"):
        return request
    said = str(asked.get(pagination.parameter, ""))
    first = pagination.first if pagination.by == "page" else 0
    return replace(request, number=int(said) if said.isascii() and said.isdigit() else first)


def _flat(mapping: ApiMapping, request: ApiRequest) -> dict[str, Any]:
    """Where the parameters of a POST request are."""
    if request.body is None:
        return {}
    return dict(request.body["variables"]) if mapping.graphql else request.body


def next_request(
    mapping: ApiMapping, request: ApiRequest, answer: Any, number_of_items: int, link: str = ""
) -> ApiRequest | None:
    """What is asked after this answer; None where it was the last.

    link: the address of rel=next in the answer's Link header.
    """
    pagination = mapping.pagination
    if pagination.more is not None and not is_more(answer, pagination.more):
        return None
    if pagination.by in ("page", "offset"):
        if not number_of_items:
            return None
        by = 1 if pagination.by == "page" else pagination.step or number_of_items
        number = request.number + by
        return replace(_asking(mapping, request, {pagination.parameter: number}), number=number)
    if pagination.by == "cursor":
        found = {
            name: value
            for name, place in pagination.parameters.items()
            if (value := value_at(answer, place)) is not None
        }
        return _asking(mapping, request, found) if found else None
    said = value_at(answer, pagination.at) if pagination.by == "next" else link
    return _led_to(mapping, request, str(said)) if said else None


def _asking(mapping: ApiMapping, request: ApiRequest, values: dict[str, Any]) -> ApiRequest:
    """The request with other values of these parameters."""
    if request.body is None:
        url = add_or_replace_parameters(
            request.url, {name: str(value) for name, value in values.items()}
        )
        return replace(request, url=url)
    if mapping.graphql:
        variables = {**request.body["variables"], **values}
        return replace(request, body={**request.body, "variables": variables})
    return replace(request, body={**request.body, **values})


def _led_to(mapping: ApiMapping, request: ApiRequest, address: str) -> ApiRequest | None:
    """Where an answer says that the next one is; None if that is on another host.

    The key in such an address is taken out. Behind a proxy many an API writes http for https.
    """
    url = absolute(address, request.url)
    if url is None:
        return None
    here, there = urlsplit(request.url), urlsplit(url)
    if here.hostname != there.hostname:
        return None
    if there.scheme == "http" and here.scheme == "https":
        url = there._replace(scheme="https", netloc=here.netloc).geturl()
    return replace(request, url=without_key(mapping, url))


def next_link(header: str) -> str:
    """The address of rel=next in a Link header (RFC 8288), or ""."""
    for address, parameters in re.findall(r"<([^<>]*)>([^<]*)", header[:10_000]):
        for parameter in parameters.split(";"):
            name, _, value = parameter.strip(" ,").partition("=")
            if name.strip().lower() == "rel" and "next" in value.strip(' "').lower().split():
                return str(address)
    return ""


def without_key(mapping: ApiMapping, url: str, secret: str = "") -> str:
    """The address without the parameter that a key is sent in, and without others that hold it."""
    name = mapping.key.name if mapping.key and mapping.key.place == "query" else None
    parts = urlsplit(url)
    kept = [
        piece
        for piece in parts.query.split("&")
        if unquote_plus(piece.partition("=")[0]) != name
        and not (secret and secret in f"{piece} {unquote_plus(piece)}")
    ]
    return parts._replace(query="&".join(kept)).geturl()


def _spelled(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _with_parameters(url: str, parameters: Mapping[str, str]) -> str:
    return f"{url}?{urlencode(parameters)}" if parameters else url


# --- By name --------------------------------------------------------------------------------------


class NoLookup(ValueError):
    """A source cannot be searched by name; the text is a sentence."""


@dataclass(frozen=True)
class Lookup:
    """How a source is searched: lookup_url with {name} in it, or the mapping of an API."""

    base_url: str
    lookup_url: str = ""
    mapping: ApiMapping | None = field(default=None)


def lookup_address(source: Lookup, name: str) -> str:
    """The address to crawl for a name. Raises NoLookup."""
    name = name.strip()
    if not name:
        raise NoLookup("Say which name to look up.")
    if source.lookup_url:
        return source.lookup_url.replace("{name}", quote(name, safe=""))
    if source.mapping is None or not source.mapping.lookup:
        raise NoLookup("It cannot be searched by name; set its lookup address first.")
    values = {key: value.replace("{name}", name) for key, value in source.mapping.lookup.items()}
    url: str = add_or_replace_parameters(source.base_url, values)
    return url
