"""Anthropic's Message Batches API as labelers see it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from labeling.batches import (
    Batch,
    BatchGone,
    BatchNotTaken,
    BatchTrouble,
    Said,
    Unanswered,
    Withdrawn,
)
from labeling.claude_batches import ClaudeBatches
from labeling.labeler import Labeling, LabelingFailed, Picture, Refused, Unusable, Usage
from labeling.tests.anthropic_server import AnthropicServer, Reply, good_text
from labeling.tests.test_claude_client import config, jpeg, usage_of

PICTURE = Picture(jpeg(), "Describe it.")


def client(server: AnthropicServer, **changes: Any) -> ClaudeBatches:
    return ClaudeBatches(config(server, **changes))


def send(server: AnthropicServer, *names: str) -> Batch:
    with client(server) as labeler:
        return labeler.send([(name, PICTURE) for name in names]).result(timeout=30)


def said(server: AnthropicServer, *names: str) -> dict[str, Said]:
    """What comes of requests with these names."""
    sent = send(server, *names)
    found: dict[str, Said] = {}
    with client(server) as labeler:
        assert labeler.look(sent.id).result(timeout=30).has_ended
        results = labeler.results(sent.id).result(timeout=30)
        while part := results.read(2).result(timeout=30):
            assert len(part) <= 2
            found |= dict(part)
    return found


def test_requests_are_the_same_as_those_of_single_pictures(anthropic):
    sent = send(anthropic, "a-1", "a-2")
    assert (sent.requests, sent.finished, sent.has_ended) == (2, 0, False)
    (made,) = anthropic.batches.made
    assert list(made.requests) == ["a-1", "a-2"]
    with client(anthropic) as labeler:
        labeler.submit(PICTURE).result(timeout=30)
    assert made.requests["a-1"] == anthropic.requests[0]


def test_answers_come_by_name_with_what_they_took(anthropic):
    anthropic.answer = lambda body: Reply(text=good_text(caption="a cat"))
    answers = said(anthropic, "a-1", "a-2", "a-3")
    assert set(answers) == {"a-1", "a-2", "a-3"}
    answer = answers["a-2"]
    assert isinstance(answer, Labeling)
    assert (answer.caption, answer.model) == ("a cat", "claude-sonnet-5-5")
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (1500, 120)
    taken = sum((found.usage.cache_read_tokens for found in answers.values()), 0)
    assert taken == sum(usage["cache_read_input_tokens"] for usage in anthropic.usages) > 0


def test_a_refusal_is_told_as_one(anthropic):
    anthropic.script = [Reply(stop_reason="refusal", explanation="It shows harm.")]
    answer = said(anthropic, "a-1")["a-1"]
    assert isinstance(answer, Refused)
    assert "It shows harm." in str(answer)
    assert answer.usage == usage_of(anthropic)


def test_an_answer_of_no_use_may_be_asked_for_again(anthropic):
    anthropic.script = [Reply(text="no JSON"), Reply(text=good_text(tags=["one"]))]
    answers = said(anthropic, "a-1", "a-2")
    useless, meagre = answers["a-1"], answers["a-2"]
    assert isinstance(useless, Unanswered)
    assert useless.kept is None
    assert useless.usage + meagre.usage == usage_of(anthropic)
    assert isinstance(meagre, Unanswered)
    assert meagre.kept is not None
    assert meagre.kept.tags == ("one",)


def test_what_nobody_came_to_may_be_asked_again(anthropic):
    anthropic.script = [Reply(is_expired=True), Reply(status=529), Reply(status=500)]
    answers = said(anthropic, "a-1", "a-2", "a-3").values()
    assert all(isinstance(answer, Unanswered) for answer in answers)
    assert {answer.usage for answer in answers} == {Usage()}


def test_a_request_that_is_refused_for_good_is_not_asked_again(anthropic):
    anthropic.script = [Reply(status=400, message="image: too odd")]
    answer = said(anthropic, "a-1")["a-1"]
    assert isinstance(answer, LabelingFailed)
    assert not isinstance(answer, Unanswered)
    assert "image: too odd" in str(answer)


def test_a_cancelled_batch_says_which_requests_were_withdrawn(anthropic):
    anthropic.batches.takes_s, anthropic.batches.done_at_cancel = 60, 1
    sent = send(anthropic, "a-1", "a-2")
    with client(anthropic) as labeler:
        assert labeler.cancel(sent.id).result(timeout=30).is_cancelling
        assert labeler.look(sent.id).result(timeout=30).has_ended
        answers = dict(labeler.results(sent.id).result(timeout=30).read(9).result(timeout=30))
    assert isinstance(answers["a-1"], Labeling)
    assert isinstance(answers["a-2"], Withdrawn)


def test_batches_are_listed_back_to_a_moment(anthropic, monkeypatch):
    monkeypatch.setattr("labeling.claude_batches.A_PAGE", 2)
    now = datetime.now(UTC)
    made = [
        anthropic.batches.add({"x": {}}, created_at=now - timedelta(minutes=minutes))
        for minutes in (50, 40, 30, 20, 10)
    ]
    anthropic.batches.takes_s = 3600
    with client(anthropic) as labeler:
        found = labeler.since(now - timedelta(minutes=45)).result(timeout=30)
    assert [batch.id for batch in found] == [batch.id for batch in reversed(made[1:])]


def test_a_batch_whose_answer_is_lost_is_not_sent_again(anthropic):
    anthropic.batches.lost = 1
    with pytest.raises(BatchTrouble) as caught:
        send(anthropic, "a-1")
    assert not isinstance(caught.value, BatchNotTaken)
    assert len(anthropic.batches.made) == 1


@pytest.mark.parametrize("status", [500, 529, 408])
def test_after_a_server_error_it_is_not_known_whether_a_batch_was_taken(anthropic, status):
    anthropic.batches.refusals = [Reply(status=status)]
    with pytest.raises(BatchTrouble) as caught:
        send(anthropic, "a-1")
    assert not isinstance(caught.value, BatchNotTaken)
    assert anthropic.batches.calls == ["POST batches"]


def test_a_batch_over_the_rate_limit_was_not_taken(anthropic):
    anthropic.batches.refusals = [Reply(status=429, headers={"retry-after": "7"})]
    with pytest.raises(BatchNotTaken) as caught:
        send(anthropic, "a-1")
    assert caught.value.after_s == 7


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "Check ANTHROPIC_API_KEY"),
        (402, "cannot pay"),
        (403, "may not use"),
        (404, "takes no batches"),
        (400, "refused the request"),
        (413, "too large"),
    ],
)
def test_an_error_that_no_try_mends_ends_it(anthropic, status, words):
    anthropic.batches.refusals = [Reply(status=status)]
    with pytest.raises(Unusable, match=words):
        send(anthropic, "a-1")


def test_a_batch_that_is_not_known_any_more_is_gone(anthropic):
    with client(anthropic) as labeler:
        for call in (labeler.look, labeler.cancel, labeler.results):
            with pytest.raises(BatchGone, match="knows no batch msgbatch_x any more"):
                call("msgbatch_x").result(timeout=30)


def test_results_that_are_no_longer_kept_are_told_as_lost(anthropic):
    sent = send(anthropic, "a-1")
    anthropic.batches.made[0].archived_at = datetime.now(UTC)
    with client(anthropic) as labeler:
        assert labeler.look(sent.id).result(timeout=30).is_lost


def test_results_that_break_off_in_a_line_are_trouble(anthropic):
    sent = send(anthropic, "a-1", "a-2")
    anthropic.batches.cut_after = 1
    with client(anthropic) as labeler:
        results = labeler.results(sent.id).result(timeout=30)
        assert len(results.read(1).result(timeout=30)) == 1
        with pytest.raises(BatchTrouble, match="broke off"):
            results.read(1).result(timeout=30)


def test_a_server_that_is_not_there_is_trouble():
    with AnthropicServer() as server:
        gone = client(server, max_retries=0)
    with gone as labeler, pytest.raises(BatchTrouble, match="could not be reached"):
        labeler.look("msgbatch_x").result(timeout=30)
