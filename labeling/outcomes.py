"""What came of a run's pictures is written: labels, refusals, failures, and the tokens they took.

Each answer is one transaction with its item's outcome, so whatever kills a run, no image gets the
labels of one run twice.
"""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import F

from gallery.models import Image
from imagineer.jobs.registry import JobContext, JobFailed, Partial, Result
from labeling.labeler import Labeling, LabelingFailed, Refused, Usage
from labeling.labelers import LabelerKind
from labeling.models import LabelingItem, LabelingRun
from labeling.write_labels import apply_rating, write_labels

Outcome = LabelingItem.Outcome
# So many failures in a row mean that the trouble is not with the pictures.
HOPELESS = 10


@dataclass
class Attempt:
    """One attempt of a job at a run; failures are counted until a picture does not fail."""

    context: JobContext
    run: LabelingRun
    kind: LabelerKind
    failed_in_a_row: int = 0
    last_failure: str = ""

    def progress(self, settled: int, total: int, more: str = "") -> None:
        """Raises JobCancelled."""
        self.context.progress(settled, total, f"{settled} of {total} images{more}")


def labelled(attempt: Attempt, item: LabelingItem, labeling: Labeling) -> None:
    """Write a labeler's answer; of an image that was deleted meanwhile only what it took."""
    attempt.failed_in_a_row = 0
    # Before the labels: a kill in between leaves an item that is done again, never a picture whose
    # rating was not applied.
    if labeling.rating:
        try:
            apply_rating(item.image, labeling.rating)
        except Image.DoesNotExist:
            pass
    with transaction.atomic():
        if _settled(attempt, item, Outcome.DONE, "", labeling.usage):
            write_labels(
                item.image,
                labeling,
                source=attempt.kind.source,
                prompt=attempt.run.prompt if attempt.kind.reads_prompts else None,
                created_by=attempt.run.created_by,
            )


def not_labelled(attempt: Attempt, item: LabelingItem, failed: LabelingFailed) -> None:
    """Write that a picture was refused or failed, and why."""
    if isinstance(failed, Refused):
        attempt.failed_in_a_row = 0
        outcome, level = Outcome.REFUSED, "warning"
    else:
        attempt.failed_in_a_row += 1
        attempt.last_failure = str(failed)
        outcome, level = Outcome.FAILED, "error"
    with transaction.atomic():
        _settled(attempt, item, outcome, str(failed), failed.usage)
    attempt.context.log(f"Image {item.image_id}: {failed}", level)


def unreadable(error: Exception) -> LabelingFailed:
    """What to say of a picture that could not be made ready."""
    return LabelingFailed(f"The picture's file cannot be read: {error}")


def once_more(attempt: Attempt, item: LabelingItem, failed: LabelingFailed) -> None:
    """Let a picture wait again, with what was wrong with its first answer."""
    if failed.usage != Usage():
        # Answers that are paid for and of no use are a reason to stop like failures are.
        attempt.failed_in_a_row += 1
        attempt.last_failure = str(failed)
    with transaction.atomic():
        _settled(attempt, item, Outcome.PENDING, str(failed), failed.usage)
    attempt.context.log(f"Image {item.image_id}: {failed} It is asked again.", "warning")


def _settled(attempt: Attempt, item: LabelingItem, outcome: str, error: str, usage: Usage) -> bool:
    """Give the item its outcome and count what it took. False: another attempt has settled it.

    Who asks alone and is late has paid all the same; what came in a batch is paid for once, however
    often it is read.
    """
    settled = item.settle(outcome, error)
    if not settled and item.batch_id:
        return False
    LabelingRun.objects.filter(pk=attempt.run.pk).update(
        input_tokens=F("input_tokens") + usage.all_input_tokens,
        output_tokens=F("output_tokens") + usage.output_tokens,
    )
    return settled


def check_hope(attempt: Attempt) -> None:
    """Raises JobFailed when so many pictures in a row have failed that the rest would too."""
    if attempt.failed_in_a_row >= HOPELESS:
        raise JobFailed(
            f"Stopped because {HOPELESS} images in a row failed. The last: "
            f"{attempt.last_failure} Retrying goes on with the images that are left."
        )


def result(run: LabelingRun) -> Result:
    """What the job returns: partial if some pictures failed. Raises JobFailed if all did."""
    run.refresh_from_db()
    counts = run.counts()
    found = {
        "labelled": counts[Outcome.DONE],
        "skipped": counts[Outcome.SKIPPED],
        "refused": counts[Outcome.REFUSED],
        "failed": counts[Outcome.FAILED],
        "input_tokens": run.input_tokens,
        "output_tokens": run.output_tokens,
    }
    failed = run.items.filter(outcome=Outcome.FAILED).first()
    if failed is None:
        return found
    if counts[Outcome.FAILED] == counts["total"]:
        raise JobFailed(failed.error)
    return Partial(
        found, f"{counts[Outcome.FAILED]} of {counts['total']} images failed. {failed.error}"
    )
