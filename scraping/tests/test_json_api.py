"""An API that is crawled by a real child."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from scraping.crawl_child import CrawlChild, Event
from scraping.crawl_config import CrawlConfig, TargetConfig
from scraping.options import checked
from scraping.tests.site import OPEN_HOSTS, OTHER_PUBLIC, Site

SECRET = "s3cr+t/key=="


@pytest.fixture
def site() -> Any:
    with Site() as made:
        yield made


def events(
    url: str, mapping: dict[str, Any], spool: Path, api_key: str = "", **chosen: Any
) -> list[Event]:
    """What a child tells of one target, whole."""
    folder = spool / "target-1"
    folder.mkdir(exist_ok=True)
    config = CrawlConfig(
        spool=str(spool),
        user_agent="Imagineer/0.1",
        targets=(TargetConfig(1, url, str(folder), "api", mapping=mapping, api_key=api_key),),
        options=checked({"min_width": 48, "min_height": 48} | chosen),
        delay_s=0,
        allowed_hosts=tuple(OPEN_HOSTS),
    )
    told: list[Event] = []
    with CrawlChild(config, spool / "log") as child:
        while not told or told[-1]["event"] != "end":
            event = child.next_event(60)
            assert event is not None
            told.append(event)
    assert not child.last_words()
    return told


def of(told: list[Event], kind: str) -> list[Event]:
    return [event for event in told if event["event"] == kind]


def put_json(site: Site, path: str, data: Any, status: int = 200) -> None:
    site.put(path, json.dumps(data), "application/json", status)


MAPPING = {
    "request": {"path": "/posts.json", "query": {"limit": 2}},
    "items": "posts",
    "item": {
        "images": ["file", "sample"],
        "page": "join('', ['/posts/', to_string(id)])",
        "caption": "text", "tags": "tags", "width": "w", "height": "h", "rating": "rating",
    },
    "pagination": {"by": "page", "parameter": "page"},
}  # fmt: skip


def test_page_after_page_is_asked_for_and_pictures_come_with_their_words(
    site: Site, tmp_path: Path
) -> None:
    put_json(
        site,
        "/posts.json?limit=2",
        {
            "posts": [
                {"id": 1, "file": "/gone.png", "sample": "/1.png", "text": "A red boat",
                 "tags": "boat red", "rating": "s", "w": 64, "h": 96},
                {"id": 2, "file": "/2.png", "w": 20, "h": 20},
            ]
        },
    )  # fmt: skip
    put_json(site, "/posts.json?limit=2&page=2", {"posts": [{"id": 3, "file": "/3.png"}]})
    put_json(site, "/posts.json?limit=2&page=3", {"posts": []})
    site.picture("/1.png", 1)
    site.picture("/3.png", 3)
    told = events(f"{site.url}/", MAPPING, tmp_path)
    pictures = {event["image_url"]: event for event in of(told, "picture")}
    assert set(pictures) == {f"{site.url}/1.png", f"{site.url}/3.png"}
    first = pictures[f"{site.url}/1.png"]
    assert first["page_url"] == f"{site.url}/posts/1"
    assert first["caption"] == "A red boat"
    assert first["texts"] == {"figcaption": "A red boat", "tags": "boat, red", "rating": "s"}
    assert (first["found_by"], first["position"]) == ("api", 0)
    [small] = of(told, "refused")
    assert (small["reason"], small["detail"]) == (
        "small", "20 × 20 pixels, says the API, less than 48 × 48.",
    )  # fmt: skip
    assert "/2.png" not in site.asked
    assert len(of(told, "page")) == 3
    assert [event["reason"] for event in of(told, "target_end")] == ["finished"]


def test_rules_for_robots_hold_unless_the_api_is_documented_for_programs(
    site: Site, tmp_path: Path
) -> None:
    item = {"file": "/closed/1.png"}
    put_json(site, "/api/posts.json?limit=2", {"posts": [item, {"file": "/2.png"}]})
    site.put("/robots.txt", "User-agent: *\nDisallow: /api/\nDisallow: /closed/", "text/plain")
    site.picture("/2.png", 2)
    request: dict[str, Any] = {"path": "/api/posts.json", "query": {"limit": 2}}
    mapping = MAPPING | {"request": request, "pagination": {}}
    told = events(f"{site.url}/", mapping, tmp_path)
    [trouble] = of(told, "trouble")
    assert trouble["is_start"]
    assert trouble["detail"] == (
        "robots.txt of 127.0.0.2 asks crawlers not to fetch this. If the site documents this API "
        'for programs, the request in its mapping may say "obey_robots": false.'
    )
    assert site.asked == ["/robots.txt"]

    mapping["request"] = request | {"obey_robots": False}
    (tmp_path / "second").mkdir()
    told = events(f"{site.url}/", mapping, tmp_path / "second")
    assert [event["image_url"] for event in of(told, "picture")] == [f"{site.url}/2.png"]
    assert [event["reason"] for event in of(told, "refused")] == ["robots"]
    assert "/closed/1.png" not in site.asked


@pytest.mark.parametrize("respected", [True, False])
def test_an_answer_may_keep_its_pictures_from_training(
    site: Site, tmp_path: Path, respected: bool
) -> None:
    mapping = MAPPING | {
        "request": {"path": "/list.json"}, "items": "ids", "pagination": {},
        "detail": "join('', ['/detail/', to_string(@)])",
    }  # fmt: skip
    put_json(site, "/list.json", {"ids": [1, 2]})
    for number in (1, 2):
        put_json(site, f"/detail/{number}", {"file": f"/{number}.png", "w": 20, "h": 20})
        site.picture(f"/{number}.png", number)
    status, headers, body = site.answers["/detail/1"]  # type: ignore[misc]
    site.answers["/detail/1"] = (status, headers | {"X-Robots-Tag": "noai"}, body)
    told = events(
        f"{site.url}/", mapping, tmp_path, respect_noai=respected, min_width=1, min_height=1
    )
    refused = {event["image_url"]: event["reason"] for event in of(told, "refused")}
    assert refused == ({f"{site.url}/1.png": "noai"} if respected else {})
    assert ("/1.png" in site.asked) is not respected
    assert "/2.png" in site.asked


@pytest.mark.parametrize("key", ["", SECRET])
def test_a_key_goes_to_nobody_whose_certificate_is_not_valid(
    site: Site, tmp_path: Path, key: str
) -> None:
    site.speak_https(tmp_path)
    put_json(site, "/posts.json?limit=2", {"posts": []})
    mapping = MAPPING | {"key": {"in": "header", "name": "X-Key"}}
    (tmp_path / "spool").mkdir()
    told = events(f"{site.url}/", mapping, tmp_path / "spool", api_key=key)
    assert bool(site.received) is not bool(key)
    assert [event["detail"] for event in of(told, "trouble")] == (
        ["127.0.0.2 shows a certificate that is not valid."] if key else []
    )


def test_graphql_is_asked_with_variables(site: Site, tmp_path: Path) -> None:
    def answer() -> Any:
        asked = json.loads(site.received[-1][2])
        after = asked["variables"].get("after")
        nodes = [{"url": "/2.png" if after else "/1.png"}]
        page = {"nodes": nodes, "pageInfo": {"endCursor": "x1", "hasNextPage": not after}}
        return 200, {"Content-Type": "application/json"}, json.dumps({"data": page}).encode()

    site.answers["/graphql"] = answer
    site.picture("/1.png", 1)
    site.picture("/2.png", 2)
    told = events(
        f"{site.url}/graphql?search=boats",
        {
            "request": {"graphql": "query($search: String) { x }"},
            "items": "data.nodes",
            "item": {"images": "url"},
            "pagination": {
                "by": "cursor",
                "parameters": {"after": "data.pageInfo.endCursor"},
                "more": "data.pageInfo.hasNextPage",
            },
            "lookup": {"search": "{name}"},
        },
        tmp_path,
    )
    assert len(of(told, "picture")) == 2
    asked = [json.loads(body) for path, _, body in site.received if path == "/graphql"]
    assert [each["variables"] for each in asked] == [
        {"search": "boats"},
        {"search": "boats", "after": "x1"},
    ]


def test_details_are_asked_for_one_by_one(site: Site, tmp_path: Path) -> None:
    put_json(site, "/search", {"ids": [1, 2, 3]})
    for number in (1, 2, 3):
        put_json(site, f"/objects/{number}", {"image": f"/{number}.png", "title": "A boat"})
        site.picture(f"/{number}.png", number)
    told = events(
        f"{site.url}/search",
        {
            "items": "ids",
            "detail": "join('', ['/objects/', to_string(@)])",
            "item": {"images": "image", "title": "title"},
        },
        tmp_path,
        max_pages=3,
    )
    assert {event["image_url"] for event in of(told, "picture")} == {
        f"{site.url}/1.png", f"{site.url}/2.png",
    }  # fmt: skip
    assert of(told, "picture")[0]["page_url"].startswith(f"{site.url}/objects/")
    assert "/objects/3" not in site.asked, "a detail is a page"


@pytest.mark.parametrize("place", ["header", "query"])
def test_a_key_goes_to_the_api_alone_and_is_kept_nowhere(
    site: Site, tmp_path: Path, place: str
) -> None:
    name = "X-Api-Key" if place == "header" else "api_key"
    mapping = MAPPING | {
        "request": {"path": "/posts.json"},
        "key": {"in": place, "name": name, "prefix": "Bearer " if place == "header" else ""},
        "pagination": {"by": "next", "at": "next"},
    }
    with Site(OTHER_PUBLIC) as other:
        site.picture("/1.png", 1)
        other.picture("/2.png", 2)
        put_json(other, "/elsewhere", {"posts": []})

        def answer() -> Any:
            query = parse_qs(urlsplit(site.received[-1][0]).query)
            echoed = query.get("api_key", [SECRET])[0]
            data = {
                "posts": [
                    {"id": 1, "file": f"/1.png?api_key={echoed.replace('+', '%2B')}"},
                    {"id": 2, "file": f"{other.url}/2.png"},
                    {"id": 3, "file": f"/{SECRET}.png"},
                ],
                "next": f"/more?a=1&api_key={echoed}",
            }
            return 200, {"Content-Type": "application/json"}, json.dumps(data).encode()

        key = "?api_key=s3cr%2Bt%2Fkey%3D%3D" if place == "query" else ""
        site.answers[f"/posts.json{key}"] = answer
        site.redirect(f"/more?a=1{key.replace('?', '&')}", f"{other.url}/elsewhere")
        site.redirect(f"/more?a=1&api_key={SECRET}", f"{other.url}/elsewhere")
        told = events(f"{site.url}/", mapping, tmp_path, SECRET)
        asked_there = list(other.received)
    path, headers, _ = next(one for one in site.received if one[0].startswith("/posts"))
    if place == "header":
        assert headers["X-Api-Key"] == f"Bearer {SECRET}"
        assert path == "/posts.json"
    else:
        assert path == f"/posts.json{key}"
    assert {path for path, *_ in asked_there} >= {"/2.png", "/elsewhere"}
    for path, headers, _ in asked_there:
        assert "s3cr" not in path + json.dumps(headers)
    assert "s3cr" not in json.dumps(told)
    for path, headers, _ in site.received:
        if "/1.png" in path:
            assert "s3cr" not in path + json.dumps(headers)
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or b"s3cr" not in file.read_bytes()


@pytest.mark.parametrize(
    ("status", "body", "key", "words"),
    [
        (401, "{}", "", "asks for an API key"),
        (401, "{}", "x", "does not accept the source's API key"),
        (403, "{}", "", "may ask for an API key"),
        (404, "{}", "", "check the source's mapping"),
        (200, "<html>", "", "127.0.0.2: The answer is no JSON."),
        (200, '{"data": []}', "", "no list at “posts”; it has data."),
        (200, '{"message": "No such tag"}', "", "answers with an error: No such tag"),
    ],
)
def test_an_api_that_does_not_answer_is_told_of_in_a_sentence(
    site: Site, tmp_path: Path, status: int, body: str, key: str, words: str
) -> None:
    site.put("/posts.json?limit=2", body, "application/json", status)
    mapping = MAPPING | {"error": "message", "key": {"in": "header", "name": "X-Key"}}
    [trouble] = of(events(f"{site.url}/", mapping, tmp_path, key), "trouble")
    assert words in trouble["detail"]
    assert trouble["is_start"]


def test_an_api_that_never_ends_is_left_after_as_many_pages_as_asked_for(
    site: Site, tmp_path: Path
) -> None:
    for number in range(1, 9):
        put_json(
            site,
            "/posts.json?limit=2" + (f"&page={number}" if number > 1 else ""),
            {"posts": [{"file": "/1.png"}]},
        )
    site.picture("/1.png", 1)
    told = events(f"{site.url}/", MAPPING, tmp_path, max_pages=5)
    assert len(of(told, "page")) == 5
    assert len(of(told, "picture")) == 1


def test_one_that_leads_back_to_itself_is_asked_once(site: Site, tmp_path: Path) -> None:
    put_json(site, "/posts.json", {"posts": [], "next": "/posts.json"})
    mapping = MAPPING | {
        "request": {"path": "/posts.json"}, "pagination": {"by": "next", "at": "next"},
    }  # fmt: skip
    events(f"{site.url}/", mapping, tmp_path)
    assert site.asked.count("/posts.json") == 1
