"""Waiting pictures are handed over in batches, so that no kill makes anybody pay twice.

A row is written before its batch is sent, and holds its items. If the answer to the sending is
lost, the row stays ``sending``, and nobody knows whether the batch was taken. Then all batches that
were taken since are listed. The list does not name their requests, only how many there are; a batch
of the right number is waited for, since its results, which name the requests by the row's token,
tell whether it is this one. Only when there is none, long enough after the sending, do the items
wait again.
"""

import secrets
from collections import deque
from collections.abc import Iterator
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from gallery.image_files import ImageRefused
from labeling import batches, budget
from labeling.batch_attempt import BatchAttempt
from labeling.batches import Batch, BatchGone, BatchNotTaken
from labeling.budget import NOTHING
from labeling.estimates import most_for
from labeling.labeler import Picture, Unusable
from labeling.models import LabelingBatch, LabelingItem
from labeling.outcomes import check_hope, unreadable, without_trash
from labeling.pictures import AHEAD, CHUNK, Preparing, prepare

State = LabelingBatch.State
# A batch that was taken is in the list by then.
SETTLING = timedelta(minutes=1)
# How far the clocks of the two sides may be apart.
SKEW = timedelta(minutes=10)


def send_next(work: BatchAttempt) -> bool:
    """Hand over as many waiting pictures as fit into a batch and the budget allows.

    False: the budget allows none yet. Raises BudgetSpent, BatchNotTaken, BatchTrouble (find_lost()
    clears that up), Unusable.
    """
    work.ready = work.ready or _collected(work)
    row, requests = _recorded(work)
    if not requests:
        return not work.ready
    named = [(batches.name_of(row.token, item_id), picture) for item_id, picture in requests]
    try:
        sent = work.awaited(work.labeler.send(named))
    except (BatchNotTaken, Unusable):
        row.delete()
        raise
    _is_sent(row, sent)
    pictures = "1 picture" if len(named) == 1 else f"{len(named)} pictures"
    work.attempt.context.log(f"Handed over {pictures} as batch {sent.id}.")
    return True


def find_lost(work: BatchAttempt, row: LabelingBatch) -> bool:
    """Find the batch whose sending was cut off. Whether that is still uncertain.

    Raises BatchTrouble, Unusable.
    """
    taken = work.awaited(work.labeler.since(row.created_at - SKEW))
    alike = [batch for batch in taken if batch.requests == row.requests]
    known = LabelingBatch.objects.filter(batch_id__in=[batch.id for batch in alike])
    others = set(known.values_list("batch_id", flat=True)) | work.foreign
    candidates = [batch for batch in alike if batch.id not in others]
    for batch in candidates:
        if batch.has_ended and _is_ours(work, row, batch):
            _is_sent(row, batch)
            work.attempt.context.log(f"Found batch {batch.id}, whose sending was cut off.")
            return False
    if all(batch.has_ended for batch in candidates):
        if timezone.now() - row.created_at < SETTLING:
            return True
        row.delete()
    return False


def _is_ours(work: BatchAttempt, row: LabelingBatch, batch: Batch) -> bool:
    """Whether an ended batch has this row's requests; its first result says so."""
    try:
        results = work.awaited(work.labeler.results(batch.id))
        first = work.awaited(results.read(1))
        work.awaited(results.close())
    except BatchGone:
        first = []
    if any(batches.number_in(name, row.token) is not None for name, _ in first):
        return True
    work.foreign.add(batch.id)
    return False


def _is_sent(row: LabelingBatch, batch: Batch) -> None:
    LabelingBatch.objects.filter(pk=row.pk).update(state=State.SENT, batch_id=batch.id)


def _recorded(work: BatchAttempt) -> tuple[LabelingBatch, list[tuple[int, Picture]]]:
    """The row of a batch that is about to be sent, with those of the items that still wait.

    What the budget does not allow yet stays ready. Raises BudgetSpent.
    """
    run, price = work.attempt.run, work.attempt.price(work.attempt.run.model)
    row = LabelingBatch(run=run, token=secrets.token_hex(12), model=run.model)
    with transaction.atomic():
        rows = work.waiting().filter(image__deleted_at=None).select_for_update(of=("self",))
        waiting = set(
            rows.filter(pk__in=[item.pk for item, _ in work.ready]).values_list("pk", flat=True)
        )
        ready = [(item, picture) for item, picture in work.ready if item.pk in waiting]
        amounts = [
            most_for(picture, item.image, price, batched=True) if price else NOTHING
            for item, picture in ready
        ]
        count = budget.allowed(amounts)
        row.requests, row.reserved_usd = count, sum(amounts[:count], NOTHING)
        requests = [(item.pk, picture) for item, picture in ready[:count]]
        if requests:
            row.save()
            LabelingItem.objects.filter(pk__in=[pk for pk, _ in requests]).update(batch=row)
    work.ready = ready[count:]
    return row, requests


def _collected(work: BatchAttempt) -> list[tuple[LabelingItem, Picture]]:
    """The next waiting items with their pictures, no more than fit into a batch."""
    chosen: list[tuple[LabelingItem, Picture]] = []
    size = 0
    for item, made in _prepared(work):
        try:
            picture = work.awaited(made)
        except (ImageRefused, OSError) as error:
            unreadable(work.attempt, item, error)
            check_hope(work.attempt)
            continue
        work.attempt.unreadable_in_a_row = 0
        size += batches.bytes_of(picture)
        if chosen and size > batches.MOST_BYTES:
            break
        chosen.append((item, picture))
        if len(chosen) == batches.MOST_REQUESTS:
            break
    return chosen


def _prepared(work: BatchAttempt) -> Iterator[tuple[LabelingItem, Preparing]]:
    """Waiting items in their order, each with its picture, a few of which are made in advance."""
    coming: deque[tuple[LabelingItem, Preparing]] = deque()
    items, last = work.waiting().select_related("image").order_by("pk"), 0
    while True:
        if len(coming) < AHEAD:
            chunk = list(items.filter(pk__gt=last)[:CHUNK])
            coming.extend(prepare(work.threads, work.attempt.run, without_trash(chunk)))
            last = chunk[-1].pk if chunk else last
        if not coming:
            return
        yield coming.popleft()
