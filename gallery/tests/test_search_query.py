"""What people type into the search field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.search_query import Query, SearchRefused, Term, parse


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        ("  fox  ", [Term("fox")]),
        ("red fox", [Term("red"), Term("fox")]),
        ('"red fox"', [Term("red fox")]),
        ('"red fox', [Term("red fox")]),
        ("-fox", [Term("fox", negated=True)]),
        ('-"red fox"', [Term("red fox", negated=True)]),
        ("tag:fox", [Term("fox", "tag")]),
        ("TAG:fox", [Term("fox", "tag")]),
        ('-tag:"oil paint"', [Term("oil paint", "tag", negated=True)]),
        ("album:deck lora:inks", [Term("deck", "album"), Term("inks", "lora")]),
        ("source:Drawn", [Term("generated", "source")]),
        ("rating:SAFE", [Term("safe", "rating")]),
        ("cat*", [Term("cat", any_ending=True)]),
        ("ca*", [Term("ca")]),
        ("16:9", [Term("16:9")]),
        ("http:x", [Term("http x")]),
        ("fox fox", [Term("fox")]),
        ("- ! ...", []),
        ("“red fox” tag：猫 −owl", [Term("red fox"), Term("猫", "tag"), Term("owl", negated=True)]),
        ("tag: fox", [Term("fox", "tag")]),
        ("-Album:  'deck", [Term("'deck", "album", negated=True)]),
        ("fox tag:", [Term("fox")]),
        ("tags: fox", [Term("tags:"), Term("fox")]),
        ('tag:"" fox', [Term("fox")]),
        ("--fox", [Term("-fox", negated=True)]),
        ('tag:a"b c"d', [Term("a", "tag"), Term("b c"), Term("d")]),
    ],
)
def test_it_is_taken_apart(text: str, terms: list[Term]) -> None:
    assert list(parse(text).terms) == terms


@given(st.text(max_size=120))
def test_any_text_is_a_search_or_refused(text: str) -> None:
    try:
        query = parse(text)
    except SearchRefused:
        return
    assert all(term.tokens for term in query.terms if term.key not in ("source", "rating"))


_words = st.lists(
    st.builds(
        Term,
        text=st.sampled_from(["fox", "red fox", "été", "16:9", "a-b", "猫耳"]),
        key=st.sampled_from(["", "tag", "album", "lora"]),
        negated=st.booleans(),
    ),
    max_size=6,
    unique=True,
)


@given(_words)
def test_a_query_written_out_is_the_same_query(terms: list[Term]) -> None:
    query = Query(tuple(terms))
    assert parse(str(query)) == query


def test_terms_come_and_go() -> None:
    query = parse("fox")
    narrowed = query.with_term(Term("oil paint", "tag"))
    assert str(narrowed) == 'fox tag:"oil paint"'
    assert narrowed.with_term(Term("oil paint", "tag")) == narrowed
    assert narrowed.without(Term("oil paint", "tag")) == query
