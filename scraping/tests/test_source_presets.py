"""Each preset, on a small answer in the shape that its API's documentation shows."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from scraping.addresses import check_url
from scraping.api_answers import WrongAnswer, detail_of, items_of, picture_of, read_answer
from scraping.api_requests import Lookup, first_request, lookup_address, next_request
from scraping.field_mapping import ApiMapping, checked
from scraping.options import checked as checked_options
from scraping.source_presets import SOURCE_PRESETS

COMMONS: Any = {
    "continue": {"gsroffset": 50, "continue": "gsroffset||"},
    "query": {
        "pages": [
            {
                "pageid": 7, "ns": 6, "title": "File:Red boat.jpg", "index": 1,
                "imageinfo": [
                    {
                        "size": 12345, "width": 4000, "height": 3000,
                        "thumburl": "https://upload.example/thumb/2048px-Red_boat.jpg",
                        "url": "https://upload.example/Red_boat.jpg",
                        "descriptionurl": "https://commons.wikimedia.org/wiki/File:Red_boat.jpg",
                        "extmetadata": {
                            "ImageDescription": {"value": "A <i>red</i> boat"},
                            "Artist": {"value": '<a href="//x">Ann</a>'},
                        },
                    }
                ],
            }
        ]
    },
}  # fmt: skip
MET_OBJECT: Any = {
    "objectID": 45734, "isPublicDomain": True, "title": "Quail and Millet",
    "primaryImage": "https://images.metmuseum.org/CRDImages/as/original/a.jpg",
    "primaryImageSmall": "https://images.metmuseum.org/CRDImages/as/web-large/a.jpg",
    "additionalImages": [], "artistDisplayName": "Kiyohara Yukinobu", "objectDate": "",
    "medium": "Hanging scroll", "objectURL": "https://www.metmuseum.org/art/collection/search/45734",
    "tags": [{"term": "Birds", "AAT_URL": "x"}],
}  # fmt: skip
ARTIC: Any = {
    "pagination": {"total": 120, "limit": 100, "total_pages": 2, "current_page": 1},
    "data": [
        {
            "id": 129884, "title": "Starry Night", "image_id": "e966",
            "artist_title": "Alma Thomas", "artist_display": "Alma Thomas\nAmerican",
            "date_display": "1972",
            "medium_display": None, "term_titles": ["painting", "stars"],
        },
        {"id": 2, "title": "No picture", "image_id": None},
    ],
}  # fmt: skip
DANBOORU: Any = [
    {
        "id": 3, "rating": "g", "image_width": 550, "image_height": 770,
        "tag_string": "1girl blue_eyes red,dark", "tag_string_artist": "someone",
        "file_url": "https://cdn.example/original/a.jpg",
        "large_file_url": "https://cdn.example/sample/a.jpg",
    },
    {"id": 4, "rating": "g", "tag_string": "no_file"},
]  # fmt: skip
WALLHAVEN: Any = {
    "data": [
        {
            "id": "94x38z", "url": "https://wallhaven.cc/w/94x38z", "purity": "sfw",
            "dimension_x": 6742, "dimension_y": 3534,
            "path": "https://w.wallhaven.cc/full/94/wallhaven-94x38z.jpg",
        }
    ],
    "meta": {"current_page": 1, "last_page": 36, "per_page": 24, "total": 848},
}  # fmt: skip
FLICKR: Any = {
    "stat": "ok",
    "photos": {
        "page": 1, "pages": "3207", "perpage": 100, "total": "320662",
        "photo": [
            {
                "id": "33007015650", "owner": "148578535@N03", "title": "Bird",
                "ownername": "Ann", "tags": "bird sea",
                "description": {"_content": "A <b>bird</b>"},
                "url_l": "https://live.example/a_b.jpg", "url_z": "https://live.example/a_z.jpg",
            }
        ],
    },
}  # fmt: skip


def mapping_of(key: str) -> ApiMapping:
    return checked(SOURCE_PRESETS[key].mapping)


@pytest.mark.parametrize("key", SOURCE_PRESETS)
def test_each_is_a_source_that_may_be_crawled(key: str) -> None:
    preset = SOURCE_PRESETS[key]
    mapping = checked(preset.columns["mapping"])
    assert check_url(preset.base_url) == preset.base_url
    assert check_url(preset.documentation)
    assert checked_options(preset.options)
    assert preset.about.endswith(".")
    assert 1 <= preset.rate_limit <= 600
    assert bool(preset.key_hint) <= (mapping.key is not None)
    assert first_request(mapping, preset.base_url).url.startswith(preset.base_url)


@pytest.mark.parametrize("key", SOURCE_PRESETS)
def test_each_can_be_searched_by_name(key: str) -> None:
    mapping = mapping_of(key)
    url = lookup_address(Lookup(SOURCE_PRESETS[key].base_url, "", mapping), "red boat")
    query = parse_qs(urlsplit(first_request(mapping, url).url).query)
    [parameter] = mapping.lookup
    assert "red boat" in query[parameter][0]
    assert len(query[parameter]) == 1


@pytest.mark.parametrize(
    ("key", "item", "expected"),
    [
        (
            "wikimedia_commons",
            COMMONS["query"]["pages"][0],
            {
                "urls": (
                    "https://upload.example/Red_boat.jpg",
                    "https://upload.example/thumb/2048px-Red_boat.jpg",
                ),
                "page": "https://commons.wikimedia.org/wiki/File:Red_boat.jpg",
                "texts": {"figcaption": "A red boat", "author": "Ann"},
                "size": (4000, 3000),
            },
        ),
        (
            "met",
            MET_OBJECT,
            {
                "urls": (MET_OBJECT["primaryImage"], MET_OBJECT["primaryImageSmall"]),
                "page": MET_OBJECT["objectURL"],
                "texts": {
                    "figcaption": "Quail and Millet, Kiyohara Yukinobu, Hanging scroll",
                    "title": "Quail and Millet",
                    "tags": "Birds",
                    "author": "Kiyohara Yukinobu",
                },
                "size": (0, 0),
            },
        ),
        (
            "art_institute",
            ARTIC["data"][0],
            {
                "urls": ("https://www.artic.edu/iiif/2/e966/full/843,/0/default.jpg",),
                "page": "https://www.artic.edu/artworks/129884",
                "texts": {
                    "figcaption": "Starry Night, Alma Thomas, 1972",
                    "title": "Starry Night",
                    "tags": "painting, stars",
                    "author": "Alma Thomas American",
                },
                "size": (0, 0),
            },
        ),
        (
            "danbooru",
            DANBOORU[0],
            {
                "urls": (
                    "https://cdn.example/original/a.jpg",
                    "https://cdn.example/sample/a.jpg",
                ),
                "page": "https://danbooru.donmai.us/posts/3",
                "texts": {
                    "tags": "1girl, blue_eyes, red dark",
                    "rating": "g",
                    "author": "someone",
                },
                "size": (550, 770),
            },
        ),
        (
            "wallhaven",
            WALLHAVEN["data"][0],
            {
                "urls": ("https://w.wallhaven.cc/full/94/wallhaven-94x38z.jpg",),
                "page": "https://wallhaven.cc/w/94x38z",
                "texts": {"rating": "sfw"},
                "size": (6742, 3534),
            },
        ),
        (
            "flickr",
            FLICKR["photos"]["photo"][0],
            {
                "urls": ("https://live.example/a_b.jpg", "https://live.example/a_z.jpg"),
                "page": "https://www.flickr.com/photos/148578535@N03/33007015650",
                "texts": {
                    "figcaption": "A bird",
                    "title": "Bird",
                    "tags": "bird, sea",
                    "author": "Ann",
                },
                "size": (0, 0),
            },
        ),
    ],
)
def test_each_finds_a_picture_with_its_words(key: str, item: Any, expected: Any) -> None:
    found = picture_of(item, mapping_of(key), SOURCE_PRESETS[key].base_url)
    assert found is not None
    assert {
        "urls": found.candidate.urls,
        "page": found.page_url,
        "texts": found.candidate.texts,
        "size": (found.width, found.height),
    } == expected


@pytest.mark.parametrize(
    ("key", "answer", "number", "further"),
    [
        ("wikimedia_commons", COMMONS, 1, {"gsroffset": ["50"], "continue": ["gsroffset||"]}),
        ("met", {"total": 2, "objectIDs": [1, 2]}, 2, None),
        ("art_institute", ARTIC, 2, {"page": ["2"]}),
        ("danbooru", DANBOORU, 2, {"page": ["2"]}),
        ("wallhaven", WALLHAVEN, 1, {"page": ["2"]}),
        ("flickr", FLICKR, 1, {"page": ["2"]}),
    ],
)
def test_each_finds_its_items_and_goes_on(
    key: str, answer: Any, number: int, further: dict[str, list[str]] | None
) -> None:
    mapping = mapping_of(key)
    assert len(items_of(answer, mapping)) == number
    first = first_request(mapping, SOURCE_PRESETS[key].base_url)
    after = next_request(mapping, first, answer, number)
    if further is None:
        assert after is None
    else:
        assert after is not None
        assert parse_qs(urlsplit(after.url).query).items() >= further.items()


@pytest.mark.parametrize(
    ("key", "last"),
    [
        ("wikimedia_commons", {"batchcomplete": True}),
        ("met", {"total": 0, "objectIDs": None}),
        ("art_institute", {"data": [], "pagination": {"total_pages": 1, "current_page": 1}}),
        ("danbooru", []),
        ("wallhaven", {"data": [], "meta": {"current_page": 36, "last_page": 36}}),
        ("flickr", {"stat": "ok", "photos": {"page": 1, "pages": 1, "photo": []}}),
    ],
)
def test_each_has_an_end(key: str, last: Any) -> None:
    mapping = mapping_of(key)
    assert items_of(last, mapping) == []
    first = first_request(mapping, SOURCE_PRESETS[key].base_url)
    assert next_request(mapping, first, last, 0) is None


def test_items_without_a_picture_are_passed_over() -> None:
    assert picture_of(ARTIC["data"][1], mapping_of("art_institute"), "https://x.org/") is None
    assert picture_of(DANBOORU[1], mapping_of("danbooru"), "https://x.org/") is None


def test_the_museum_is_asked_for_every_work() -> None:
    base = "https://collectionapi.metmuseum.org/public/collection/v1/search?q=x"
    assert detail_of(45734, mapping_of("met"), base) == (
        "https://collectionapi.metmuseum.org/public/collection/v1/objects/45734"
    )


@pytest.mark.parametrize(
    ("key", "body"),
    [
        ("wikimedia_commons", b'{"error": {"code": "x", "info": "Unrecognized value"}}'),
        ("flickr", b'{"stat": "fail", "code": 100, "message": "Unrecognized value"}'),
        ("danbooru", b'{"success": false, "message": "Unrecognized value"}'),
    ],
)
def test_errors_are_told(key: str, body: bytes) -> None:
    with pytest.raises(WrongAnswer, match="Unrecognized value"):
        read_answer(body, mapping_of(key))
