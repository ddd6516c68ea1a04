"""The runner of ``labeling.run``: puts a run's open items before its labeler.

A run that was killed goes on where it was: at most the requests in flight are asked again.
"""

from imagineer.jobs.registry import JobContext, JobFailed, Result
from labeling import one_by_one
from labeling.labeler import Unusable
from labeling.labelers import known
from labeling.models import LabelingItem, LabelingRun
from labeling.outcomes import Attempt, Outcome, result
from labeling.runs import labelled_before


def run(context: JobContext) -> Result:
    """Label the run's images; it ends partial if some failed, failed if all did."""
    labeling_run = LabelingRun.objects.select_related("prompt", "album").get(job=context.job)
    kind = known().get(labeling_run.labeler)
    if kind is None:
        raise JobFailed(f"This installation has no labeler named “{labeling_run.labeler}”.")
    if kind.missing():
        raise JobFailed(kind.missing())
    _skip_labelled(context, labeling_run)
    try:
        one_by_one.label(Attempt(context, labeling_run, kind))
    except Unusable as error:
        raise JobFailed(str(error)) from error
    return result(labeling_run)


def _skip_labelled(context: JobContext, labeling_run: LabelingRun) -> None:
    if labeling_run.force:
        return
    known = labelled_before(labeling_run.labeler, labeling_run.prompt).values("image_id")
    skipped = labeling_run.items.filter(outcome__in=LabelingItem.OPEN, image__in=known).update(
        outcome=Outcome.SKIPPED, error=""
    )
    if skipped:
        context.log(f"Skipped {skipped} images that were labelled with this prompt before.")
