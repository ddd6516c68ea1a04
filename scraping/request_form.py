"""Scrapy's requests as JSON, to be kept in a file. Only plain values and our own dataclasses.

Callbacks are kept by name. What JSON lacks is marked: bytes, tuples, sets, dictionaries with other
keys than words, and dataclasses of this package, which stand under their module and name. What is
secret does not belong into a request, but into the middleware that sends it.
"""

import base64
import json
from dataclasses import fields, is_dataclass
from functools import partial
from importlib import import_module
from typing import Any

from scrapy.http import Request
from scrapy.utils.request import request_from_dict

_MARK = "__kept__"
_OWN = "scraping."
# Of one try alone: where it stood in line, and how long the answer took.
_PASSING_META = frozenset({"download_slot", "download_latency", "playwright_page"})


def to_text(request: Request, spider: Any) -> str:
    """Raises TypeError for a value that cannot be kept."""
    data: dict[str, Any] = {
        name: getattr(request, name) for name in Request.attributes if name != "url"
    }
    data["callback"] = _name(request.callback, spider)
    data["errback"] = _name(request.errback, spider)
    data["headers"] = dict(request.headers)
    data["meta"] = {
        name: value for name, value in request.meta.items() if name not in _PASSING_META
    }
    return json.dumps(_plain({"url": request.url} | {k: v for k, v in data.items() if v}))


def from_text(text: str, spider: Any) -> Request:
    """The request that ``to_text`` was given."""
    return request_from_dict(_whole(json.loads(text)), spider=spider)


def _name(method: Any, spider: Any) -> str | None:
    while isinstance(method, partial):
        method = method.args[0]
    if method is None:
        return None
    name = str(getattr(method, "__name__", ""))
    if getattr(spider, name, None) != method:
        raise TypeError(f"{method!r} is no method of the spider.")
    return name


def _plain(value: Any) -> Any:
    """Only what JSON has."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case bytes():
            return {_MARK: "bytes", "value": base64.b64encode(value).decode()}
        case list():
            return [_plain(each) for each in value]
        case tuple() | set() | frozenset():
            return {_MARK: type(value).__name__, "value": [_plain(each) for each in value]}
        case dict():
            if all(isinstance(key, str) for key in value) and _MARK not in value:
                return {key: _plain(each) for key, each in value.items()}
            pairs = [[_plain(key), _plain(each)] for key, each in value.items()]
            return {_MARK: "dict", "value": pairs}
    kind = type(value)
    if is_dataclass(value) and kind.__module__.startswith(_OWN):
        held = {each.name: _plain(getattr(value, each.name)) for each in fields(kind)}
        return {_MARK: f"{kind.__module__}:{kind.__qualname__}", "value": held}
    raise TypeError(f"{kind.__name__} cannot be kept in a file.")


_SEQUENCES: dict[str, Any] = {"tuple": tuple, "set": set, "frozenset": frozenset}


def _whole(value: Any) -> Any:
    if isinstance(value, list):
        return [_whole(each) for each in value]
    if not isinstance(value, dict):
        return value
    if _MARK not in value:
        return {key: _whole(each) for key, each in value.items()}
    kind, held = value[_MARK], value["value"]
    if kind == "bytes":
        return base64.b64decode(held)
    if kind == "dict":
        return {_whole(key): _whole(each) for key, each in held}
    if kind in _SEQUENCES:
        return _SEQUENCES[kind](_whole(held))
    return _dataclass(kind, held)


def _dataclass(name: str, held: dict[str, Any]) -> Any:
    module, _, kind = name.partition(":")
    found = getattr(import_module(module), kind) if module.startswith(_OWN) else None
    if not (isinstance(found, type) and is_dataclass(found)):
        raise TypeError(f"{name} is no dataclass of this package.")
    return found(**{key: _whole(each) for key, each in held.items()})
