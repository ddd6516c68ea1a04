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
from labeling.labelers import LabelerKind, default_labeler, known
from labeling.models import LabelingItem, LabelingRun
from labeling.runs import start_run

router = Router(tags=["labeling"])
FAILURES_SHOWN = 50


class LabelingIn(In):
    labeler: Text = Field(
        default="",
        max_length=50,
        description="One of /api/labeling/labelers; by default “claude” where it can be used, else "
        "“local”.",
    )
    prompt_kind: Text = Field(
        default="",
        max_length=50,
        description="By default “default” for an image, “sd_training” for an album. Labelers that "
        "read no prompts pass it over.",
    )
    force: Flag = Field(
        default=False,
        description="Also label images that the labeler, with this prompt, has labelled before.",
    )


class LabelerOut(Schema):
    """is_usable: it can be used as things stand; missing: why not, and what to do about it.

    source: whose its labels are; reads_prompts: prompt_kind changes what it says; is_default: it is
    taken where a request names none.
    """

    name: str
    title: str
    does: str
    model: str
    source: str
    is_usable: bool
    missing: str
    reads_prompts: bool
    is_paid: bool
    is_default: bool


class LabelerList(Schema):
    items: list[LabelerOut]
    next: None = None


class FailureOut(Schema):
    image_id: int
    outcome: str
    error: str


class TaskOut(Schema):
    """id is the job's id; the counts add up to total. The prompt is empty where none is read."""

    id: UUID
    status: str
    image_id: int | None
    album_id: int | None
    labeler: str
    model: str
    prompt_kind: str
    prompt_version: int | None
    force: bool
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


@router.get("/labeling/labelers", auth=ADMIN, response=LabelerList)
def list_labelers(request: HttpRequest) -> Any:
    """The labelers of this installation, and whether they can be used."""
    default = default_labeler()
    return {"items": [_labeler_out(kind, default) for kind in known().values()]}


def _labeler_out(kind: LabelerKind, default: str) -> dict[str, Any]:
    missing = kind.missing()
    return {
        "name": kind.name,
        "title": kind.title,
        "does": kind.does,
        "model": kind.model(),
        "source": kind.source,
        "is_usable": not missing,
        "missing": missing,
        "reads_prompts": kind.reads_prompts,
        "is_paid": kind.is_paid,
        "is_default": kind.name == default and not missing,
    }


@router.post("/labeling/image/{image_id}", auth=ADMIN, response={202: TaskOut})
def label_image(request: HttpRequest, image_id: int, payload: LabelingIn | None = None) -> Any:
    """Have one image labelled."""
    if not Image.objects.filter(pk=image_id).exists():
        raise not_found("image")
    asked = payload or LabelingIn()
    run = start_run(
        [image_id],
        labeler=asked.labeler,
        prompt_kind=asked.prompt_kind,
        force=asked.force,
        created_by=request.user,
    )
    return 202, task_out(run)


@router.post("/labeling/album/{album_id}", auth=ADMIN, response={202: TaskOut})
def label_album(request: HttpRequest, album_id: int, payload: LabelingIn | None = None) -> Any:
    """Have all images of an album labelled."""
    album = Album.objects.filter(pk=album_id).first()
    if album is None:
        raise not_found("album")
    asked = payload or LabelingIn()
    run = start_run(
        album=album,
        labeler=asked.labeler,
        prompt_kind=asked.prompt_kind,
        force=asked.force,
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
    prompt = run.told_prompt
    return run.counts() | {
        "id": run.job_id,
        "status": run.job.status,
        "image_id": run.image_id,
        "album_id": run.album_id,
        "labeler": run.labeler,
        "model": run.model,
        "prompt_kind": prompt.kind if prompt else "",
        "prompt_version": prompt.version if prompt else None,
        "force": run.force,
        "failures": list(failures.values("image_id", "outcome", "error")[:FAILURES_SHOWN]),
        "input_tokens": run.input_tokens,
        "output_tokens": run.output_tokens,
        "error": run.job.error,
        "created_at": run.created_at,
        "finished_at": run.job.finished_at,
    }
