"""The runners: ``labeling.run`` puts a run's waiting items before its labeler, and
``labeling.stop_batches`` clears up behind a run in batches that was given up.

A run that was killed goes on where it was: at most the requests in flight are asked again.
"""

from django.db import transaction
from django.db.models import Exists, OuterRef

from imagineer.jobs.models import Job
from imagineer.jobs.registry import JobContext, JobFailed, Result
from imagineer.jobs.submit import submit
from labeling import batch_run, budget, one_by_one
from labeling.labeler import Unusable
from labeling.labelers import LabelerKind, known
from labeling.models import LabelingBatch, LabelingRun
from labeling.outcomes import Attempt, Outcome, result
from labeling.runs import labelled_before

RUN = "labeling.run"
STOP_BATCHES = "labeling.stop_batches"


def run(context: JobContext) -> Result:
    """Label the run's images; it ends partial if some are left unlabelled, failed if all are."""
    labeling_run = LabelingRun.objects.select_related("prompt", "album").get(job=context.job)
    attempt = Attempt(context, labeling_run, _kind(labeling_run))
    _begin(attempt)
    try:
        if labeling_run.use_batches:
            batch_run.label(attempt)
        else:
            one_by_one.label(attempt)
    except Unusable as error:
        raise JobFailed(str(error)) from error
    return result(attempt)


def _kind(labeling_run: LabelingRun) -> LabelerKind:
    kind = known().get(labeling_run.labeler)
    if kind is None:
        raise JobFailed(f"This installation has no labeler named “{labeling_run.labeler}”.")
    if kind.missing():
        raise JobFailed(kind.missing())
    return kind


def _begin(attempt: Attempt) -> None:
    """Let failed images wait again, and skip those labelled before; not after a kill or a pause."""
    labeling_run = attempt.run
    budget.start_over(labeling_run)
    # The setting may have changed since; it is the model that answers now which is paid.
    labeling_run.model = attempt.kind.model()
    labeling_run.save(update_fields=["model"])
    if labeling_run.is_under_way:
        return
    with transaction.atomic():
        items = labeling_run.items
        items.filter(outcome=Outcome.FAILED).update(outcome=Outcome.PENDING, error="")
        skipped = 0
        if not labeling_run.force:
            said = labelled_before(labeling_run.labeler, labeling_run.prompt, labeling_run.options)
            done = Exists(said.filter(image=OuterRef("image_id")))
            waiting = items.filter(done, outcome=Outcome.PENDING, batch=None)
            skipped = waiting.update(outcome=Outcome.SKIPPED, error="")
        LabelingRun.objects.filter(pk=labeling_run.pk).update(is_under_way=True)
    if skipped:
        attempt.context.log(f"Skipped {skipped} images that were labelled with this prompt before.")


def ended(job: Job) -> None:
    """In the transaction that ends a run's job, in whatever way."""
    LabelingRun.objects.filter(job=job).update(is_under_way=False)
    left = LabelingBatch.objects.filter(run__job=job, state__in=LabelingBatch.OPEN)
    run_id = left.values_list("run_id", flat=True).first()
    if run_id is not None:
        submit(
            STOP_BATCHES,
            title=f"Stop the batches of: {job.title}",
            params={"run": run_id},
            created_by=job.created_by,
        )


def stop_batches(context: JobContext) -> Result:
    """Cancel what a run has left with its labeler, and keep what was answered until then."""
    labeling_run = (
        LabelingRun.objects.select_related("prompt", "album")
        .filter(pk=context.job.params["run"])
        .first()
    )
    if labeling_run is None:
        return None
    before = labeling_run.counts()
    try:
        batch_run.stop(Attempt(context, labeling_run, _kind(labeling_run)))
    except Unusable as error:
        raise JobFailed(str(error)) from error
    after = labeling_run.counts()
    return {"labelled": after[Outcome.DONE] - before[Outcome.DONE]}
