"""What files beside a picture say: captions and metadata of many makers, friendly and hostile."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery import sidecars
from gallery.sidecars import Sidecar, SidecarRefused, names_beside, read


def told(**fields: Any) -> Sidecar:
    return read([("a.json", json.dumps(fields).encode())])


def test_names_beside_a_picture() -> None:
    assert names_beside("a/b.png") == (
        "a/b.txt", "a/b.png.txt", "a/b.caption", "a/b.png.caption", "a/b.json", "a/b.png.json",
    )  # fmt: skip
    assert names_beside("b.tar.png")[0] == "b.tar.txt"


@pytest.mark.parametrize(
    ("name", "is_one"), [("a.TXT", True), ("a.json", True), ("a.png", False), ("json", False)]
)
def test_sidecars_are_known_by_their_ending(name: str, is_one: bool) -> None:
    assert sidecars.is_sidecar(name) is is_one


def test_a_text_is_one_line_without_what_no_database_takes() -> None:
    assert read([("a.txt", "\ufeffa  red\ncard ♥\x00".encode())]).caption == "a red card ♥"
    assert read([("a.txt", b" \n")]) == Sidecar()
    assert read([("a.txt", b"caf\xe9")]).caption == "caf\ufffd"


def test_a_text_counts_before_json_whatever_their_order() -> None:
    both = [("a.json", b'{"caption": "json", "tags": ["x"]}'), ("a.txt", b"text")]
    for files in (both, both[::-1]):
        found = read(files)
        assert (found.caption, found.tags) == ("text", ("x",))
    assert read([("a.txt", b""), ("a.json", b'{"caption": "json"}')]).caption == "json"


@pytest.mark.parametrize(
    ("fields", "caption"),
    [
        ({"caption": " a\n cat "}, "a cat"), ({"text": "a cat"}, "a cat"),
        ({"description": "", "title": "Cat"}, "Cat"), ({"caption": 5, "text": "a cat"}, "a cat"),
        ({"caption": ["a cat"]}, ""), ({}, ""),
    ],
)  # fmt: skip
def test_captions(fields: dict[str, Any], caption: str) -> None:
    assert told(**fields).caption == caption


@pytest.mark.parametrize(
    ("fields", "tags"),
    [
        ({"tags": ["red fox", "snow", "snow", "", 5, None]}, ("red fox", "snow")),
        ({"tags": "red fox, snow,"}, ("red fox", "snow")),
        ({"tags": "red_fox snow"}, ("red_fox", "snow")),
        ({"tags": [], "tag_string": "red_fox"}, ("red_fox",)),
        ({"keywords": ["snow"]}, ("snow",)),
        ({"tags": {"a": 1}}, ()),
    ],
)
def test_tags(fields: dict[str, Any], tags: tuple[str, ...]) -> None:
    assert told(**fields).tags == tags


def test_no_more_tags_than_anyone_gives_a_picture() -> None:
    assert len(told(tags=[f"tag {number}" for number in range(1000)]).tags) == sidecars.MOST_TAGS


@pytest.mark.parametrize(
    ("fields", "rating"),
    [
        ({"rating": "SAFE"}, "SAFE"), ({"rating": " explicit "}, "EXPLICIT"),
        ({"rating": "g"}, "SAFE"), ({"rating": "s"}, "SUGGESTIVE"), ({"rating": "q"}, "ADULT"),
        ({"rating": "e"}, "EXPLICIT"), ({"nsfw": True}, "ADULT"), ({"nsfw": False}, ""),
        ({"rating": "five stars"}, ""), ({"rating": 5}, ""), ({"rating": "UNRATED"}, ""),
    ],
)  # fmt: skip
def test_ratings(fields: dict[str, Any], rating: str) -> None:
    assert told(**fields).rating == rating


def test_what_imagineer_writes_beside_its_pictures() -> None:
    found = told(
        software="Imagineer", prompt="a lake", negative_prompt="people", seed=7, steps=20,
        guidance_scale=7.5, width=512, height=768, sampler="Euler a", model="Built-in",
        loras=[{"name": "ink", "version": "1", "weight": 0.8, "sha256": "ab"}], template="", run=3,
    )  # fmt: skip
    assert (found.prompt, found.negative_prompt, found.caption) == ("a lake", "people", "")
    assert found.params == {
        "seed": 7, "steps": 20, "guidance_scale": 7.5, "width": 512, "height": 768,
        "sampler": "Euler a", "model": "Built-in", "loras": [{"name": "ink", "weight": 0.8}],
    }  # fmt: skip


def test_what_civitai_writes() -> None:
    found = told(meta={"prompt": "a lake", "negativePrompt": "dull", "cfgScale": 7, "seed": 5})
    assert (found.prompt, found.negative_prompt) == ("a lake", "dull")
    assert found.params == {"guidance_scale": 7.0, "seed": 5}


def test_the_text_of_another_tool() -> None:
    found = told(parameters="a lake\nNegative prompt: dull\nSteps: 20, Seed: 7, CFG scale: 6")
    assert (found.prompt, found.negative_prompt) == ("a lake", "dull")
    assert found.params["tool"] == "AUTOMATIC1111"
    assert found.params["steps"] == 20


def test_a_size_alone_says_nothing_of_how_it_was_drawn() -> None:
    assert told(width=100, height=100, description="a photograph").params == {}


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("a.txt", b"x" * 65_537, "longer than 64 KB"), ("a.json", b"{", "not JSON"),
        ("a.json", b"[1]", "not a JSON object"), ("a.json", b"[" * 100_000, "not JSON"),
        ("a.json", b" " * 1_048_577, "longer than 1 MB"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said(name: str, data: bytes, sentence: str) -> None:
    with pytest.raises(SidecarRefused, match=sentence):
        read([(name, data)])


TEXT = st.text(st.characters(codec=None) | st.sampled_from("\x00\ud800\udfff,"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
NAMES = ["caption", "tags", "rating", "prompt", "meta", "loras", "seed", "parameters", "model"]


@given(st.dictionaries(st.sampled_from(NAMES), JSON))
def test_no_json_raises_or_keeps_what_a_database_refuses(fields: dict[str, Any]) -> None:
    found = told(**fields)
    said = [found.caption, found.tags, found.prompt, found.negative_prompt, dict(found.params)]
    kept = json.dumps(said, ensure_ascii=False, allow_nan=False)
    assert "\x00" not in kept.encode().decode()
    assert "\\u0000" not in kept
