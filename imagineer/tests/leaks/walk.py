"""What a visitor is answered at every address there is."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.test import Client

from gallery import renditions
from imagineer.jobs.models import Job
from imagineer.tests.addresses import EVERYWHERE, filled
from imagineer.tests.leaks.worlds import PICTURES, SHELVES, Rows

WORDS = (
    "prompt", "negative", "caption", "tag", "other", "implied", "name", "alt", "param", "item",
)  # fmt: skip
# Not walked: what only an admin gets, what writes, and what is the same for all.
_NOT_PUBLIC = re.compile(r"^/(admin|accounts|static)/|^/preferences/|/reveal$")
_ADDRESS = re.compile(
    r"""(?:href|src|action|content)="(/[^"]*|http://testserver/[^"]*)"|"(/(?:api|i|images|albums)/[^"\s]*)"|"""
    r"""<(?:loc|image:loc|id)>http://testserver(/[^<]*)<|(/i/[0-9a-f]+-\d+\.webp)"""
)


def places(rows: Rows) -> dict[str, list[object]]:
    """What placeholders of addresses stand for: every row there is, given out or not."""
    keys = [
        f"{key}-{width}"
        for image in rows.images
        for key in (image.sharp_key, image.blurred_key)
        for width in (*renditions.sharp_widths(image.width), 300)
    ]
    return {
        "image": [image.pk for image in rows.images],
        "album": [album.pk for album in rows.albums],
        "slug": [album.slug for album in rows.albums],
        "label": [image.labels.order_by("pk")[0].pk for image in rows.images],
        "tag": [
            "commontag",
            *(f"{word}pic{number}" for word in ("tag", "other") for number in range(PICTURES)),
        ],
        "lora": [rows.lora.pk],
        "template": [rows.template.pk],
        "template_slug": [rows.template.slug],
        "run": [rows.run.pk],
        "job": list(Job.objects.values_list("pk", flat=True)),
        "crawl": [rows.crawl.pk],
        "training": [rows.training.pk],
        "rendition": list(dict.fromkeys(keys)),
        "query": ["common", "-nothing"],
    }


def addresses_of(name: str, rows: Rows) -> Iterator[str]:
    """Every address of a page or an operation of the API that there could be."""
    for template in EVERYWHERE[name]:
        yield from filled(template, places(rows))
    searched = {
        "gallery:search": "/search/?q=",
        "/api/search": "/api/search?q=",
        "/api/tags": "/api/tags?q=",
        "/api/tags/complete": "/api/tags/complete?q=",
    }.get(name)
    if searched:
        asked = [f"{word}pic{number}" for word in WORDS for number in range(PICTURES)]
        asked += [f"shelfname{number}" for number in range(SHELVES)]
        asked += [f"album:shelfname{number}" for number in range(SHELVES)]
        asked += ["shelfname*", "album:shelfname*", "lora:loranam*"]
        asked += ["lora:loraname", "loraname", "tag:commontag", "rating:adult", "source:scraped"]
        yield from (f"{searched}{text}" for text in asked)


@dataclass(frozen=True)
class Answer:
    """told: the text of headers and body; body: its bytes alone; found: status 200."""

    told: str
    body: bytes
    found: bool


def ask(client: Client, address: str, **headers: str) -> Answer:
    response: Any = client.get(address, headers=headers)
    assert response.status_code < 500, address
    body = body_of(response)
    # An address that is redirected to may repeat what was asked for, and so may a refusal.
    text = body.decode("utf-8", "replace") if not _is_picture(response) else ""
    told = "\n".join(f"{name}: {value}" for name, value in response.headers.items())
    return Answer(f"{told}\n{text}", body, response.status_code == 200)


def body_of(response: Any) -> bytes:
    if not response.streaming:
        return bytes(response.content)
    if not response.is_async:
        return b"".join(response)

    async def collected() -> bytes:
        return b"".join([part async for part in response])

    return asyncio.run(collected())


def _is_picture(response: HttpResponse) -> bool:
    return response.headers.get("Content-Type", "").startswith("image/")


def walk(client: Client, rows: Rows, only: str = "", under: str = "/") -> dict[str, Answer]:
    """Every address there could be, and every one that is given out.

    only: those of this name alone. under: those that begin so, alone.
    """
    names = [only] if only else list(EVERYWHERE)
    waiting = [address for name in names for address in addresses_of(name, rows)]
    seen: dict[str, Answer] = {}
    while waiting:
        address = waiting.pop()
        if address in seen or not address.startswith(under) or _NOT_PUBLIC.search(address):
            continue
        seen[address] = ask(client, address)
        is_page = not address.startswith(("/api/", "/i/")) and not address.endswith("/original")
        if is_page:
            seen[f"{address} [htmx]"] = ask(client, address, **{"HX-Request": "true"})
        if not only:
            waiting += _given_out(seen[address].told)
    return seen


def _given_out(text: str) -> Iterator[str]:
    for groups in _ADDRESS.findall(text):
        address = next(group for group in groups if group)
        plain = address.removeprefix("http://testserver").replace("&amp;", "&")
        # Searches lead to ever narrower ones; the first addresses have one of each kind.
        if "?q=" not in plain and "&q=" not in plain:
            yield plain.partition("#")[0]
