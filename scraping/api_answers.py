"""What an API answers: its items, and what is said of each picture; errors as sentences. Pure."""

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jmespath.exceptions import JMESPathError

from scraping.field_mapping import MOST_IMAGES, ApiMapping, Expression
from scraping.page_addresses import absolute
from scraping.page_words import telling, tidy
from scraping.same_picture import Candidate

MOST_ITEMS = 5_000
MOST_TAGS = 200
LONGEST_TAG = 100
_MARKUP = re.compile(r"<[^<>]{0,2000}>")


class WrongAnswer(ValueError):
    """An answer is not what the mapping says, or an error; the text is a sentence."""


@dataclass(frozen=True)
class ApiPicture:
    """candidate: addresses and words. page_url: empty if the answer has none.

    width, height: pixels, as the API says; 0 if it does not.
    """

    candidate: Candidate
    page_url: str = ""
    width: int = 0
    height: int = 0


def read_answer(body: bytes, mapping: ApiMapping) -> Any:
    """The JSON of an answer. Raises WrongAnswer for none, and for an error that is told in it."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise WrongAnswer("The answer is no JSON.") from None
    message = _found(mapping.error, answer) if mapping.error is not None else None
    if message is None and mapping.graphql:
        message = _message_of_graphql(answer)
    if message:
        raise WrongAnswer(f"The API answers with an error: {_words(message)[:300]}")
    return answer


def _message_of_graphql(answer: Any) -> Any:
    """Of an answer without data; errors beside data leave a part out."""
    if not isinstance(answer, Mapping) or not answer.get("errors") or answer.get("data"):
        return None
    errors = answer["errors"]
    first = errors[0] if isinstance(errors, list) else errors
    return first.get("message", "unknown") if isinstance(first, Mapping) else str(first)


def items_of(answer: Any, mapping: ApiMapping) -> list[Any]:
    """The items of an answer. Raises WrongAnswer where there is no list."""
    items = _found(mapping.items, answer)
    if isinstance(items, list):
        return items[:MOST_ITEMS]
    place = f"“{mapping.items.expression}”"
    if isinstance(answer, Mapping):
        names = ", ".join(sorted(map(str, answer))[:10])[:200]
        raise WrongAnswer(f"The answer has no list at {place}; it has {names or 'nothing'}.")
    raise WrongAnswer(f"The answer has no list at {place}.")


def detail_of(item: Any, mapping: ApiMapping, base: str) -> str | None:
    """The address of an item's own answer; base: that of the list's."""
    said = _found(mapping.detail, item)
    return absolute(said, base) if isinstance(said, str) else None


def picture_of(item: Any, mapping: ApiMapping, base: str) -> ApiPicture | None:
    """What an item says of its picture; None if it names no address. base: the answer's own."""
    urls: dict[str, None] = {}
    for expression in mapping.images:
        for said in _listed(_found(expression, item)):
            url = absolute(said, base) if isinstance(said, str) else None
            if url is not None:
                urls.setdefault(url)
    if not urls:
        return None
    said = {name: _found(expression, item) for name, expression in mapping.fields.items()}
    addresses = tuple(urls)[:MOST_IMAGES]
    page = said.get("page")
    return ApiPicture(
        Candidate(addresses, "api", _texts(said, addresses, mapping.tag_separator)),
        (absolute(page, base) or "") if isinstance(page, str) else "",
        _pixels(said.get("width")),
        _pixels(said.get("height")),
    )


def _found(expression: Expression, data: Any) -> Any:
    """What stands at a place; None if nothing does, or what stands there is of another kind."""
    if expression is None:
        return None
    try:
        return expression.search(data)
    except (JMESPathError, RecursionError, ArithmeticError, TypeError, ValueError):
        return None


def is_more(answer: Any, expression: Expression) -> bool:
    """Whether an answer says that there is more."""
    said = _found(expression, answer)
    return said not in (None, False, "", 0, "false", "0", [], {})


def value_at(answer: Any, expression: Expression) -> str | int | None:
    """A word or a number in an answer, or None."""
    said = _found(expression, answer)
    if isinstance(said, bool) or not isinstance(said, str | int) or said == "":
        return None
    return said


def _listed(said: Any) -> list[Any]:
    return said if isinstance(said, list) else [said]


def _texts(said: Mapping[str, Any], urls: tuple[str, ...], separator: str) -> dict[str, str]:
    """What stands with the picture, by the names that scraping.crawl_config.Sighting has."""
    texts = {
        "figcaption": telling(_words(said.get("caption")), urls),
        "title": telling(_words(said.get("title")), urls),
        "tags": ", ".join(tags_in(said.get("tags"), separator)),
        "rating": _words(said.get("rating"))[:100],
        "author": _words(said.get("author"))[:200],
    }
    return {name: text for name, text in texts.items() if text}


def tags_in(said: Any, separator: str = "") -> list[str]:
    """Tags from a list, or from one text; without a separator, at commas, else at spaces."""
    if isinstance(said, str):
        said = said.split(separator or ("," if "," in said else None))
    found: dict[str, None] = {}
    for one in said if isinstance(said, list) else []:
        # They are kept as one text between commas.
        tag = _words(one).replace(",", " ").strip()
        if tag and len(tag) <= LONGEST_TAG:
            found.setdefault(tag)
    return list(found)[:MOST_TAGS]


def _words(said: Any) -> str:
    """One line, without markup."""
    if isinstance(said, list):
        return ", ".join(filter(None, map(_words, said[:20])))
    if isinstance(said, bool) or not isinstance(said, str | int | float):
        return ""
    return tidy(html.unescape(_MARKUP.sub(" ", str(said)[:20_000])))


def _pixels(said: Any) -> int:
    try:
        number = int(said)
    except (TypeError, ValueError, OverflowError):
        return 0
    return number if 0 < number < 1_000_000 else 0


def worded_status(status: int, host: str, has_key: bool) -> str:
    """What an API's status means for who set up the source, as a sentence; "" for others."""
    if status == 401 and not has_key:
        return f"{host} asks for an API key; the source has none."
    if status in (401, 403) and has_key:
        return f"{host} does not accept the source's API key for this (status {status})."
    return {
        400: f"{host} does not understand the request (status 400); check the source's mapping.",
        403: f"{host} refuses the request (status 403); it may ask for an API key.",
        404: f"{host} has nothing at this address (status 404); check the source's mapping.",
        429: f"{host} asks for fewer requests (status 429); lower the source's rate limit.",
    }.get(status, "")
