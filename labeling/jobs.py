"""The runner of ``labeling.run``: puts a run's open items before a labeler, a few at a time.

Each answer is written in one transaction with its item's outcome, so a run that was killed goes
on where it was: at most the requests in flight are asked again, and no image gets the labels of
one run twice.
"""

import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, OuterRef

from gallery.image_files import ImageRefused
from imagineer.jobs.registry import JobContext, JobFailed, Partial, Result
from labeling import budget
from labeling.budget import NOTHING, BudgetSpent
from labeling.estimates import most_for
from labeling.labeler import Labeler, Labeling, LabelingFailed, Picture, Refused, Unusable, Usage
from labeling.labelers import LabelerKind, known
from labeling.models import LabelingItem, LabelingRun
from labeling.pictures import picture_of
from labeling.prices import Price
from labeling.runs import labelled_before
from labeling.write_labels import apply_rating, write_labels

Outcome = LabelingItem.Outcome
POLL_S = 0.25
# So many failures in a row mean that the trouble is not with the pictures.
HOPELESS = 10
# Files go missing in batches, so it takes more of them to say that all are out of reach.
UNREADABLE = 50
IN_THE_TRASH = "It is in the trash."


def run(context: JobContext) -> Result:
    """Label the run's images; it ends partial if some are left unlabelled, failed if all are."""
    labeling_run = LabelingRun.objects.select_related("prompt", "album").get(job=context.job)
    kind = known().get(labeling_run.labeler)
    if kind is None:
        raise JobFailed(f"This installation has no labeler named “{labeling_run.labeler}”.")
    if kind.missing():
        raise JobFailed(kind.missing())
    _open_again(labeling_run, kind)
    _skip_labelled(context, labeling_run)
    waiting = labeling_run.items.filter(outcome=Outcome.PENDING)
    price = budget.model_price(labeling_run.model) if kind.is_paid else None
    with kind.make() as labeler:
        pks = deque(waiting.values_list("pk", flat=True))
        work = _Work(context, labeling_run, kind, labeler, price, pks)
        try:
            _label(work)
        except Unusable as error:
            raise JobFailed(str(error)) from error
        finally:
            # What was answered is paid for: keep it, whatever ends the run.
            _keep_answers(work)
    return _result(labeling_run, work.stopped)


@dataclass(frozen=True)
class _Asked:
    """A request on its way. reserved: US dollars that are set aside for it."""

    item: LabelingItem
    reserved: Decimal


@dataclass
class _Work:
    """price: None where nobody is paid. held_up: a picture that waits until the budget allows it.

    stopped: why no more are asked about.
    """

    context: JobContext
    run: LabelingRun
    kind: LabelerKind
    labeler: Labeler
    price: Price | None
    waiting: deque[int]
    in_flight: dict[Future[Labeling], _Asked] = field(default_factory=dict)
    held_up: tuple[LabelingItem, Picture] | None = None
    stopped: str = ""
    failed_in_a_row: int = 0
    unreadable_in_a_row: int = 0

    @property
    def left(self) -> int:
        return len(self.waiting) + len(self.in_flight) + (self.held_up is not None)


def _open_again(labeling_run: LabelingRun, kind: LabelerKind) -> None:
    """What earlier attempts failed at is to be asked again; their errors are no longer told."""
    budget.start_over(labeling_run)
    # The setting may have changed since; it is the model that answers now which is paid.
    labeling_run.model = kind.model()
    labeling_run.save(update_fields=["model"])
    failed = labeling_run.items.filter(outcome=Outcome.FAILED)
    failed.update(outcome=Outcome.PENDING, error="")


def _skip_labelled(context: JobContext, labeling_run: LabelingRun) -> None:
    if labeling_run.force:
        return
    said = labelled_before(labeling_run.labeler, labeling_run.prompt, labeling_run.options)
    done = Exists(said.filter(image=OuterRef("image_id")))
    skipped = labeling_run.items.filter(done, outcome=Outcome.PENDING).update(
        outcome=Outcome.SKIPPED
    )
    if skipped:
        context.log(f"Skipped {skipped} images that were labelled with this prompt before.")


def _label(work: _Work) -> None:
    total = work.run.items.count()
    while work.in_flight or (work.left and not work.stopped):
        work.context.progress(total - work.left, total, f"{total - work.left} of {total} images")
        while len(work.in_flight) < work.kind.at_once() and not work.stopped:
            work.context.check_cancelled()
            if not _send_next(work):
                break
        if work.held_up and not work.in_flight:
            # Another run has set aside what is left of the budget; it may not need all of it.
            time.sleep(POLL_S)
        answered, _ = wait(work.in_flight, timeout=POLL_S, return_when=FIRST_COMPLETED)
        for future in answered:
            _settle(work, work.in_flight.pop(future), future)
    work.context.progress(total - work.left, total, f"{total - work.left} of {total} images")


def _send_next(work: _Work) -> bool:
    """Send one request. False: there is nothing to send, or it has to wait for the budget."""
    if work.held_up is None:
        work.held_up = _next_picture(work)
    if work.held_up is None:
        return False
    item, picture = work.held_up
    amount = most_for(picture, item.image, work.price) if work.price else NOTHING
    try:
        if not budget.reserve(work.run, amount):
            return False
    except BudgetSpent as spent:
        work.stopped = str(spent)
        return False
    work.held_up = None
    work.in_flight[work.labeler.submit(picture)] = _Asked(item, amount)
    return True


def _next_picture(work: _Work) -> tuple[LabelingItem, Picture] | None:
    """The next item whose picture can be read; None if there is none."""
    while work.waiting:
        items = LabelingItem.objects.select_related("image")
        item = items.filter(pk=work.waiting.popleft()).first()
        # Without a row the image was deleted meanwhile, and its item with it.
        if item is None:
            continue
        if item.image.deleted_at is not None:
            item.settle(Outcome.SKIPPED, IN_THE_TRASH)
            continue
        work.context.check_cancelled()
        try:
            picture = picture_of(item.image, work.run)
        except (ImageRefused, OSError) as error:
            _fail_unreadable(work, item, error)
        else:
            work.unreadable_in_a_row = 0
            return item, picture
    return None


def _settle(work: _Work, asked: _Asked, future: Future[Labeling]) -> None:
    """Write what came of one request. Raises Unusable."""
    item = asked.item
    try:
        labeling = future.result()
    except Refused as refused:
        work.failed_in_a_row = 0
        _count(work, refused.usage, asked)
        item.settle(Outcome.REFUSED, str(refused))
        work.context.log(f"Image {item.image_id}: {refused}", "warning")
    except LabelingFailed as failed:
        _count(work, failed.usage, asked)
        _fail(work, item, str(failed))
    else:
        work.failed_in_a_row = 0
        _write(work, asked, labeling)


def _write(work: _Work, asked: _Asked, labeling: Labeling) -> None:
    item = asked.item
    # Before the labels: a kill in between leaves an item that is done again, never a picture whose
    # rating was not applied.
    if labeling.rating:
        apply_rating(item.image, labeling.rating)
    with transaction.atomic():
        _count(work, labeling.usage, asked)
        if item.settle(Outcome.DONE):
            write_labels(
                item.image,
                labeling,
                work.run,
                source=work.kind.source,
                reads_prompts=work.kind.reads_prompts,
            )


def _count(work: _Work, usage: Usage, asked: _Asked) -> None:
    budget.record(work.run, usage, work.price, reserved=asked.reserved)


def _fail(work: _Work, item: LabelingItem, sentence: str) -> None:
    """Raises JobFailed after too many in a row, if others are still to be asked about."""
    work.failed_in_a_row += 1
    _note_failure(work, item, sentence)
    if work.failed_in_a_row >= HOPELESS and work.left:
        raise JobFailed(
            f"Stopped because {HOPELESS} images in a row failed. The last: {sentence} Retrying "
            "goes on with the images that are left."
        )


def _fail_unreadable(work: _Work, item: LabelingItem, error: Exception) -> None:
    """Raises JobFailed if no file can be read for long. The labeler is not to blame."""
    said = "it is not there." if isinstance(error, FileNotFoundError) else str(error)
    sentence = f"The picture's file cannot be read: {said}"
    work.unreadable_in_a_row += 1
    _note_failure(work, item, sentence)
    if work.unreadable_in_a_row >= UNREADABLE and work.left:
        raise JobFailed(
            f"Stopped because the files of {UNREADABLE} images in a row cannot be read. The last: "
            f"{sentence} Check that the folder or bucket with the pictures is there; retrying goes "
            "on with the images that are left."
        )


def _note_failure(work: _Work, item: LabelingItem, sentence: str) -> None:
    item.settle(Outcome.FAILED, sentence)
    work.context.log(f"Image {item.image_id}: {sentence}", "error")


def _keep_answers(work: _Work) -> None:
    """Settle the requests whose answers have come. What ends the run is known by then."""
    for future in [future for future in work.in_flight if future.done()]:
        asked = work.in_flight.pop(future)
        if not future.cancelled():
            try:
                _settle(work, asked, future)
            except (Unusable, JobFailed):
                continue


def _result(labeling_run: LabelingRun, stopped: str) -> Result:
    """stopped: why images that are left were not asked about."""
    labeling_run.refresh_from_db()
    counts = labeling_run.counts()
    result = {
        "labelled": counts[Outcome.DONE],
        "skipped": counts[Outcome.SKIPPED],
        "refused": counts[Outcome.REFUSED],
        "failed": counts[Outcome.FAILED],
        "input_tokens": labeling_run.all_input_tokens,
        "output_tokens": labeling_run.output_tokens,
        "cost_usd": float(labeling_run.cost_usd),
    }
    failed, unlabelled = counts[Outcome.FAILED], counts[Outcome.FAILED] + counts[Outcome.PENDING]
    if not unlabelled:
        return result
    sentence = stopped
    if failed:
        last = labeling_run.items.filter(outcome=Outcome.FAILED).last()
        error = last.error if last else ""
        if failed == counts["total"]:
            raise JobFailed(error)
        sentence = " ".join(
            filter(None, (stopped, f"{failed} of {counts['total']} images failed. {error}"))
        )
    if unlabelled == counts["total"]:
        raise JobFailed(sentence)
    return Partial(result, sentence)
