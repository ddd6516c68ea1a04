"""What of the answers a visitor should not have been told.

Files of pictures are compared with the sharp ones, words with whose they are.
"""

import re
from collections.abc import Iterator, Mapping
from copy import copy
from http.cookies import SimpleCookie

from django.test import Client

from gallery import renditions
from imagineer.tests.leaks.counts import wrong_counts
from imagineer.tests.leaks.walk import Answer, walk
from imagineer.tests.leaks.worlds import Rows, World

# What only admins ever read, of whatever picture or run.
SECRETS = re.compile(
    r"job(?:title|param|message|error|result|log)word|crawlpath|crawlalbum|crawlpattern|targetpath|"
    r"targetend|sourcename|sourcepath|frozenword|itempromptword"
)


def leaks(
    client: Client, rows: Rows, world: World, choice: str, only: str = "", under: str = "/"
) -> list[str]:
    """What this visitor should not have learned, each with where; empty if all is well.

    only, under: of these addresses alone, as in walk.
    """
    client.cookies["nsfw"] = choice
    found = []
    for address, answer in walk(client, rows, only, under).items():
        found += [
            f"{address}: {leak}" for leak in _of_pictures(address, answer, rows, world, choice)
        ]
        found += [f"{address}: {leak}" for leak in _of_others(address, answer, world)]
    if only:
        return found
    return found + probes(client, rows, world, choice) + wrong_counts(client, rows, world, choice)


def _of_pictures(
    address: str, answer: Answer, rows: Rows, world: World, choice: str
) -> Iterator[str]:
    asked = address.lower()
    for number, (image, state) in enumerate(zip(rows.images, world.pictures, strict=True)):
        hidden = state.is_hidden
        if not hidden and not (state.is_veiled and choice != "show"):
            continue
        own = re.search(rf"/images/{image.pk}(/|\b)", address) is not None
        page = re.search(rf"/images/{image.pk}\b", answer.told) is not None
        if answer.body in rows.files[image.pk]:
            yield f"the file of {state}"
        words = re.findall(rf"\w*pic{number}\b", answer.told)
        if told := [word for word in words if word.lower() not in asked]:
            yield f"{told[0]} of {state}"
        if image.sharp_key in answer.told and image.sharp_key not in address:
            yield f"the sharp address of {state}"
        if image.sha256 in answer.told:
            yield f"the hash of {state}"
        searched = asked.startswith(("/search/", "/api/search", "/tags/", "/api/images?"))
        by_word = searched and re.search(rf"[a-z]pic{number}(/|$)", asked.removesuffix(" [htmx]"))
        # A list that words made, of which this is the next.
        beside = re.search(rf"/images/{image.pk}/\?(tag=|q=common)", answer.told)
        if not own and (beside or (by_word and page)):
            yield f"that a word finds {state}"
        if (hidden or choice == "hide") and page and not own:
            yield f"that there is {state}"
        if hidden and image.blurred_key in answer.told and image.blurred_key not in address:
            yield f"the blurred address of {state}"
        if hidden and own and answer.found:
            yield f"anything at all of {state}"


def _of_others(address: str, answer: Answer, world: World) -> Iterator[str]:
    asked = address.lower()
    if secret := SECRETS.search(answer.told):
        yield f"{secret[0]}, which is the admins'"
    private = {
        f"shelfname{number}": public for number, public in enumerate(world.public_shelves)
    } | {
        "loraname": world.public_lora,
        "basename": world.public_base,
        "themeword": world.tells_of_run,
        "runalbumname": world.tells_of_run,
        "trainname": world.tells_of_training,
        "datasetname": world.tells_of_training and all(world.public_shelves),
    }
    searched = asked.startswith(("/search/", "/api/search"))
    finds = searched and re.search(r"/images/\d+", answer.told) is not None
    begun = tuple(re.findall(r"(\w+)\*", asked))
    named = [word for word in private if word in asked or (begun and word.startswith(begun))]
    # The words stand in the question; that pictures answer to them tells that they are names.
    if finds and named and not any(private[word] for word in named):
        yield f"that {named[0]}, which is private, finds pictures"
    for word, public in private.items():
        if not public and word in answer.told and word not in asked:
            yield f"{word}, which is private"


def probes(client: Client, rows: Rows, world: World, choice: str) -> list[str]:
    """What files that must not be had say to a HEAD, a range, and to whoever knows their ETag."""
    found = []
    for image, state in zip(rows.images, world.pictures, strict=True):
        if not state.is_hidden and not (state.is_veiled and choice != "show"):
            continue
        width = renditions.sharp_widths(image.width)[-1]
        files = {
            f"/images/{image.pk}/original": f'"{image.sha256}"',
            f"/i/{image.sharp_key}-{width}.webp": f'"{image.sharp_key}-{width}"',
        }
        if state.is_hidden:
            files[f"/api/images/{image.pk}/thumbnail"] = f'"{image.sharp_key}-{width}"'
            blurred = f"{image.blurred_key}-{renditions.blurred_width(image.width)}"
            files[f"/i/{blurred}.webp"] = f'"{blurred}"'
        for address, etag in files.items():
            answers = {
                "HEAD": client.head(address),
                "If-None-Match": client.get(address, headers={"If-None-Match": etag}),
                "any ETag": client.get(address, headers={"If-None-Match": "*"}),
                "Range": client.get(address, headers={"Range": "bytes=0-0"}),
            }
            found += [
                f"{address}: answers {response.status_code} to {how} of {state}"
                for how, response in answers.items()
                if response.status_code not in (404, 405)
                or {"ETag", "Last-Modified"} & set(response.headers)
            ]
        revealed = _anew(client).post(f"/images/{image.pk}/reveal", headers=_AS_SCRIPT)
        if state.is_hidden and revealed.status_code != 404:
            found.append(f"/images/{image.pk}/reveal: answers {revealed.status_code} of {state}")
    return found


def _anew(client: Client) -> Client:
    """The client before its first answer: what it is shown from here on does not stay with it."""
    fresh = copy(client)
    fresh.cookies = SimpleCookie()
    return fresh


_AS_SCRIPT: Mapping[str, str] = {"Accept": "application/json"}
