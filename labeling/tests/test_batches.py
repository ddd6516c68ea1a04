import json

import pytest

from labeling.batches import bytes_of, name_of, number_in, pause_s
from labeling.claude_client import ClaudeConfig, request_for
from labeling.labeler import Found, Picture


def test_a_request_s_name_leads_back_to_its_item():
    name = name_of("a1b2", 4711)
    assert number_in(name, "a1b2") == 4711
    assert len(name_of("f" * 24, 2**63)) <= 64


@pytest.mark.parametrize("name", ["", "a1b2", "a1b2-", "a1b2-x", "other-1", "-1", "1"])
def test_names_of_others_lead_nowhere(name):
    assert number_in(name, "a1b2") is None


@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_a_picture_s_bytes_are_not_underrated(size):
    found = Found(prompt="ein Schloß " * 50, page_texts=("seen “there”\n",) * 9, album="Ålbum")
    picture = Picture(b"\xff" * size, "Describe it — in “quotes”.\n" * 40, found)
    body = {"custom_id": "f" * 64, "params": request_for(picture, ClaudeConfig("k", "m"))}
    assert len(json.dumps(body, ensure_ascii=False).encode()) <= bytes_of(picture)


def test_pauses_grow_with_the_age_of_what_is_waited_for():
    assert pause_s(0, 1) == 1
    assert pause_s(100, 1) == 6
    assert pause_s(86_400, 1) == 60


@pytest.mark.parametrize("open_batches", range(1, 21))
def test_no_more_than_thirty_looks_are_taken_a_minute_besides_the_first(open_batches):
    assert pause_s(0, open_batches) >= 2 * (open_batches - 1)
