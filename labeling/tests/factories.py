"""Small makers of what the tests of labeling need."""

from collections import Counter
from typing import Any

from asgiref.sync import async_to_sync

from gallery.models import Label
from gallery.tests.factories import make_album, make_image
from imagineer.jobs.models import Job, Status
from imagineer.jobs.runner import execute
from labeling.models import LabelingItem, LabelingRun
from labeling.runs import start_run


def album_of(number: int, name: str = "Squares") -> Any:
    return make_album(name, [make_image() for _ in range(number)])


def finished(run: LabelingRun) -> Any:
    """The run's job after it was executed in this process."""
    execute(run.job_id)
    job = Job.objects.get(pk=run.job_id)
    assert job.status != Status.QUEUED
    return job


def run_of(*images: Any, **asked: Any) -> LabelingRun:
    return start_run([image.pk for image in images], **asked)


def uncached(run: LabelingRun) -> int:
    """The tokens that the run's requests took in, those that went through the cache left out."""
    run.refresh_from_db()
    return run.input_tokens


def texts(image: Any, kind: str) -> list[str]:
    labels = image.labels.filter(kind=kind, source=Label.Source.CLAUDE)
    return sorted(labels.values_list("text", flat=True))


def body(response: Any) -> bytes:
    """What an answer that is sent in parts holds."""

    async def read() -> bytes:
        return b"".join([part async for part in response.streaming_content])

    return async_to_sync(read)()


def batch_run_of(number: int) -> LabelingRun:
    return start_run(album=album_of(number), use_batches=True)


def is_labelled_once(run: LabelingRun) -> bool:
    """Whether the images that are done, and no others, have one caption each."""
    captions = Label.objects.filter(kind=Label.Kind.CAPTION).values_list("image_id", flat=True)
    done = run.items.filter(outcome=LabelingItem.Outcome.DONE).values_list("image_id", flat=True)
    return Counter(captions) == Counter(done)
