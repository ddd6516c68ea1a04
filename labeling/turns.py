"""A run that only waits lets other jobs by: their queue may have one worker only."""

from django.db.models import Exists, OuterRef

from imagineer.jobs import states
from imagineer.jobs.models import Job
from imagineer.jobs.registry import JobWaits
from labeling.models import LabelingBatch


def let_by(job: Job, *, waiting_too: bool) -> None:
    """Raises JobWaits if another job could start; waiting_too: also one that waits for a batch."""
    # Those of lower priority would stand behind this job again.
    others = states.ready().filter(queue=job.queue, priority__gte=job.priority)
    if not waiting_too:
        opened = LabelingBatch.objects.filter(state__in=LabelingBatch.OPEN)
        others = others.exclude(Exists(opened.filter(run__job=OuterRef("pk"))))
    if others.exists():
        raise JobWaits
