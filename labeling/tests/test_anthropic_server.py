"""The server that other tests rely on is itself as strict as it says."""

import base64
import json
from typing import Any

import pytest

from labeling.tests.anthropic_server import KEY, AnthropicServer, Wrong, check_request

HEADERS = {"x-api-key": KEY, "anthropic-version": "2023-06-01", "content-type": "application/json"}
JPEG = base64.b64encode(b"\xff\xd8\xff\xe0 and so on").decode()


def request_with(**changes: Any) -> bytes:
    image = {"type": "base64", "media_type": "image/jpeg", "data": JPEG}
    body = {
        "model": "claude-sonnet-5-5",
        "max_tokens": 10,
        "messages": [
            {
                "role": "user",
                "content": [{"type": "image", "source": image}, {"type": "text", "text": "Hello"}],
            }
        ],
    }
    return json.dumps(body | changes).encode()


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(blocks)}]}


def image(**changes: Any) -> dict[str, Any]:
    source = {"type": "base64", "media_type": "image/jpeg", "data": JPEG} | changes
    return user({"type": "image", "source": source})


def schema(**changes: Any) -> dict[str, Any]:
    whole = {"type": "object", "properties": {}, "additionalProperties": False} | changes
    return {"output_config": {"format": {"type": "json_schema", "schema": whole}}}


def marked(text: str = "a", **ttl: str) -> dict[str, Any]:
    return {"type": "text", "text": text, "cache_control": {"type": "ephemeral"} | ttl}


def test_it_takes_the_key_as_a_bearer_token():
    headers = {name: value for name, value in HEADERS.items() if name != "x-api-key"}
    assert check_request(headers | {"authorization": f"Bearer {KEY}"}, request_with())


def test_it_takes_a_right_request():
    assert check_request(HEADERS, request_with())["model"] == "claude-sonnet-5-5"
    assert check_request(HEADERS, request_with(**schema()))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"temprature": 1}, "extra inputs are not permitted: temprature"),
        (user({"type": "text", "text": "a", "bold": True}), "extra inputs are not permitted"),
        (user({"type": "picture", "text": "a"}), "not a MessageCreateParams"),
        ({"max_tokens": "many"}, "not a MessageCreateParams"),
        ({"messages": [{"role": "robot", "content": "a"}]}, "not a MessageCreateParams"),
        (image(media_type="image/tiff"), "not a MessageCreateParams"),
        (image(media_type="image/png"), "the image is not image/png"),
        (image(data="%%%"), "not base64"),
        (schema(additionalProperties=True), "additionalProperties"),
        (schema(properties={"a": {"type": "number", "minimum": 0}}), "'minimum' is not supported"),
        (schema(properties={"a": {"type": "array", "minItems": 5}}), "minItems"),
        ({"system": [marked()] * 5}, "maximum of 4 blocks"),
        ({"system": [marked()] * 2} | user(*[marked()] * 3), "maximum of 4 blocks"),
        ({"system": [marked("")]}, "empty text blocks"),
        ({"system": [marked(ttl="5m"), marked(ttl="1h")]}, "must not come after"),
        ({"system": [marked(ttl="2h")]}, "not a MessageCreateParams"),
        ({"system": [{"type": "text", "text": "a", "cache_control": {"type": "kept"}}]}, "not a M"),
    ],
)
def test_it_refuses_what_the_real_one_refuses(changes, words):
    with pytest.raises(Wrong, match=words):
        check_request(HEADERS, request_with(**changes))


@pytest.mark.parametrize("missing", ["x-api-key", "anthropic-version", "content-type"])
def test_it_asks_for_the_headers(missing):
    headers = {name: value for name, value in HEADERS.items() if name != missing}
    with pytest.raises(Wrong):
        check_request(headers, request_with())


def usage(server: AnthropicServer, **changes: Any) -> tuple[int, int]:
    """(written to the cache, read from it) for a request."""
    told = server.usage_of(json.loads(request_with(**changes)))
    return told["cache_creation_input_tokens"], told["cache_read_input_tokens"]


def system(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"system": list(blocks)}


def test_a_marked_prefix_is_written_once_and_read_from_then_on():
    server = AnthropicServer()
    long = marked("x" * 4000)
    assert usage(server, **system(long)) == (1000, 0)
    assert usage(server, **system(long)) == (0, 1000)
    assert usage(server, **system(long), **user({"type": "text", "text": "Other"})) == (0, 1000)
    assert usage(server, **system(long, marked("y" * 400))) == (100, 1000)


def test_another_model_schema_or_first_word_shares_nothing():
    server = AnthropicServer()
    long = marked("x" * 4400)
    assert usage(server, **system(long)) == (1100, 0)
    assert usage(server, model="claude-sonnet-5", **system(long)) == (1100, 0)
    assert usage(server, **schema(), **system(long)) == (1100, 0)
    assert usage(server, **system({"type": "text", "text": "abcd"}, long)) == (1101, 0)


@pytest.mark.parametrize(
    ("model", "fewest"), [("claude-sonnet-5-5", 512), ("claude-haiku-4-5", 4096), ("other", 1024)]
)
def test_a_short_prefix_is_not_cached(model, fewest):
    server = AnthropicServer()
    short, enough = marked("x" * (4 * fewest - 1)), marked("x" * 4 * fewest)
    for _ in range(2):
        assert usage(server, model=model, **system(short)) == (0, 0)
    assert usage(server, model=model, **system(enough)) == (fewest, 0)


def test_what_is_not_marked_is_not_cached():
    server = AnthropicServer()
    for _ in range(2):
        assert usage(server, system="x" * 4000) == (0, 0)
