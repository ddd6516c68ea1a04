"""What came of a batch is read from a stream, and written as it is read.

Each result takes its item out of the batch in the transaction that writes its labels, so reading
again after a kill writes and counts nothing twice.
"""

from django.db import transaction
from django.db.models import QuerySet

from labeling import batches, budget
from labeling.batch_attempt import BatchAttempt
from labeling.batches import BatchGone, Said, Unanswered, Withdrawn
from labeling.labeler import Labeling, LabelingFailed, Usage
from labeling.models import LabelingBatch, LabelingItem
from labeling.outcomes import (
    Outcome,
    check_hope,
    labelled,
    not_labelled,
    once_more,
)

# Results taken from the stream at once.
PART = 20


def look(work: BatchAttempt, row: LabelingBatch) -> None:
    """Ask how far a batch is, and read it if it has ended. Raises BatchTrouble, Unusable."""
    try:
        batch = work.awaited(work.labeler.look(row.batch_id))
        if work.is_stopping and not (batch.has_ended or batch.is_cancelling):
            batch = work.awaited(work.labeler.cancel(row.batch_id))
            work.attempt.context.log(f"Cancelled batch {batch.id}.")
        LabelingBatch.objects.filter(pk=row.pk).update(finished=batch.finished)
        work.told[row.pk] = batch.finished
        if not batch.has_ended:
            return
        del work.told[row.pk]
        if batch.is_lost:
            raise BatchGone(f"The results of batch {batch.id} are no longer kept.")
        deleted = _read(work, row)
    except BatchGone as gone:
        for item in _open(row):
            not_labelled(work.attempt, item, LabelingFailed(str(gone)))
        deleted = Usage()
    with transaction.atomic():
        LabelingBatch.objects.filter(pk=row.pk).update(state=LabelingBatch.State.READ)
        budget.record(work.attempt.run, deleted, work.attempt.price(row.model), batch=row)


def _read(work: BatchAttempt, row: LabelingBatch) -> Usage:
    """Write the results; what those of images that were deleted meanwhile took is returned."""
    deleted = Usage()
    results = work.awaited(work.labeler.results(row.batch_id))
    try:
        while said := work.awaited(results.read(PART)):
            for name, answer in said:
                deleted += _settle(work, row, name, answer)
            work.progress()
    finally:
        results.close()
    for item in _open(row):
        _settle_item(work, row, item, Unanswered("The batch's results leave this picture out."))
    return deleted


def _open(row: LabelingBatch) -> list[LabelingItem]:
    return list(_items(row).filter(outcome__in=LabelingItem.OPEN))


def _items(row: LabelingBatch) -> QuerySet[LabelingItem]:
    return row.items.select_related("image", "batch")


def _settle(work: BatchAttempt, row: LabelingBatch, name: str, answer: Said) -> Usage:
    """Write one result, unless that was done before; of a deleted image tell what it took."""
    number = batches.number_in(name, row.token)
    if number is None:
        return Usage()
    item = _items(row).filter(pk=number).first()
    if item is not None:
        work.attempt.context.check_cancelled()
        _settle_item(work, row, item, answer)
        if not work.is_stopping:
            check_hope(work.attempt)
    elif not LabelingItem.objects.filter(pk=number).exists():
        return answer.usage
    return Usage()


def _settle_item(work: BatchAttempt, row: LabelingBatch, item: LabelingItem, answer: Said) -> None:
    if isinstance(answer, Labeling):
        labelled(work.attempt, item, answer)
    elif isinstance(answer, Withdrawn) and row.cancel_requested:
        item.settle(Outcome.PENDING, item.error)
    elif not isinstance(answer, Unanswered):
        not_labelled(work.attempt, item, answer)
    elif not item.error:
        once_more(work.attempt, item, answer)
    elif answer.kept is not None:
        labelled(work.attempt, item, answer.kept)
    else:
        twice = LabelingFailed(f"{answer} It was asked twice.", answer.usage)
        not_labelled(work.attempt, item, twice)
