"""The runner of ``labeling.run``: puts a run's open items before a labeler, a few at a time.

Each answer is written in one transaction with its item's outcome, so a run that was killed goes
on where it was: at most the requests in flight are asked again, and no image gets the labels of
one run twice.
"""

from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field

from django.db.models import F

from gallery.image_files import ImageRefused
from gallery.ratings import settle_rating
from imagineer.jobs.registry import JobContext, JobFailed, Partial, Result
from labeling.labeler import Labeler, Labeling, LabelingFailed, Refused, Unusable, Usage
from labeling.labelers import LabelerKind, known
from labeling.models import LabelingItem, LabelingRun
from labeling.pictures import picture_of
from labeling.runs import labelled_before
from labeling.write_labels import write_labels

Outcome = LabelingItem.Outcome
POLL_S = 0.25
# So many failures in a row mean that the trouble is not with the pictures.
HOPELESS = 10


def run(context: JobContext) -> Result:
    """Label the run's images; it ends partial if some failed, failed if all did."""
    labeling_run = LabelingRun.objects.select_related("prompt", "album").get(job=context.job)
    kind = known().get(labeling_run.labeler)
    if kind is None:
        raise JobFailed(f"This installation has no labeler named “{labeling_run.labeler}”.")
    if kind.missing():
        raise JobFailed(kind.missing())
    _skip_labelled(context, labeling_run)
    waiting = labeling_run.items.filter(outcome__in=LabelingItem.OPEN)
    try:
        with kind.make() as labeler:
            pks = deque(waiting.values_list("pk", flat=True))
            work = _Work(context, labeling_run, kind, labeler, pks)
            try:
                _label(work)
            finally:
                # What was answered is paid for: keep it, whatever ends the run.
                _keep_answers(work)
    except Unusable as error:
        raise JobFailed(str(error)) from error
    return _result(labeling_run)


@dataclass
class _Work:
    context: JobContext
    run: LabelingRun
    kind: LabelerKind
    labeler: Labeler
    waiting: deque[int]
    in_flight: dict[Future[Labeling], LabelingItem] = field(default_factory=dict)
    failed_in_a_row: int = 0
    last_failure: str = ""


def _skip_labelled(context: JobContext, labeling_run: LabelingRun) -> None:
    if labeling_run.force:
        return
    known = labelled_before(labeling_run.labeler, labeling_run.prompt).values("image_id")
    skipped = labeling_run.items.filter(outcome__in=LabelingItem.OPEN, image__in=known).update(
        outcome=Outcome.SKIPPED, error=""
    )
    if skipped:
        context.log(f"Skipped {skipped} images that were labelled so before.")


def _label(work: _Work) -> None:
    total = work.run.items.count()
    while work.waiting or work.in_flight:
        settled = total - len(work.waiting) - len(work.in_flight)
        work.context.progress(settled, total, f"{settled} of {total} images")
        while work.waiting and len(work.in_flight) < work.kind.at_once():
            work.context.check_cancelled()
            _send(work, work.waiting.popleft())
            _check_hope(work)
        answered, _ = wait(work.in_flight, timeout=POLL_S, return_when=FIRST_COMPLETED)
        for future in answered:
            _settle(work, work.in_flight.pop(future), future)
            _check_hope(work)
    work.context.progress(total, total, f"{total} of {total} images")


def _send(work: _Work, item_id: int) -> None:
    item = LabelingItem.objects.select_related("image").filter(pk=item_id).first()
    if item is None:
        # The image was deleted meanwhile, and its item with it.
        return
    try:
        instructions, side = work.run.prompt.text, work.kind.longest_side
        picture = picture_of(item.image, instructions, work.run.album, side)
    except (ImageRefused, OSError) as error:
        _fail(work, item, f"The picture's file cannot be read: {error}")
        return
    work.in_flight[work.labeler.submit(picture)] = item


def _settle(work: _Work, item: LabelingItem, future: Future[Labeling]) -> None:
    """Write what came of one request. Raises Unusable."""
    try:
        labeling = future.result()
    except Refused as refused:
        work.failed_in_a_row = 0
        _count(work.run, refused.usage)
        item.settle(Outcome.REFUSED, str(refused))
        work.context.log(f"Image {item.image_id}: {refused}", "warning")
    except LabelingFailed as failed:
        _count(work.run, failed.usage)
        _fail(work, item, str(failed))
    else:
        work.failed_in_a_row = 0
        _write(work, item, labeling)


def _write(work: _Work, item: LabelingItem, labeling: Labeling) -> None:
    def write() -> None:
        _count(work.run, labeling.usage)
        if item.settle(Outcome.DONE):
            write_labels(
                item.image,
                labeling,
                source=work.kind.source,
                prompt=work.run.prompt if work.kind.reads_prompts else None,
                created_by=work.run.created_by,
            )

    if not settle_rating(item.image, write, expected=(labeling.rating,)):
        # The image was deleted while it was being labelled; that was paid for all the same.
        _count(work.run, labeling.usage)


def _count(labeling_run: LabelingRun, usage: Usage) -> None:
    LabelingRun.objects.filter(pk=labeling_run.pk).update(
        input_tokens=F("input_tokens") + usage.all_input_tokens,
        output_tokens=F("output_tokens") + usage.output_tokens,
    )


def _fail(work: _Work, item: LabelingItem, sentence: str) -> None:
    work.failed_in_a_row += 1
    work.last_failure = sentence
    item.settle(Outcome.FAILED, sentence)
    work.context.log(f"Image {item.image_id}: {sentence}", "error")


def _check_hope(work: _Work) -> None:
    if work.failed_in_a_row >= HOPELESS and (work.waiting or work.in_flight):
        raise JobFailed(
            f"Stopped because {HOPELESS} images in a row failed. The last: "
            f"{work.last_failure} Retrying goes on with the images that are left."
        )


def _keep_answers(work: _Work) -> None:
    for future, item in work.in_flight.items():
        if future.done() and not future.cancelled() and future.exception() is None:
            _write(work, item, future.result())


def _result(labeling_run: LabelingRun) -> Result:
    labeling_run.refresh_from_db()
    counts = labeling_run.counts()
    result = {
        "labelled": counts[Outcome.DONE],
        "skipped": counts[Outcome.SKIPPED],
        "refused": counts[Outcome.REFUSED],
        "failed": counts[Outcome.FAILED],
        "input_tokens": labeling_run.input_tokens,
        "output_tokens": labeling_run.output_tokens,
    }
    failed = labeling_run.items.filter(outcome=Outcome.FAILED).first()
    if failed is None:
        return result
    if counts[Outcome.FAILED] == counts["total"]:
        raise JobFailed(failed.error)
    return Partial(
        result, f"{counts[Outcome.FAILED]} of {counts['total']} images failed. {failed.error}"
    )
