"""What a source says of its API: how it is asked, and where in its answers things are. Pure.

A mapping is a JSON object; places in answers are JMESPath expressions (jmespath.org):

- ``request``: ``path`` (from the source's address), ``query`` (parameters); ``method`` POST with
  ``body`` (an object), or ``graphql`` (a query) with ``variables``; ``obey_robots`` false for an
  API that its site documents for programs, whatever its robots.txt says of pages.
- ``items``: the list in an answer. ``detail``: in an item, the address of the answer that has the
  rest; the fields are then read from that.
- ``item``: in an item, ``images`` (addresses of one picture, best first), ``page``, ``caption``,
  ``title``, ``tags`` (a list, or words between ``tag_separator``), ``width``, ``height`` (pixels),
  ``rating``, ``author``.
- ``pagination``: ``by`` page (``parameter``, ``first``), offset (``parameter``, ``step``), cursor
  (``parameters``: each with its place in the answer), next (``at``: the next address), or link (the
  Link header); ``more``: whether there is more.
- ``key``: ``in`` header or query, ``name``, ``prefix`` (as in "Bearer ").
- ``lookup``: parameters with {name} in them, to look something up by name.
- ``error``: the message in an answer that is an error.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import jmespath
from jmespath.exceptions import JMESPathError

LONGEST_EXPRESSION = 500
LONGEST_QUERY = 10_000
MOST_IMAGES = 4
MOST_PARAMETERS = 50
HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,100}")
# Headers that decide where a request goes and how it is read.
_OUR_HEADERS = frozenset(
    ("host", "content-length", "transfer-encoding", "connection", "user-agent", "content-type")
)
TEXT_FIELDS = ("page", "caption", "title", "tags", "width", "height", "rating", "author")

Expression = Any
Scalar = str | int | float | bool
By = Literal["", "page", "offset", "cursor", "next", "link"]


class MappingRefused(ValueError):
    """A mapping is not possible. ``field``: where in it; the text is a sentence."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}" if field else sentence)
        self.field = field


@dataclass(frozen=True)
class Key:
    """How a source's API key is sent."""

    place: Literal["header", "query"]
    name: str
    prefix: str = ""


@dataclass(frozen=True)
class Pagination:
    """parameters: name → its place in the answer; of page and offset, the only name alone."""

    by: By = ""
    parameter: str = ""
    first: int = 1
    step: int = 0
    parameters: Mapping[str, Expression] = field(default_factory=dict)
    at: Expression = None
    more: Expression = None


@dataclass(frozen=True)
class ApiMapping:
    """A mapping that was checked; its expressions are compiled."""

    items: Expression
    images: tuple[Expression, ...]
    fields: Mapping[str, Expression]
    path: str = ""
    query: Mapping[str, Scalar] = field(default_factory=dict)
    is_post: bool = False
    body: Mapping[str, Any] = field(default_factory=dict)
    graphql: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    obey_robots: bool = True
    detail: Expression = None
    tag_separator: str = ""
    pagination: Pagination = field(default_factory=Pagination)
    key: Key | None = None
    lookup: Mapping[str, str] = field(default_factory=dict)
    error: Expression = None


def checked(data: Any) -> ApiMapping:
    """A mapping as an admin writes it. Raises MappingRefused."""
    whole = _object(
        data,
        "",
        {"request", "items", "detail", "item", "pagination", "key", "lookup", "error"},
    )
    item = _object(
        whole.get("item"), "item", {"images", "tag_separator", *TEXT_FIELDS}, needed=("images",)
    )
    if "items" not in whole:
        raise MappingRefused("items", "Say where in an answer the list of items is.")
    return ApiMapping(
        items=_expression(whole["items"], "items"),
        images=_images(item["images"]),
        fields={
            name: _expression(item[name], f"item.{name}") for name in TEXT_FIELDS if name in item
        },
        tag_separator=_text(item.get("tag_separator", ""), "item.tag_separator", 5, strip=False),
        detail=_expression(whole["detail"], "detail") if "detail" in whole else None,
        pagination=_pagination(whole.get("pagination", {})),
        key=_key(whole["key"]) if "key" in whole else None,
        lookup=_lookup(whole.get("lookup", {})),
        error=_expression(whole["error"], "error") if "error" in whole else None,
        **_request(whole.get("request", {})),
    )


# --- Parts ----------------------------------------------------------------------------------------


def _object(
    value: Any, where: str, known: set[str], needed: tuple[str, ...] = ()
) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise MappingRefused(where, "Write a JSON object, between { and }.")
    for name in value:
        if name not in known:
            raise MappingRefused(
                where, f"There is no “{str(name)[:50]}” here; known are {', '.join(sorted(known))}."
            )
    for name in needed:
        if name not in value:
            raise MappingRefused(where, f"“{name}” is missing.")
    return value


def _text(value: Any, where: str, longest: int, *, strip: bool = True) -> str:
    if not isinstance(value, str):
        raise MappingRefused(where, "Write a text, between quotes.")
    if len(value) > longest:
        raise MappingRefused(where, f"Write at most {longest} characters.")
    return value.strip() if strip else value


def _expression(value: Any, where: str) -> Expression:
    text = _text(value, where, LONGEST_EXPRESSION)
    try:
        return jmespath.compile(text)
    except (JMESPathError, RecursionError) as error:
        reason = str(error).partition("\n")[0].rstrip(".: ")
        raise MappingRefused(
            where, f"“{text[:100]}” is no JMESPath expression: {reason}."
        ) from None


def _images(value: Any) -> tuple[Expression, ...]:
    named = [value] if isinstance(value, str) else value
    if not isinstance(named, list) or not 1 <= len(named) <= MOST_IMAGES:
        raise MappingRefused("item.images", f"Write a list of one to {MOST_IMAGES} expressions.")
    return tuple(_expression(one, "item.images") for one in named)


def _request(value: Any) -> dict[str, Any]:
    request = _object(
        value,
        "request",
        {"path", "query", "method", "body", "graphql", "variables", "obey_robots"},
    )
    method = request.get("method", "POST" if "graphql" in request else "GET")
    if method not in ("GET", "POST"):
        raise MappingRefused("request.method", "The method is GET or POST.")
    is_post = method == "POST"
    for name in ("body", "graphql", "variables"):
        if name in request and not is_post:
            raise MappingRefused(f"request.{name}", "Only a POST request has this.")
    if "graphql" in request and "body" in request:
        raise MappingRefused("request.body", "A GraphQL request has variables, no body.")
    if "variables" in request and "graphql" not in request:
        raise MappingRefused("request.variables", "Only a GraphQL request has variables.")
    return {
        "path": _path(request.get("path", "")),
        "query": _parameters(request.get("query", {}), "request.query"),
        "is_post": is_post,
        "body": _json_object(request.get("body", {}), "request.body"),
        "graphql": _text(request.get("graphql", ""), "request.graphql", LONGEST_QUERY),
        "variables": _json_object(request.get("variables", {}), "request.variables"),
        "obey_robots": _yes_or_no(request.get("obey_robots", True), "request.obey_robots"),
    }


def _yes_or_no(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise MappingRefused(where, "Write true or false.")
    return value


def _path(value: Any) -> str:
    path = _text(value, "request.path", 1000)
    parts = urlsplit(path)
    if parts.scheme or parts.netloc or "\\" in path or parts.query or parts.fragment:
        raise MappingRefused("request.path", "Write a path, without host and parameters.")
    return path


def _json_object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise MappingRefused(where, "Write a JSON object, between { and }.")
    if len(json.dumps(value)) > LONGEST_QUERY:
        raise MappingRefused(where, f"Write at most {LONGEST_QUERY} characters.")
    return value


def _parameters(value: Any, where: str) -> Mapping[str, Scalar]:
    if not isinstance(value, Mapping) or len(value) > MOST_PARAMETERS:
        raise MappingRefused(where, f"Write an object of at most {MOST_PARAMETERS} parameters.")
    for name, one in value.items():
        if not name or not isinstance(one, str | int | float | bool):
            raise MappingRefused(where, f"“{str(name)[:50]}” is a text, a number or yes or no.")
    return value


def _pagination(value: Any) -> Pagination:
    kinds: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
        "page": lambda given: {
            "parameter": _name(given.get("parameter"), "pagination.parameter"),
            "first": _whole(given.get("first", 1), "pagination.first", 0),
        },
        "offset": lambda given: {
            "parameter": _name(given.get("parameter"), "pagination.parameter"),
            "step": _whole(given.get("step", 0), "pagination.step", 0),
        },
        "cursor": lambda given: {"parameters": _cursors(given.get("parameters"))},
        "next": lambda given: {"at": _expression(given.get("at"), "pagination.at")},
        "link": lambda given: {},
    }
    known = {"by", "parameter", "first", "step", "parameters", "at", "more"}
    given = _object(value, "pagination", known)
    if not given:
        return Pagination()
    by = given.get("by")
    if by not in kinds:
        raise MappingRefused("pagination.by", f"Choose one of {', '.join(kinds)}.")
    more = _expression(given["more"], "pagination.more") if "more" in given else None
    return Pagination(by=by, more=more, **kinds[by](given))


def _name(value: Any, where: str) -> str:
    name = _text(value, where, 100)
    if not name:
        raise MappingRefused(where, "Name the parameter.")
    return name


def _whole(value: Any, where: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 10_000:
        raise MappingRefused(where, f"Enter a whole number from {least} to 10000.")
    return value


def _cursors(value: Any) -> Mapping[str, Expression]:
    where = "pagination.parameters"
    if not isinstance(value, Mapping) or not 1 <= len(value) <= 10:
        raise MappingRefused(where, "Write an object: each parameter with its place in the answer.")
    return {_name(name, where): _expression(place, where) for name, place in value.items()}


def _key(value: Any) -> Key:
    given = _object(value, "key", {"in", "name", "prefix"}, needed=("in", "name"))
    if given["in"] not in ("header", "query"):
        raise MappingRefused("key.in", "A key is sent in the header or in the query.")
    name = _name(given["name"], "key.name")
    prefix = _text(given.get("prefix", ""), "key.prefix", 100, strip=False)
    if given["in"] == "header":
        if not HEADER_NAME.fullmatch(name) or name.lower() in _OUR_HEADERS:
            raise MappingRefused("key.name", f"“{name}” is not the name of a header for keys.")
        if not (prefix.isascii() and prefix.isprintable()):
            raise MappingRefused("key.prefix", "A header holds letters and digits only.")
    return Key(given["in"], name, prefix)


def _lookup(value: Any) -> Mapping[str, str]:
    parameters = _parameters(value, "lookup")
    lookup = {name: str(one) for name, one in parameters.items()}
    if lookup and not any("{name}" in one for one in lookup.values()):
        raise MappingRefused("lookup", "Write {name} where the name that is looked up belongs.")
    return lookup
