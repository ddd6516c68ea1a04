"""The server that other tests rely on is itself as strict as it says."""

import base64
import json
from typing import Any

import pytest

from labeling.tests.anthropic_server import KEY, Wrong, check_request

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
