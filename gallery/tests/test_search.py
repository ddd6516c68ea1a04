"""Finding images. The same tests run on SQLite and on PostgreSQL."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.test import RequestFactory

from gallery import albums, image_index, labels, ratings, search_names, trash
from gallery.models import Image, Label, Rating, SearchDocument
from gallery.search import COUNTED_AT_MOST, Found, find
from gallery.search_query import SearchRefused, parse
from gallery.tests.factories import make_album, make_label, make_row
from imagineer.problems import Problem

pytestmark = pytest.mark.django_db


def request_of(user: Any = None, nsfw: str = "") -> HttpRequest:
    request = RequestFactory().get("/search/")
    request.user = user or AnonymousUser()
    if nsfw:
        request.COOKIES["nsfw"] = nsfw
    return request


def search(text: str, request: HttpRequest | None = None) -> list[int]:
    return [image.pk for image in find(request or request_of(), parse(text)).page.items]


def tagged(*names: str, **fields: Any) -> Image:
    image = make_row(**fields)
    for name in names:
        make_label(image, name, kind=Label.Kind.TAG)
    image_index.refresh([image.pk])
    return image


def captioned(text: str, **fields: Any) -> Image:
    image = make_row(**fields)
    make_label(image, text)
    image_index.refresh([image.pk])
    return image


@pytest.mark.parametrize(
    "text",
    [
        "fox", "FOX", "red fox", "fox red", '"red fox"', "fox crosses", '"crosses the river"',
        "cross*", "riv* fox", "cafe", "Café", "-owl fox", "-owl", "tree", "-tag:owl fox",
    ],
)  # fmt: skip
def test_words_are_found_in_captions_and_prompts(text: str) -> None:
    image = captioned("A red fox crosses the river by the café.", prompt="tree, night")
    other = captioned("An owl")
    found = search(text)
    assert image.pk in found
    assert other.pk not in found


@pytest.mark.parametrize(
    "text",
    ["wolf", '"fox red"', '"river by night"', "-fox red", "cro", "fo*", "album:fox", "tag:red"],
)
def test_other_words_are_not(text: str) -> None:
    captioned("A red fox crosses the river by the café.", prompt="tree, night")
    assert search(text) == []


def test_a_phrase_does_not_reach_from_one_text_into_the_next() -> None:
    captioned("a red", prompt="fox in the snow")
    assert search('"red fox"') == []
    assert search("red fox") != []


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("Søren in Łódź", "soren lodz"),
        ("a naïve œuvre", "naive oeuvre"),
        ("Straße", "STRASSE"),
        ("İstanbul", "istanbul"),
        ("ﬁne ｆｏｘ", "fine fox"),
        ("Ёлка и йод", "елка"),
        ("foto\u00adgraf", "fotograf"),
        ("العَرَبِيَّة", "العربية"),
        ("שָׁלוֹם", "שלום"),
        ("हिन्दी कविता", "कविता"),
        ("한국어 검색", "검색"),
        ("แมวน้อย", "แมว"),
        ("人々が猫を見る", "人々"),
        ("sci-fi, C++; #1!", '"sci fi" c 1'),
        ("don’t", "don't"),
        ("16:9", "16:9"),
        ("1,000.5", '"1,000.5"'),
        ("under_score", "score"),
        ("the of and", "the"),
        ("a i u", "u"),
        ("x" * 100, "x" * 80),
    ],
)
def test_words_are_found_as_people_type_them(said: str, text: str) -> None:
    image = captioned(said)
    captioned("something else")
    assert search(text) == [image.pk]


@pytest.mark.parametrize(
    ("said", "text"),
    [("हिन्दी", "हन"), ("hindi", "हिन्दी"), ("the fox", "thefox"), ("foxes", "fox"), ("café", "caf")],
)
def test_other_letters_are_other_words(said: str, text: str) -> None:
    captioned(said)
    assert search(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-fox", {"owl", "nothing"}),
        ("-fox -owl", {"nothing"}),
        ("-tag:bird", {"fox", "nothing"}),
        ("-album:night", {"fox", "nothing"}),
        ("-source:scraped", {"fox", "owl"}),
        ("-rating:safe", {"owl", "nothing"}),
        ('-"red fox" -tag:bird -source:scraped', set()),
        ("-nowhere", {"fox", "owl", "nothing"}),
        ("-tag:nowhere -album:nowhere -lora:nowhere", {"fox", "owl", "nothing"}),
        ("fox -tag:bird rating:safe source:upload", {"fox"}),
        ('tag:"night bird" album:"the night" -fox', {"owl"}),
        ("tag:bird tag:\"night bird\"", {"owl"}),
        ("fox owl", set()),
    ],
)  # fmt: skip
def test_parts_of_a_search_go_together(text: str, expected: set[str]) -> None:
    fox = captioned("a red fox", rating=Rating.SAFE, original_name="fox")
    owl = tagged("bird", "night bird", original_name="owl", source_type="imported")
    make_label(owl, "an owl")
    nothing = make_row(original_name="nothing", source_type="scraped", rating=Rating.SUGGESTIVE)
    make_album("In the Night", [owl])
    names = {fox.pk: "fox", owl.pk: "owl", nothing.pk: "nothing"}
    assert {names[pk] for pk in search(text)} == expected


def test_a_frequent_name_crowds_out_no_other(
    monkeypatch: pytest.MonkeyPatch, admin_user: Any
) -> None:
    monkeypatch.setattr(search_names, "MOST_MATCHES", 3)
    image, other = make_row(), make_row()
    make_album("Owls at dusk", [image, other])
    for number in range(5):
        make_album(f"Deck {number}", [image], is_public=number != 0)
    assert search("album:deck album:owls") == [image.pk]
    assert search("deck owls") == [image.pk]
    # Nor do private ones for those who may not know them.
    make_album("Dusk again", [], is_public=False)
    for number in range(5):
        make_album(f"Dusk {number}", [], is_public=False)
    assert set(search("album:dusk")) == {image.pk, other.pk}
    assert search("album:dusk", request_of(admin_user)) == []


@pytest.mark.parametrize("text", ["猫", "猫耳", '"猫耳"', "少女"])
def test_words_without_spaces_between_them_are_found(text: str) -> None:
    image = captioned("猫耳少女")
    captioned("犬と少年")
    assert search(text) == [image.pk]


def test_a_tag_is_found_whole_and_in_any_spelling() -> None:
    image = tagged("Oil_Paint", "fox")
    tagged("oil", "paint")
    assert search('tag:"oil paint"') == [image.pk]
    assert search("tag:OIL_PAINT tag:fox") == [image.pk]
    assert search('-tag:"oil paint" tag:fox') == []
    assert search("tag:nothing") == []
    assert search("fox -tag:nothing") == [image.pk]


def test_albums_are_found_by_any_word_of_their_name() -> None:
    image, other = make_row(), captioned("stars")
    make_album("Night Sky Deck", [image])
    image_index.refresh([image.pk, other.pk])
    assert search("album:sky") == [image.pk]
    assert search('album:"night sky"') == [image.pk]
    assert search("sky") == [image.pk]
    assert search("sky stars") == []
    assert search("-album:deck") == [other.pk]
    assert search("album:moon") == []


def test_a_renamed_album_is_found_by_its_new_name_at_once() -> None:
    image = make_row()
    album = make_album("Foxes", [image])
    image_index.refresh([image.pk])
    albums.change(album, name="Wolves")
    assert search("album:wolves") == [image.pk]
    assert search("foxes") == []


def test_a_deleted_albums_name_finds_nothing() -> None:
    image = make_row()
    album = make_album("Foxes", [image])
    image_index.refresh([image.pk])
    album.delete()
    assert search("foxes") == []


@pytest.mark.parametrize(
    ("text", "place"),
    [("source:scraped", 0), ("source:upload", 1), ("rating:safe", 1), ("rating:UNRATED", 0)],
)
def test_sources_and_ratings(text: str, place: int) -> None:
    images = [
        make_row(source_type="scraped"),
        make_row(source_type="upload", rating=Rating.SAFE),
    ]
    image_index.refresh([image.pk for image in images])
    assert search(text) == [images[place].pk]


@pytest.mark.parametrize("text", ["source:attic", "rating:nice", "x" * 301, "a b " * 30 + "c d"])
def test_what_cannot_be_searched_for_is_said(text: str) -> None:
    if text.startswith("a b"):
        text = " ".join(f"w{number}" for number in range(21))
    with pytest.raises(SearchRefused):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        '"', '""', "-", "*", "tag:", 'tag:"', "NEAR(a b)", "a AND OR b", "{words} : x", "a' OR 1=1",
        "\\", "x:y:z", "\x00", "(((", "^fox", "facts:most0", "\ue000most0", "a <-> b:*", "'a':A",
    ],
)  # fmt: skip
def test_no_sign_of_the_databases_own_language_is_taken_for_one(text: str) -> None:
    captioned("quiet")
    assert search(text) in ([], [Image.objects.get().pk])


def test_nothing_private_or_deleted_is_found(admin_user: Any) -> None:
    private, gone = captioned("fox", is_public=False), captioned("fox")
    trash.move_to_trash([gone.pk])
    assert search("fox") == []
    assert search("fox", request_of(admin_user)) == [private.pk]
    trash.restore([gone.pk])
    assert search("fox") == [gone.pk]


def test_a_private_albums_name_finds_nothing_for_visitors(admin_user: Any) -> None:
    image = make_row()
    album = make_album("Secret Birthday", [image], is_public=False)
    image_index.refresh([image.pk])
    for text in ("secret", "album:birthday", '"secret birthday"'):
        assert search(text) == []
        assert search(text, request_of(admin_user)) == [image.pk]
    albums.change(album, is_public=True)
    assert search("secret") == [image.pk]


@pytest.mark.parametrize("rating", [Rating.ADULT, Rating.EXPLICIT])
def test_the_words_of_a_veiled_picture_find_it_only_with_consent(rating: str) -> None:
    image = tagged("nude", rating=rating, prompt="on a sofa")
    make_label(image, "a caption")
    image_index.refresh([image.pk])
    for text in ("nude", "tag:nude", "sofa", "caption"):
        assert search(text) == []
        assert search(text, request_of(nsfw="hide")) == []
        assert search(text, request_of(nsfw="show")) == [image.pk]
    # Its source is told on its page, blurred or not.
    assert search("source:upload") == [image.pk]
    assert search("source:upload", request_of(nsfw="hide")) == []
    # Nor does leaving a word out tell that it is there.
    assert search("-nude") == [image.pk]


def test_a_rating_changes_what_is_found_at_once() -> None:
    image = captioned("fox", rating=Rating.SAFE)
    ratings.change_rating([image], Rating.ADULT)
    assert search("fox") == []
    ratings.change_rating([image], Rating.SAFE)
    assert search("fox") == [image.pk]


def test_new_labels_are_found_and_deleted_ones_are_not() -> None:
    image = make_row()
    label = labels.write_label(image, Label.Kind.CAPTION, "a heron")
    assert search("heron") == [image.pk]
    labels.reword(label, "a crane")
    assert search("heron") == []
    assert search("crane") == [image.pk]
    labels.delete_label(label)
    assert search("crane") == []


def test_pages_follow_each_other_without_gaps() -> None:
    images = [make_row(prompt="fox") for _ in range(7)]
    image_index.refresh([image.pk for image in images])
    seen: list[int] = []
    cursor = None
    while True:
        found = find(request_of(), parse("fox"), cursor, size=3)
        seen += [image.pk for image in found.page.items]
        cursor = found.page.next
        if cursor is None:
            break
    assert seen == [image.pk for image in reversed(images)]


@pytest.mark.parametrize("cursor", ["x", "WyJhIl0", "W10", "WzEsMl0", "Wy0xXQ", "W3RydWVd"])
def test_a_crafted_cursor_is_refused(cursor: str) -> None:
    captioned("fox")
    with pytest.raises(Problem):
        find(request_of(), parse("fox"), cursor)


def facets(found: Found) -> dict[str, dict[str, int]]:
    return {title: {facet.label: facet.count for facet in rows} for title, rows in found.facets}


def test_facets_count_tags_and_sources() -> None:
    tagged("fox", "snow"), tagged("fox", source_type="imported"), tagged("owl")
    found = find(request_of(), parse("fox"))
    assert found.total == 2
    assert facets(found) == {
        "Tags": {"fox": 2, "snow": 1},
        "Source": {"Uploaded": 1, "Imported": 1},
    }


def test_facets_tell_nothing_of_veiled_and_private_pictures(admin_user: Any) -> None:
    tagged("fox", prompt="x")
    tagged("nude", prompt="x", rating=Rating.ADULT)
    tagged("secret", prompt="x", is_public=False)
    text = "-owl"
    assert facets(find(request_of(), parse(text)))["Tags"] == {"fox": 1}
    assert facets(find(request_of(nsfw="show"), parse(text)))["Tags"] == {"fox": 1, "nude": 1}
    everything = facets(find(request_of(admin_user), parse(text)))["Tags"]
    assert everything == {"fox": 1, "nude": 1, "secret": 1}


def test_a_facet_narrows_the_search_down() -> None:
    tagged("oil paint", "fox", prompt="x"), tagged("fox", prompt="x")
    found = find(request_of(), parse("x"))
    for _, rows in found.facets:
        for facet in rows:
            narrowed = find(request_of(), parse(str(parse("x").with_term(facet.term))))
            assert narrowed.total == facet.count


def test_more_matches_than_are_counted_are_said_to_be_more() -> None:
    rows = [
        Image(
            file=f"uploads/{number}.png", sha256=f"{number:064}", width=1, height=1, bytes=1,
            format="png", source_type="upload", prompt="fox",
        )
        for number in range(COUNTED_AT_MOST + 2)
    ]  # fmt: skip
    Image.objects.bulk_create(rows)
    assert image_index.refresh_missing() == len(rows)
    found = find(request_of(), parse("fox"))
    assert found.is_more
    assert facets(found)["Source"] == {"Uploaded": COUNTED_AT_MOST}


def test_a_search_asks_the_database_seldom(django_assert_max_num_queries: Any) -> None:
    for number in range(5):
        tagged("fox", prompt=f"number {number}")
    with django_assert_max_num_queries(7):
        find(request_of(), parse("tag:fox number album:deck"))


def test_refreshing_again_changes_nothing() -> None:
    image = tagged("fox", prompt="a wolf")
    before = SearchDocument.objects.values().get(pk=image.pk)
    image_index.refresh([image.pk])
    assert SearchDocument.objects.values().get(pk=image.pk) == before
    assert search("wolf") == [image.pk]
