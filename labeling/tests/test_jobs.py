import base64
import io

import pytest
from django.utils import timezone
from PIL import Image as PillowImage

from gallery import trash
from gallery.models import Image, Label, Rating
from gallery.tests.factories import make_admin, make_image, make_label, make_row
from gallery.tests.workers import CANCELLED_WITHIN
from imagineer.jobs import signals, states
from imagineer.jobs.models import Status
from imagineer.jobs.runner import execute
from labeling import one_by_one, outcomes
from labeling.models import LabelingItem, LabelingRun, Prompt
from labeling.runs import start_run
from labeling.tests.anthropic_server import GOOD, Reply, good_text
from labeling.tests.factories import album_of, finished, run_of, texts, uncached

pytestmark = pytest.mark.django_db
Outcome = LabelingItem.Outcome
FAILURE = Reply(status=500, headers={"x-should-retry": "false"})


def sent_picture(body: dict) -> PillowImage.Image:
    source = body["messages"][0]["content"][0]["source"]
    return PillowImage.open(io.BytesIO(base64.b64decode(source["data"])))


def test_an_image_gets_caption_tags_and_rating_with_their_provenance(anthropic):
    admin = make_admin()
    image = make_image()
    job = finished(run_of(image, created_by=admin))
    assert job.status == Status.COMPLETED
    assert job.result["labelled"] == 1
    caption = image.labels.get(kind=Label.Kind.CAPTION)
    assert caption.text == "a red square on white"
    assert caption.source == Label.Source.CLAUDE
    assert caption.model == "claude-sonnet-5-5"
    assert (caption.prompt_kind, caption.prompt_version) == ("default", "1")
    assert caption.confidence == 0.9
    assert caption.created_by == admin
    assert texts(image, "rating") == ["SAFE"]
    assert len(texts(image, "tag")) == 5


def test_an_album_is_captioned_for_training_and_its_name_is_told(anthropic):
    album = album_of(3, name="Red squares")
    job = finished(start_run(album=album))
    assert job.result["labelled"] == 3
    run = LabelingRun.objects.get()
    assert run.prompt.kind == "sd_training"
    assert (run.input_tokens, run.output_tokens) == (4500, 360)
    words = anthropic.requests[0]["messages"][0]["content"][1]["text"]
    assert "<found-with-picture>\nAlbum: Red squares\n" in words


def test_texts_of_the_page_a_picture_came_from_are_told(anthropic):
    image = make_image()
    make_label(image, "the artist's cat", source=Label.Source.SCRAPER)
    finished(run_of(image))
    words = anthropic.requests[0]["messages"][0]["content"][1]["text"]
    assert "On its web page: the artist's cat" in words


def test_a_large_picture_is_sent_as_a_jpeg_of_at_most_1568_pixels(anthropic):
    finished(run_of(make_image(width=2000, height=1000)))
    sent = sent_picture(anthropic.requests[0])
    assert sent.format == "JPEG"
    assert sent.size == (1568, 784)


def test_images_labelled_before_are_skipped_unless_forced(anthropic):
    album = album_of(2)
    finished(start_run(album=album))
    job = finished(start_run(album=album))
    assert (job.result["labelled"], job.result["skipped"]) == (0, 2)
    assert len(anthropic.requests) == 2
    job = finished(start_run(album=album, force=True))
    assert (job.result["labelled"], job.result["skipped"]) == (2, 0)
    image = album.images.first()
    assert len(texts(image, "caption")) == 2, "an earlier caption is never overwritten"
    assert len(texts(image, "tag")) == 5, "a tag is not written twice"


def test_another_prompt_or_version_labels_again(anthropic):
    image = make_image()
    finished(run_of(image))
    assert finished(run_of(image, prompt_kind="detailed")).result["labelled"] == 1
    Prompt.objects.create(kind="default", version=2, name="Mine", text="Say it in French.")
    assert finished(run_of(image)).result["labelled"] == 1
    assert anthropic.requests[-1]["system"][1]["text"].endswith("\nSay it in French.")


def test_a_picture_that_fails_leaves_the_run_partial_and_can_be_retried_alone(anthropic, settings):
    settings.LABELING_CONCURRENCY = 1
    album = album_of(3)
    anthropic.script = [Reply(text=good_text()), FAILURE]
    run = start_run(album=album)
    job = finished(run)
    assert job.status == Status.PARTIAL
    assert "1 of 3 images failed" in job.error
    assert run.counts()[Outcome.FAILED] == 1
    assert states.retry(job)
    job = finished(run)
    assert job.status == Status.COMPLETED
    assert job.result["labelled"] == 3
    assert len(anthropic.requests) == 4


def test_a_run_in_which_everything_fails_has_failed(anthropic):
    anthropic.default = FAILURE
    job = finished(run_of(make_image()))
    assert job.status == Status.FAILED
    assert "status 500" in job.error


def test_a_retry_tells_of_what_failed_then_and_not_before(anthropic, settings):
    settings.LABELING_CONCURRENCY = 1
    anthropic.script = [Reply(status=400, message="too blue"), Reply(status=400, message="too red")]
    run = start_run(album=album_of(3))
    error = finished(run).error
    # Pictures are asked about as they become ready, so either message may be the last one's.
    assert run.items.filter(outcome=Outcome.FAILED).last().error in error
    assert "2 of 3 images failed." in error
    anthropic.script = [Reply(text=good_text()), Reply(status=400, message="too green")]
    assert states.retry(run.job)
    job = finished(run)
    assert job.error.startswith("1 of 3 images failed.")
    assert "(status 400): too green." in job.error
    assert run.reasons(5) == [(run.items.get(outcome=Outcome.FAILED).error, 1)]


def test_ten_failures_in_a_row_stop_the_run(anthropic, settings):
    settings.LABELING_CONCURRENCY = 1
    anthropic.default = FAILURE
    images = [make_image() for _ in range(12)]
    run = run_of(*images)
    job = finished(run)
    assert job.status == Status.FAILED
    assert job.error.startswith("Stopped because 10 images in a row failed.")
    assert len(anthropic.requests) == 10
    assert run.counts()[Outcome.PENDING] == 2


def test_files_that_cannot_be_read_do_not_count_against_the_labeler(anthropic, settings):
    settings.LABELING_CONCURRENCY = 1
    good = [make_image() for _ in range(3)]
    images = [*(make_row() for _ in range(9)), good[0], *(make_row() for _ in range(9)), *good[1:]]
    anthropic.script = [FAILURE]
    run = run_of(*images)
    job = finished(run)
    assert job.status == Status.PARTIAL
    assert (job.result["labelled"], job.result["failed"]) == (2, 19)
    assert run.reasons(1) == [("The picture's file cannot be read: it is not there.", 18)]


def test_a_run_stops_when_no_file_can_be_read_for_long(anthropic, monkeypatch):
    monkeypatch.setattr(outcomes, "UNREADABLE", 5)
    run = run_of(*(make_row() for _ in range(7)))
    job = finished(run)
    assert job.status == Status.FAILED
    assert job.error.startswith("Stopped because the files of 5 images in a row cannot be read.")
    assert "Check that the folder or bucket" in job.error
    assert run.counts()[Outcome.PENDING] == 2


def test_the_last_failure_that_is_told_is_the_last(anthropic, settings, monkeypatch):
    settings.LABELING_CONCURRENCY = 1
    monkeypatch.setattr(outcomes, "HOPELESS", 2)
    replies = [Reply(status=400, message=f"no {number}") for number in (1, 2)]
    anthropic.script = [Reply(status=400, message="no 0"), Reply(text=good_text()), *replies]
    # A file that is gone lies between the two failures, and others are left.
    images = [make_image(), make_image(), make_image(), make_row(), make_image(), make_image()]
    error = finished(run_of(*images)).error
    assert "The last: Anthropic refused the request (status 400): no 2." in error


def test_an_image_that_went_into_the_trash_is_not_labelled(anthropic):
    kept, gone = make_image(), make_image()
    run = run_of(kept, gone)
    trash.move_to_trash([gone.pk])
    job = finished(run)
    assert job.status == Status.COMPLETED
    assert (job.result["labelled"], job.result["skipped"]) == (1, 1)
    assert run.items.get(image=gone).error == "It is in the trash."
    assert len(anthropic.requests) == 1
    assert texts(gone, "caption") == []


def test_captions_say_the_trigger_word_once_which_is_not_described(anthropic):
    image, other = make_image(), make_image()
    anthropic.script = [GOOD, Reply(text=good_text(caption="a king in Zkdeck style"))]
    run = run_of(image, trigger_word="zkdeck")
    finished(run)
    finished(run_of(other, trigger_word="zkdeck"))
    assert texts(other, "caption") == ["a king in Zkdeck style"]
    assert texts(image, "caption") == ["zkdeck, a red square on white"]
    assert "The word “zkdeck” names" in anthropic.requests[0]["system"][1]["text"]
    caption = image.labels.get(kind=Label.Kind.CAPTION)
    assert caption.prompt_options == run.options == "trigger word zkdeck"


def test_context_is_left_out_if_it_is_said(anthropic):
    album = album_of(1, name="Red squares")
    make_label(album.images.get(), "the artist's cat", source=Label.Source.SCRAPER)
    finished(start_run(album=album, include_context=False))
    assert anthropic.requests[0]["messages"][0]["content"][1]["text"] == "Label this picture."
    assert album.images.get().labels.filter(prompt_options="without context").exists()


def test_other_options_label_again(anthropic):
    image = make_image()
    for options in ({}, {"trigger_word": "zk"}, {"include_context": False}):
        assert finished(run_of(image, **options)).result["labelled"] == 1
        assert finished(run_of(image, **options)).result["skipped"] == 1
    assert len(anthropic.requests) == 3


def test_a_run_counts_cached_tokens_apart_and_what_they_cost(anthropic, settings):
    settings.LABELING_CONCURRENCY = 1
    run = start_run(album=album_of(3))
    job = finished(run)
    run.refresh_from_db()
    prefix = run.cache_write_tokens
    assert (run.input_tokens, run.output_tokens) == (4500, 360)
    assert run.cache_read_tokens == 2 * prefix
    assert job.result["input_tokens"] == 4500 + 3 * prefix
    dollars = (4500 * 2 + 360 * 10 + prefix * 2.50 + 2 * prefix * 0.10) / 1e6
    assert float(run.cost_usd) == pytest.approx(dollars, abs=3e-6)
    assert job.result["cost_usd"] == float(run.cost_usd)


def test_a_refusal_is_recorded_and_no_failure_of_the_run(anthropic):
    anthropic.default = Reply(stop_reason="refusal")
    run = run_of(make_image())
    job = finished(run)
    assert job.status == Status.COMPLETED
    assert job.result["refused"] == 1
    assert "declines" in run.items.get().error


def test_a_wrong_key_fails_the_run_at_once(anthropic, settings):
    settings.ANTHROPIC_API_KEY = "wrong"
    run = start_run(album=album_of(3))
    job = finished(run)
    assert job.status == Status.FAILED
    assert "Check ANTHROPIC_API_KEY" in job.error
    assert run.counts()[Outcome.PENDING] == 3
    anthropic.violations.clear()


def test_a_key_taken_away_fails_the_run_with_what_to_set(anthropic, settings):
    run = run_of(make_image())
    settings.ANTHROPIC_API_KEY = ""
    assert "Set ANTHROPIC_API_KEY" in finished(run).error


def test_a_file_that_is_gone_fails_its_image_alone(anthropic):
    run = run_of(make_image(), make_row())
    job = finished(run)
    assert job.status == Status.PARTIAL
    assert job.result["labelled"] == 1
    assert "cannot be read" in job.error


def test_an_image_deleted_meanwhile_is_no_failure(anthropic):
    kept, gone = make_image(), make_image()
    run = run_of(kept, gone)
    anthropic.answer = lambda body: Reply(text=good_text())
    gone.delete()
    job = finished(run)
    assert job.status == Status.COMPLETED
    assert job.result["labelled"] == 1


def test_an_image_deleted_while_its_answer_is_waited_for_is_no_failure(anthropic, monkeypatch):
    gone, kept = make_image(), make_image()
    run = run_of(gone, kept)
    real = one_by_one.labelled

    def labelled_too_late(attempt: object, item: LabelingItem, *answer: object) -> None:
        if item.image_id == gone.pk:
            Image.objects.filter(pk=gone.pk).delete()
        real(attempt, item, *answer)

    monkeypatch.setattr(one_by_one, "labelled", labelled_too_late)
    job = finished(run)
    assert job.status == Status.COMPLETED
    assert job.result["labelled"] == 1
    assert uncached(run) == 3000, "what was paid for is counted"


def test_a_cancel_gives_up_requests_in_flight_and_keeps_what_is_done(anthropic, settings):
    settings.LABELING_CONCURRENCY = 1
    replies = iter([Reply(text=good_text())])
    asked_at = []

    def answer(body: dict):
        reply = next(replies, None)
        if reply is None:
            asked_at.append(timezone.now())
            signals.flags.cancelled = True
            return Reply(text=good_text(), delay_s=120)
        return reply

    anthropic.answer = answer
    run = start_run(album=album_of(3))
    job = finished(run)
    assert job.status == Status.CANCELLED
    assert (job.finished_at - asked_at[0]).total_seconds() < CANCELLED_WITHIN
    assert run.counts()[Outcome.DONE] == 1
    assert run.counts()[Outcome.PENDING] == 2


def test_a_run_that_was_killed_goes_on_where_it_was(anthropic, settings, monkeypatch):
    settings.LABELING_CONCURRENCY = 1
    album = album_of(3)
    run = start_run(album=album)

    class Killed(BaseException):
        pass

    def write_then_die(*args: object, **kwargs: object) -> None:
        real(*args, **kwargs)
        raise Killed

    real = one_by_one.labelled
    monkeypatch.setattr(one_by_one, "labelled", write_then_die)
    with pytest.raises(Killed):
        execute(run.job_id)
    run.job.refresh_from_db()
    states.died(run.job_id, run.job.claim)
    monkeypatch.setattr(one_by_one, "labelled", real)
    assert finished(run).result["labelled"] == 3
    assert len(anthropic.requests) == 3
    for image in album.images.all():
        assert len(texts(image, "caption")) == 1


def test_an_item_settled_by_another_attempt_gets_no_second_labels(anthropic, monkeypatch):
    image = make_image()
    run = run_of(image)
    item = run.items.get()
    real = outcomes.settle_rating

    def settled_meanwhile(*args: object, **kwargs: object):
        LabelingItem.objects.filter(pk=item.pk).update(outcome=Outcome.DONE)
        return real(*args, **kwargs)

    anthropic.default = Reply(text=good_text(rating="ADULT"))
    monkeypatch.setattr(outcomes, "settle_rating", settled_meanwhile)
    finished(run)
    assert (texts(image, "caption"), texts(image, "rating")) == ([], [])
    image.refresh_from_db()
    assert image.rating == "UNRATED"


def test_an_image_deleted_while_it_is_labelled_is_paid_for(anthropic, monkeypatch):
    image, other = make_image(), make_image()
    real = outcomes.settle_rating

    def deleted_meanwhile(found: Image, *args: object, **kwargs: object):
        Image.objects.filter(pk=image.pk).delete()
        return real(found, *args, **kwargs)

    run = run_of(image, other)
    monkeypatch.setattr(outcomes, "settle_rating", deleted_meanwhile)
    job = finished(run)
    assert (job.status, job.result["labelled"]) == (Status.COMPLETED, 1)
    run.refresh_from_db()
    assert run.input_tokens == 3000


def test_no_more_requests_are_in_flight_than_set(anthropic, settings):
    settings.LABELING_CONCURRENCY = 2
    anthropic.default = Reply(text=good_text(), delay_s=0.1)
    finished(start_run(album=album_of(6)))
    assert anthropic.most_in_flight == 2


@pytest.mark.parametrize("rating", ["SAFE", "SUGGESTIVE", "ADULT", "EXPLICIT"])
def test_a_rating_takes_effect_on_an_unrated_image(anthropic, rating):
    anthropic.default = Reply(text=good_text(rating=rating))
    image = make_image()
    finished(run_of(image))
    image.refresh_from_db()
    assert image.rating == rating
    assert image.is_nsfw == (rating in ("ADULT", "EXPLICIT"))


def test_a_person_s_rating_wins(anthropic):
    anthropic.default = Reply(text=good_text(rating="EXPLICIT"))
    image = make_image(rating=Rating.SAFE)
    finished(run_of(image))
    assert Image.objects.get(pk=image.pk).rating == Rating.SAFE
    assert texts(image, "rating") == ["EXPLICIT"]


def test_the_sternest_labeler_counts_until_a_person_decides(anthropic):
    image = make_image()
    for rating in ("ADULT", "SAFE"):
        anthropic.default = Reply(text=good_text(rating=rating))
        finished(run_of(image, force=True))
    assert Image.objects.get(pk=image.pk).rating == Rating.ADULT


@pytest.mark.parametrize("earlier", ["SAFE", "ADULT"])
def test_a_person_s_label_that_agrees_with_a_labeler_s_is_a_decision_too(anthropic, earlier):
    image = make_image(rating=earlier)
    make_label(image, earlier, kind=Label.Kind.RATING, source=Label.Source.CLAUDE)
    make_label(image, earlier, kind=Label.Kind.RATING, source=Label.Source.MANUAL)
    anthropic.default = Reply(text=good_text(rating="EXPLICIT"))
    finished(run_of(image))
    assert Image.objects.get(pk=image.pk).rating == earlier


def test_a_person_s_label_that_the_picture_does_not_follow_decides_nothing(anthropic):
    image = make_image()
    make_label(image, "SAFE", kind=Label.Kind.RATING, source=Label.Source.MANUAL)
    anthropic.default = Reply(text=good_text(rating="EXPLICIT"))
    finished(run_of(image))
    changed = Image.objects.get(pk=image.pk)
    assert (changed.rating, changed.is_nsfw) == ("EXPLICIT", True)
