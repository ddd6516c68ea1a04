"""Labeling over HTTP: ask for labels, and see how far a request has come."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Router, Schema

from gallery.models import Album, Image
from imagineer.accounts.permissions import ADMIN
from imagineer.inputs import Flag, In
from imagineer.problems import not_found
from imagineer.texts import Text
from labeling.models import LabelingItem, LabelingRun
from labeling.runs import start_run

router = Router(tags=["labeling"])
FAILURES_SHOWN = 50


class LabelingIn(In):
    prompt_kind: Text = Field(
        default="",
        max_length=50,
        description="By default “default” for an image, “sd_training” for an album.",
    )
    force: Flag = Field(
        default=False, description="Also label images that this prompt has labelled before."
    )
    use_batches: Flag = Field(
        default=False, description="Ask in batches: half the price, and answers within a day."
    )


class FailureOut(Schema):
    image_id: int
    outcome: str
    error: str


class TaskOut(Schema):
    """id is the job's id; the counts add up to total."""

    id: UUID
    status: str
    image_id: int | None
    album_id: int | None
    labeler: str
    model: str
    prompt_kind: str
    prompt_version: int
    force: bool
    use_batches: bool
    total: int
    pending: int
    done: int
    skipped: int
    refused: int
    failed: int
    failures: list[FailureOut]
    input_tokens: int
    output_tokens: int
    error: str
    created_at: datetime
    finished_at: datetime | None


@router.post("/labeling/image/{image_id}", auth=ADMIN, response={202: TaskOut})
def label_image(request: HttpRequest, image_id: int, payload: LabelingIn | None = None) -> Any:
    """Have Claude label one image."""
    if not Image.objects.filter(pk=image_id).exists():
        raise not_found("image")
    asked = payload or LabelingIn()
    run = start_run(
        [image_id],
        prompt_kind=asked.prompt_kind,
        force=asked.force,
        use_batches=asked.use_batches,
        created_by=request.user,
    )
    return 202, task_out(run)


@router.post("/labeling/album/{album_id}", auth=ADMIN, response={202: TaskOut})
def label_album(request: HttpRequest, album_id: int, payload: LabelingIn | None = None) -> Any:
    """Have Claude label all images of an album."""
    album = Album.objects.filter(pk=album_id).first()
    if album is None:
        raise not_found("album")
    asked = payload or LabelingIn()
    run = start_run(
        album=album,
        prompt_kind=asked.prompt_kind,
        force=asked.force,
        use_batches=asked.use_batches,
        created_by=request.user,
    )
    return 202, task_out(run)


@router.get("/labeling/task/{task_id}", auth=ADMIN, response=TaskOut)
def labeling_task(request: HttpRequest, task_id: UUID) -> Any:
    """How far a labeling request has come."""
    run = LabelingRun.objects.select_related("job", "prompt").filter(job_id=task_id).first()
    if run is None:
        raise not_found("labeling task")
    return task_out(run)


def task_out(run: LabelingRun) -> dict[str, Any]:
    outcomes = LabelingItem.Outcome
    failures = run.items.filter(outcome__in=(outcomes.FAILED, outcomes.REFUSED))
    return run.counts() | {
        "id": run.job_id,
        "status": run.job.status,
        "image_id": run.image_id,
        "album_id": run.album_id,
        "labeler": run.labeler,
        "model": run.model,
        "prompt_kind": run.prompt.kind,
        "prompt_version": run.prompt.version,
        "force": run.force,
        "use_batches": run.use_batches,
        "failures": list(failures.values("image_id", "outcome", "error")[:FAILURES_SHOWN]),
        "input_tokens": run.input_tokens,
        "output_tokens": run.output_tokens,
        "error": run.job.error,
        "created_at": run.created_at,
        "finished_at": run.job.finished_at,
    }
