"""What labeling will take: images, tokens and US dollars, from rows alone, before it starts."""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil

from django.db.models import BigIntegerField, Case, Count, F, Q, QuerySet, Sum, When
from django.db.models.functions import Cast

from gallery.models import Image
from labeling import prices
from labeling.answers import ANSWER_SCHEMA
from labeling.budget import NOTHING, model_price
from labeling.claude_client import MAX_TOKENS, TRIES
from labeling.labeler import LONGEST_SIDE, Found, Picture, Usage
from labeling.labelers import LabelerKind
from labeling.models import LabelingItem, LabelingRun, Prompt
from labeling.prices import Price, text_tokens
from labeling.prompts import instructions, system_texts, user_text

# A caption with its tags, and a thought before it; runs of the same kind say it better.
OUTPUT_TOKENS = 400
RUNS_ASKED = 30


@dataclass(frozen=True)
class Estimate:
    """usage: as if nothing was cached, so caching makes it less. cost: 0 where nobody is paid."""

    images: int = 0
    usage: Usage = field(default_factory=Usage)
    cost: Decimal = NOTHING


def estimate(
    images: QuerySet[Image],
    kind: LabelerKind,
    prompt: Prompt,
    *,
    trigger_word: str = "",
    album_words: str = "",
    batched: bool = False,
) -> Estimate:
    """What it takes to label all of these. album_words: what is told of the run's album."""
    rows = images.order_by().aggregate(count=Count("pk"), pixels=Sum(_PIXELS))
    count, pixels = rows["count"], rows["pixels"] or 0
    if not kind.is_paid or not count:
        return Estimate(count)
    words = _text_tokens(instructions(prompt.text, trigger_word), Found(album=album_words))
    usage = Usage(
        input_tokens=ceil(pixels / prices.PIXELS_A_TOKEN) + count * words,
        output_tokens=count * _output_tokens(kind, prompt),
    )
    return Estimate(count, usage, prices.cost(usage, model_price(kind.model()), batched=batched))


def most_for(picture: Picture, image: Image, price: Price, *, batched: bool = False) -> Decimal:
    """The most that this picture may cost: answers of full length, twice, and nothing cached.

    batched: in a batch, which asks once and at half the price.
    """
    words = _text_tokens(picture.instructions, picture.found)
    tokens = words + prices.image_tokens(image.width, image.height)
    tries = 1 if batched else TRIES
    sent, answered = tries * tokens, tries * MAX_TOKENS
    written = Usage(cache_write_tokens=sent, output_tokens=answered)
    return max(
        prices.cost(usage, price, batched=batched) for usage in (written, Usage(sent, answered))
    )


def _text_tokens(told: str, found: Found) -> int:
    texts = (*system_texts(told), json.dumps(ANSWER_SCHEMA), user_text(found))
    return sum(text_tokens(text) for text in texts)


def _output_tokens(kind: LabelerKind, prompt: Prompt) -> int:
    """What an answer took on average in the newest runs with this model and kind of prompt."""
    newest = LabelingRun.objects.order_by("-created_at", "-id").values_list(
        "pk", "output_tokens", "labeler", "model", "prompt__kind"
    )
    wanted = (kind.name, kind.model(), prompt.kind)
    taken = {pk: tokens for pk, tokens, *asked in newest[:RUNS_ASKED] if tuple(asked) == wanted}
    outcomes = (LabelingItem.Outcome.DONE, LabelingItem.Outcome.REFUSED)
    answered = LabelingItem.objects.filter(run__in=taken, outcome__in=outcomes).count()
    spent = sum(taken.values())
    return ceil(spent / answered) if answered and spent else OUTPUT_TOKENS


_WIDTH, _HEIGHT = (Cast(name, BigIntegerField()) for name in ("width", "height"))
_PIXELS = Case(
    When(Q(width__lte=LONGEST_SIDE, height__lte=LONGEST_SIDE), then=_WIDTH * _HEIGHT),
    When(width__gte=F("height"), then=LONGEST_SIDE * LONGEST_SIDE * _HEIGHT / _WIDTH),
    default=LONGEST_SIDE * LONGEST_SIDE * _WIDTH / _HEIGHT,
    output_field=BigIntegerField(),
)
