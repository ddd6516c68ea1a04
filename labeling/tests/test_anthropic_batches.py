"""The server's batches are as strict as they say."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from labeling.tests.anthropic_server import AnthropicServer, Reply
from labeling.tests.test_anthropic_server import HEADERS, request_with

PATH = "/v1/messages/batches"


@pytest.fixture
def server() -> Iterator[AnthropicServer]:
    """It is not served: its batches are asked directly."""
    made = AnthropicServer()
    yield made
    made._http.server_close()


def request(custom_id: str = "a-1", **changes: Any) -> dict[str, Any]:
    return {"custom_id": custom_id, "params": json.loads(request_with())} | changes


def create(server: AnthropicServer, *requests: Any, **more: Any) -> Any:
    body = json.dumps({"requests": list(requests)} | more).encode()
    return server.batches.answer("POST", PATH, HEADERS, body)


def get(server: AnthropicServer, path: str = "") -> Any:
    return server.batches.answer("GET", PATH + path, HEADERS, b"")


def test_a_batch_tells_its_results_once_it_has_ended(server):
    server.batches.takes_s = 60
    made = create(server, request("a"), request("b"))
    assert made["processing_status"] == "in_progress"
    assert made["request_counts"]["processing"] == 2
    assert get(server, f"/{made['id']}/results").status == 404
    server.batches.takes_s = 0
    told = get(server, f"/{made['id']}")
    assert told["processing_status"] == "ended"
    assert told["request_counts"]["succeeded"] == 2
    lines = get(server, f"/{made['id']}/results")
    assert {line["custom_id"] for line in lines} == {"a", "b"}


@pytest.mark.parametrize(
    ("requests", "words"),
    [
        ([], "must have 1 to 100000 items"),
        ([request("a b")], "should match"),
        ([request("a" * 65)], "should match"),
        ([request("a"), request("a")], "not unique"),
        ([request(priority=1)], "nothing else"),
        ([{"custom_id": "a"}], "params are required"),
        ([request(params={"model": "m"})], "not a MessageCreateParams"),
    ],
)
def test_it_refuses_what_the_real_one_refuses(server, requests, words):
    reply = create(server, *requests)
    assert isinstance(reply, Reply)
    assert reply.status == 400
    assert words in server.violations[0]


def test_it_asks_for_the_key(server):
    assert isinstance(server.batches.answer("GET", PATH, {}, b""), Reply)


def test_the_latest_batches_are_listed_first_a_page_at_a_time(server):
    ids = [create(server, request())["id"] for _ in range(3)]
    page = get(server, "?limit=2")
    assert [batch["id"] for batch in page["data"]] == ids[:0:-1]
    assert page["has_more"]
    rest = get(server, f"?limit=2&after_id={page['last_id']}")
    assert [batch["id"] for batch in rest["data"]] == ids[:1]
    assert not rest["has_more"]
    assert get(server, "?limit=1001").status == 400


def test_a_cancelled_batch_keeps_what_was_answered(server):
    server.batches.takes_s, server.batches.done_at_cancel = 60, 1
    made = create(server, request("a"), request("b"))
    told: Any = server.batches.answer("POST", f"{PATH}/{made['id']}/cancel", HEADERS, b"")
    assert told["processing_status"] == "canceling"
    counts = get(server, f"/{made['id']}")["request_counts"]
    assert (counts["succeeded"], counts["canceled"]) == (1, 1)
