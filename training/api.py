"""The JSON API of this room: datasets and trainings."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Router, Status

from gallery.caption_words import one_line
from gallery.models import Album
from generation.models import ModelVersion
from imagineer.accounts.permissions import ADMIN, is_admin_request
from imagineer.keyset import paginate
from imagineer.problems import invalid, not_found
from training.api_schemas import (
    DatasetIn,
    DatasetOut,
    DatasetPage,
    ItemPage,
    RunDetail,
    RunOut,
    RunPage,
    TrainingIn,
)
from training.datasets import freeze
from training.models import DatasetVersion, TrainingRun
from training.start import start_training

router = Router(tags=["training"])


# --- Datasets -----------------------------------------------------------------------------------


@router.get("/datasets", auth=ADMIN, response=DatasetPage, summary="Frozen datasets, newest first")
def datasets(request: HttpRequest, cursor: str | None = None) -> dict[str, Any]:
    page = paginate(DatasetVersion.objects.prefetch_related("albums"), cursor)
    return {"items": page.items, "next": page.next}


@router.post("/datasets", auth=ADMIN, response={201: DatasetOut}, summary="Freeze albums")
def add_dataset(request: HttpRequest, payload: DatasetIn) -> Status[DatasetVersion]:
    """The same pictures and captions under the same name give the version that is there."""
    name = one_line(payload.name)
    if not 1 <= len(name) <= 100:
        raise invalid("name", "Give the dataset a name of 1 to 100 characters.")
    return Status(201, freeze(name, _albums(payload.albums), request.user))


@router.get("/datasets/{dataset_id}", auth=ADMIN, response=DatasetOut, summary="A frozen dataset")
def dataset(request: HttpRequest, dataset_id: int) -> DatasetVersion:
    return _dataset(dataset_id)


@router.get(
    "/datasets/{dataset_id}/items",
    auth=ADMIN,
    response=ItemPage,
    summary="A dataset's pictures and captions, in order",
)
def dataset_items(
    request: HttpRequest, dataset_id: int, cursor: str | None = None
) -> dict[str, Any]:
    page = paginate(_dataset(dataset_id).items.all(), cursor, order=("index",))
    return {"items": page.items, "next": page.next}


def _dataset(dataset_id: int) -> DatasetVersion:
    found = DatasetVersion.objects.prefetch_related("albums").filter(pk=dataset_id).first()
    if found is None:
        raise not_found("dataset")
    return found


def _albums(ids: Sequence[int]) -> list[Album]:
    found = Album.objects.in_bulk(list(ids))
    for index, pk in enumerate(ids):
        if pk not in found:
            raise invalid(f"albums.{index}", f"There is no album with the id {pk}.")
    return list(found.values())


# --- Trainings ----------------------------------------------------------------------------------


@router.post("/training/start", auth=ADMIN, response={201: RunDetail}, summary="Train a LoRA")
def start(request: HttpRequest, payload: TrainingIn) -> Status[RunDetail]:
    """Train on albums, or on a frozen dataset. Follow or cancel it by its job."""
    dataset = None
    if payload.dataset is not None:
        dataset = DatasetVersion.objects.filter(pk=payload.dataset).first()
        if dataset is None:
            raise invalid("dataset", f"There is no dataset with the id {payload.dataset}.")
    run = start_training(
        name=payload.name,
        albums=_albums(payload.albums),
        dataset=dataset,
        trigger_word=payload.trigger_word,
        base_model=_base_model(payload.base_model),
        preset_name=payload.preset,
        values=payload.config.model_dump(exclude_none=True),
        is_public=payload.is_public,
        created_by=request.user,
    )
    return Status(201, RunDetail.of(run, admin=True))


@router.get("/training/runs", response=RunPage, summary="Trainings, newest first")
def runs(request: HttpRequest, cursor: str | None = None) -> dict[str, Any]:
    admin = is_admin_request(request)
    page = paginate(_runs(admin), cursor)
    return {"items": [RunOut.of(run, admin) for run in page.items], "next": page.next}


@router.get("/training/runs/{run_id}", response=RunDetail, summary="A training and its losses")
def run(request: HttpRequest, run_id: int) -> RunDetail:
    admin = is_admin_request(request)
    found = _runs(admin).prefetch_related("checkpoints").filter(pk=run_id).first()
    if found is None:
        raise not_found("training")
    return RunDetail.of(found, admin)


def _runs(admin: bool) -> QuerySet[TrainingRun]:
    found = TrainingRun.objects.all() if admin else TrainingRun.objects.public()
    return found.select_related("job", "base_model", "output_model").prefetch_related("albums")


def _base_model(pk: int | None) -> ModelVersion | None:
    if pk is None:
        return None
    found = ModelVersion.objects.filter(pk=pk, type=ModelVersion.Type.BASE, is_active=True).first()
    if found is None:
        raise invalid("base_model", f"There is no base model with the id {pk}.")
    return found
