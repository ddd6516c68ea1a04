"""Labeling over HTTP: ask for labels, see how far a request has come, and have it go on."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.db.models import Count
from django.http import HttpRequest
from ninja import Field, Router, Schema

from gallery.caption_words import LONGEST_TRIGGER
from gallery.models import Album, Image
from gallery.schemas import Id, SearchText
from imagineer.accounts.permissions import ADMIN
from imagineer.inputs import Flag, In
from imagineer.keyset import paginate
from imagineer.problems import not_found
from imagineer.texts import Line, Text
from labeling import api_captions, api_review
from labeling.labelers import LabelerKind, default_labeler, known
from labeling.models import LabelingItem, LabelingRun
from labeling.runs import retry_run, start_run

router = Router(tags=["labeling"])
router.add_router("", api_captions.router)
router.add_router("", api_review.router)
FAILURES_SHOWN = 50
Outcome = LabelingItem.Outcome


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
    trigger_word: Line = Field(
        default="",
        max_length=LONGEST_TRIGGER,
        description="Put before every caption that does not say it; what it stands for is not "
        "described.",
    )
    include_context: Flag = Field(
        default=True,
        description="Tell the labeler of the album and of the page that an image comes from.",
    )
    force: Flag = Field(
        default=False,
        description="Also label images that the labeler, with this prompt, has labelled before.",
    )
    use_batches: Flag = Field(
        default=False, description="Ask in batches: half the price, and answers within a day."
    )


class SearchLabelingIn(LabelingIn):
    q: Annotated[SearchText, Field(description="As in the search field, for example “tag:fox”.")]


class RetryIn(In):
    refused: Flag = Field(
        default=False, description="Also ask again about the images that were refused."
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


class TaskRow(Schema):
    """id is the job's id; the counts add up to total. The prompt is empty where none is read.

    input_tokens are those that no cache had; cost_usd is what has been paid for so far.
    """

    id: UUID
    status: str
    image_id: int | None
    album_id: int | None
    search: str
    labeler: str
    model: str
    prompt_kind: str
    prompt_version: int | None
    trigger_word: str
    include_context: bool
    force: bool
    use_batches: bool
    total: int
    pending: int
    done: int
    skipped: int
    refused: int
    failed: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: float
    error: str
    created_at: datetime
    finished_at: datetime | None


class TaskOut(TaskRow):
    failures: list[FailureOut]


class TaskList(Schema):
    items: list[TaskRow]
    next: str | None


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


def label_image(request: HttpRequest, image_id: Id, payload: LabelingIn | None = None) -> Any:
    """Have one image labelled."""
    if not Image.objects.filter(pk=image_id).exists():
        raise not_found("image")
    asked = payload or LabelingIn()
    return 202, task_out(start_run([image_id], **asked.dict(), created_by=request.user))


def label_album(request: HttpRequest, album_id: Id, payload: LabelingIn | None = None) -> Any:
    """Have all images of an album labelled."""
    album = Album.objects.filter(pk=album_id).first()
    if album is None:
        raise not_found("album")
    asked = payload or LabelingIn()
    return 202, task_out(start_run(album=album, **asked.dict(), created_by=request.user))


# Each stands twice: among the labelings, and with what is labelled.
for path, name, view in (
    ("/labeling/image/{image_id}", "label_image", label_image),
    ("/images/{image_id}/label", "label_this_image", label_image),
    ("/labeling/album/{album_id}", "label_album", label_album),
    ("/albums/{album_id}/label", "label_this_album", label_album),
):
    router.post(path, auth=ADMIN, response={202: TaskOut}, operation_id=name)(view)


@router.post("/labeling/search", auth=ADMIN, response={202: TaskOut})
def label_search(request: HttpRequest, payload: SearchLabelingIn) -> Any:
    """Have all images labelled that a search finds now, at most 10 000."""
    asked = payload.dict(exclude={"q"})
    return 202, task_out(start_run(search=payload.q, **asked, created_by=request.user))


@router.get("/labeling/tasks", auth=ADMIN, response=TaskList)
def labeling_tasks(request: HttpRequest, cursor: str | None = None) -> Any:
    """All labeling requests, the newest first."""
    page = paginate(LabelingRun.objects.select_related("job", "prompt"), cursor)
    counts = _counts(page.items)
    return {"items": [_row(run, counts[run.pk]) for run in page.items], "next": page.next}


@router.get("/labeling/task/{task_id}", auth=ADMIN, response=TaskOut)
def labeling_task(request: HttpRequest, task_id: UUID) -> Any:
    """How far a labeling request has come."""
    return task_out(_find(task_id))


@router.post("/labeling/task/{task_id}/retry", auth=ADMIN, response={202: TaskOut})
def retry_labeling(request: HttpRequest, task_id: UUID, payload: RetryIn | None = None) -> Any:
    """Go on with the images that failed or were not reached; what is done is kept."""
    retry_run(_find(task_id), with_refused=payload is not None and payload.refused)
    return 202, task_out(_find(task_id))


def _find(task_id: UUID) -> LabelingRun:
    runs = LabelingRun.objects.select_related("job", "prompt", "album")
    run = runs.filter(job_id=task_id).first()
    if run is None:
        raise not_found("labeling task")
    return run


def task_out(run: LabelingRun) -> dict[str, Any]:
    failures = run.items.filter(outcome__in=(Outcome.FAILED, Outcome.REFUSED))
    told = list(failures.values("image_id", "outcome", "error")[:FAILURES_SHOWN])
    return _row(run, run.counts()) | {"failures": told}


_COLUMNS = (
    "image_id", "album_id", "search", "labeler", "model", "trigger_word", "include_context",
    "force", "use_batches", "input_tokens", "output_tokens", "cache_read_tokens",
    "cache_write_tokens", "cost_usd", "created_at",
)  # fmt: skip


def _row(run: LabelingRun, counts: dict[str, int]) -> dict[str, Any]:
    prompt = run.told_prompt
    return (
        counts
        | {name: getattr(run, name) for name in _COLUMNS}
        | {
            "id": run.job_id,
            "status": run.job.status,
            "prompt_kind": prompt.kind if prompt else "",
            "prompt_version": prompt.version if prompt else None,
            "error": run.job.error,
            "finished_at": run.job.finished_at,
        }
    )


def _counts(runs: Iterable[LabelingRun]) -> dict[int, dict[str, int]]:
    """What :meth:`LabelingRun.counts` says, for many runs in one query."""
    ids = [run.pk for run in runs]
    found = {pk: dict.fromkeys(Outcome.values, 0) | {"total": 0} for pk in ids}
    rows = LabelingItem.objects.filter(run__in=ids).order_by()
    for row in rows.values("run_id", "outcome").annotate(number=Count("id")):
        counts = found[row["run_id"]]
        counts[row["outcome"]] = row["number"]
        counts["total"] += row["number"]
    return found
