"""What came of a run's pictures is written: labels, refusals, failures, and what they cost.

Each answer is one transaction with its item's outcome, so whatever kills a run, no image gets the
labels of one run twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction

from gallery.models import Image
from imagineer.jobs.registry import JobContext, JobFailed, Partial, Result
from labeling import budget
from labeling.budget import NOTHING
from labeling.labeler import Labeling, LabelingFailed, Refused, Usage
from labeling.labelers import LabelerKind
from labeling.models import LabelingItem, LabelingRun
from labeling.prices import Price
from labeling.write_labels import apply_rating, write_labels

Outcome = LabelingItem.Outcome
# So many failures in a row mean that the trouble is not with the pictures.
HOPELESS = 10
# Files go missing in batches, so it takes more of them to say that all are out of reach.
UNREADABLE = 50
IN_THE_TRASH = "It is in the trash."


@dataclass
class Attempt:
    """One attempt of a job at a run; failures are counted until a picture does not fail.

    stopped: why no more pictures are asked about; empty while there is no reason.
    """

    context: JobContext
    run: LabelingRun
    kind: LabelerKind
    stopped: str = ""
    failed_in_a_row: int = 0
    last_failure: str = ""
    unreadable_in_a_row: int = 0
    last_unreadable: str = ""

    def progress(self, settled: int, total: int, more: str = "") -> None:
        """Raises JobCancelled."""
        self.context.progress(settled, total, f"{settled} of {total} images{more}")

    def price(self, model: str) -> Price | None:
        """What the model costs; None where nobody is paid."""
        return budget.model_price(model) if self.kind.is_paid else None


# --- What becomes of one picture -----------------------------------------------------------------


def labelled(
    attempt: Attempt, item: LabelingItem, labeling: Labeling, reserved: Decimal = NOTHING
) -> None:
    """Write a labeler's answer; of an image that was deleted meanwhile only what it took.

    reserved: US dollars that are set aside on the run for it.
    """
    attempt.failed_in_a_row = 0
    # Before the labels: a kill in between leaves an item that is done again, never a picture whose
    # rating was not applied.
    if labeling.rating:
        try:
            apply_rating(item.image, labeling.rating)
        except Image.DoesNotExist:
            pass
    with transaction.atomic():
        is_first = item.settle(Outcome.DONE)
        if is_first:
            write_labels(
                item.image,
                labeling,
                attempt.run,
                source=attempt.kind.source,
                reads_prompts=attempt.kind.reads_prompts,
            )
        _pay(attempt, item, labeling.usage, reserved, is_first=is_first)


def not_labelled(
    attempt: Attempt, item: LabelingItem, failed: LabelingFailed, reserved: Decimal = NOTHING
) -> None:
    """Write that a picture was refused or failed, and why."""
    if isinstance(failed, Refused):
        attempt.failed_in_a_row = 0
        outcome, level = Outcome.REFUSED, "warning"
    else:
        attempt.failed_in_a_row += 1
        attempt.last_failure = str(failed)
        outcome, level = Outcome.FAILED, "error"
    with transaction.atomic():
        is_first = item.settle(outcome, str(failed))
        _pay(attempt, item, failed.usage, reserved, is_first=is_first)
    attempt.context.log(f"Image {item.image_id}: {failed}", level)


def once_more(attempt: Attempt, item: LabelingItem, failed: LabelingFailed) -> None:
    """Let a picture wait again, with what was wrong with its first answer."""
    if failed.usage != Usage():
        # Answers that are paid for and of no use are a reason to stop like failures are.
        attempt.failed_in_a_row += 1
        attempt.last_failure = str(failed)
    with transaction.atomic():
        is_first = item.settle(Outcome.PENDING, str(failed))
        _pay(attempt, item, failed.usage, NOTHING, is_first=is_first)
    attempt.context.log(f"Image {item.image_id}: {failed} It is asked again.", "warning")


def without_trash(items: Iterable[LabelingItem]) -> list[LabelingItem]:
    """Those whose images are not in the trash; the others are skipped."""
    kept = []
    for item in items:
        if item.image.deleted_at is None:
            kept.append(item)
        else:
            item.settle(Outcome.SKIPPED, IN_THE_TRASH)
    return kept


def unreadable(attempt: Attempt, item: LabelingItem, error: Exception) -> None:
    """Write that a picture could not be made ready. The labeler is not to blame."""
    said = "it is not there." if isinstance(error, FileNotFoundError) else str(error)
    sentence = f"The picture's file cannot be read: {said}"
    attempt.unreadable_in_a_row += 1
    attempt.last_unreadable = sentence
    item.settle(Outcome.FAILED, sentence)
    attempt.context.log(f"Image {item.image_id}: {sentence}", "error")


def _pay(
    attempt: Attempt, item: LabelingItem, usage: Usage, reserved: Decimal, *, is_first: bool
) -> None:
    """Count what an answer took. is_first: no other attempt has settled the item.

    Who asks alone and is late has paid all the same; what came in a batch is paid for once, however
    often it is read.
    """
    batch = item.batch
    if is_first or batch is None:
        price = attempt.price(batch.model if batch else attempt.run.model)
        budget.record(attempt.run, usage, price, reserved=reserved, batch=batch)


# --- What becomes of the run ---------------------------------------------------------------------


def check_hope(attempt: Attempt) -> None:
    """Raises JobFailed when so many pictures in a row have failed that the rest would too."""
    if attempt.failed_in_a_row >= HOPELESS:
        raise JobFailed(
            f"Stopped because {HOPELESS} images in a row failed. The last: "
            f"{attempt.last_failure} Retrying goes on with the images that are left."
        )
    if attempt.unreadable_in_a_row >= UNREADABLE:
        raise JobFailed(
            f"Stopped because the files of {UNREADABLE} images in a row cannot be read. The last: "
            f"{attempt.last_unreadable} Check that the folder or bucket with the pictures is "
            "there; retrying goes on with the images that are left."
        )


def result(attempt: Attempt) -> Result:
    """What the job returns: partial if some pictures are left. Raises JobFailed if all are."""
    run = attempt.run
    run.refresh_from_db()
    counts = run.counts()
    found = {
        "labelled": counts[Outcome.DONE],
        "skipped": counts[Outcome.SKIPPED],
        "refused": counts[Outcome.REFUSED],
        "failed": counts[Outcome.FAILED],
        "input_tokens": run.all_input_tokens,
        "output_tokens": run.output_tokens,
        "cost_usd": float(run.cost_usd),
    }
    failed, unlabelled = counts[Outcome.FAILED], counts[Outcome.FAILED] + counts[Outcome.PENDING]
    if not unlabelled:
        return found
    sentence = attempt.stopped
    if failed:
        last = run.items.filter(outcome=Outcome.FAILED).last()
        error = last.error if last else ""
        if failed == counts["total"]:
            raise JobFailed(error)
        told = f"{failed} of {counts['total']} images failed. {error}"
        sentence = f"{sentence} {told}".strip()
    if unlabelled == counts["total"]:
        raise JobFailed(sentence)
    return Partial(found, sentence)
