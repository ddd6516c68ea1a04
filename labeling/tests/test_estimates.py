from decimal import Decimal
from typing import Any

import pytest

from gallery.models import Image
from gallery.tests.factories import make_album, make_image, make_row
from labeling import prices
from labeling.claude_client import MAX_TOKENS
from labeling.estimates import OUTPUT_TOKENS, Estimate, estimate, most_for
from labeling.labeler import Usage
from labeling.labelers import labeler_kind
from labeling.models import LabelingRun
from labeling.pictures import picture_of
from labeling.runs import current_prompt, estimate_of
from labeling.tests.factories import finished, run_of

pytestmark = pytest.mark.django_db
SIZES = [(640, 480), (4000, 3000), (3000, 4000), (1568, 1568), (20_000, 10), (1, 1)]


def of_all(**options: Any) -> Estimate:
    prompt = current_prompt("default")
    return estimate(Image.objects.all(), labeler_kind("claude"), prompt, **options)


def test_nothing_takes_nothing():
    assert of_all() == Estimate(0)


def test_pictures_are_counted_at_the_size_they_are_sent_at():
    make_row(width=1, height=1)
    words = of_all().usage.input_tokens
    for width, height in SIZES[:-1]:
        make_row(width=width, height=height)
    told = of_all()
    pictures = sum(prices.image_tokens(*size) for size in SIZES)
    assert told.images == len(SIZES)
    assert told.usage.input_tokens == pytest.approx(
        pictures + len(SIZES) * words, abs=2 * len(SIZES)
    )
    assert told.usage.output_tokens == len(SIZES) * OUTPUT_TOKENS
    assert told.cost == prices.cost(told.usage, prices.PRICES["claude-sonnet-5-5"])


def test_longer_prompts_trigger_words_and_albums_take_more():
    make_row()
    plain = of_all().usage.input_tokens
    assert of_all(trigger_word="zkdeck").usage.input_tokens > plain
    assert of_all(album_words="Red squares").usage.input_tokens > plain


def test_answers_are_taken_to_be_as_long_as_they_were(anthropic):
    finished(run_of(make_image(), make_image()))
    assert of_all().usage.output_tokens == 2 * 120


def test_a_run_s_estimate_leaves_out_what_was_labelled(anthropic):
    done, new = make_image(), make_image()
    finished(run_of(done))
    album = make_album(images=[done, new])
    asked = LabelingRun(album=album, labeler="claude", prompt=current_prompt("default"))
    images = Image.objects.filter(entries__album=album)
    kind = labeler_kind("claude")
    assert estimate_of(images, kind, asked).images == 1
    asked.force = True
    assert estimate_of(images, kind, asked).images == 2


@pytest.mark.parametrize("rates", ["2/10/0.1/2.5", "2/10/0/0"])
def test_no_request_costs_more_than_the_most_that_was_said(anthropic, rates):
    image = make_image(width=1200, height=900)
    run = run_of(image)
    picture = picture_of(image, LabelingRun.objects.select_related("prompt").get(pk=run.pk))
    price = prices.parse_prices([f"m={rates}"])["m"]
    most = most_for(picture, image, price)
    finished(run)
    (usage,) = anthropic.usages
    assert most > prices.cost(
        Usage(usage["input_tokens"], 2 * MAX_TOKENS, 0, usage["cache_creation_input_tokens"]), price
    )
    assert most < Decimal("0.2")
