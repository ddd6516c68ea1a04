"""The slow work of this room."""

import time
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

from gallery import (
    bulk,
    incoming,
    label_changes,
    label_steps,
    near_duplicates,
    ratings,
    resumable,
    tag_derivation,
    trash,
)
from gallery.album_sources import SourceRefused
from gallery.bulk import Change, ChangeRefused
from gallery.daily_sweep import OLDER_THAN
from gallery.import_album import Imported, Options, import_album, import_pictures
from gallery.incoming import Arrival
from gallery.models import Image, Rating
from gallery.sweep import sweep
from gallery.tag_models import LabelChange
from imagineer.jobs.models import Job
from imagineer.jobs.registry import JobContext, JobFailed, Partial, Result
from imagineer.jobs.submit import submit
from imagineer.words import thin

IMPORT = "gallery.import_album"
_LOOK_AGAIN_SECONDS = 0.2


def submit_import(
    path: Path,
    name: str,
    *,
    created_by: Any = None,
    caption_prefix: str = "",
    is_public: bool = True,
    **options: Any,
) -> Job:
    """Ask for an import of a folder or archive on the server. options: as submit() takes them."""
    return submit(
        IMPORT,
        title=f"Import of {name}",
        params={
            "path": str(path.resolve()),
            "album": name,
            "caption_prefix": caption_prefix,
            "is_public": is_public,
        },
        created_by=created_by,
        **options,
    )


def submit_upload(
    arrival: Arrival,
    *,
    album: str = "",
    is_public: bool = True,
    rating: str = Rating.UNRATED,
    created_by: Any = None,
) -> Job:
    """Ask for taking in uploaded files that the storage keeps; album: a name, empty for none."""
    first = arrival.files[0].name
    others = f" and {thin(len(arrival.files) - 1)} more" if len(arrival.files) > 1 else ""
    return submit(
        IMPORT,
        title=f"Upload of {first[:100]}{others}",
        params={
            "incoming": arrival.params(),
            "album": album,
            "is_public": is_public,
            "rating": rating,
        },
        created_by=created_by,
    )


def run_import(context: JobContext) -> Result:
    """params: path or incoming, album, caption_prefix (""), is_public (True), rating (UNRATED).

    Safe to run again.
    """
    params = context.job.params
    options = Options(
        album=params["album"],
        created_by=context.job.created_by,
        caption_prefix=params.get("caption_prefix", ""),
        is_public=params.get("is_public", True),
        rating=params.get("rating", Rating.UNRATED),
        source_type=Image.Source.UPLOAD if "incoming" in params else Image.Source.IMPORTED,
    )
    try:
        if "incoming" in params:
            with incoming.opened(params["incoming"]) as sources:
                imported = import_pictures(sources, options, context.progress)
        else:
            imported = import_album(Path(params["path"]), options, context.progress)
    except SourceRefused as refused:
        raise JobFailed(str(refused)) from refused
    for name, sentence in imported.refused:
        context.log(f"{name}: {sentence}", "warning")
    return _result(imported)


def forget_incoming(job: Job) -> None:
    """Remove the uploaded files that an import has taken in."""
    incoming.discard(job.params.get("incoming", ()))


def _result(imported: Imported) -> Result:
    refused = len(imported.refused)
    total = refused + imported.added + imported.known
    if not total:
        raise JobFailed("There are no pictures in what was uploaded.")
    if refused == total:
        name, sentence = imported.refused[0]
        raise JobFailed(f"None of the {total} files could be imported. {name}: {sentence}")
    result = {
        "album": imported.album.pk if imported.album else None,
        "added": imported.added,
        "known": imported.known,
        "captions": imported.captions,
        "refused": refused,
    }
    if refused:
        return Partial(result, f"{refused} of {total} files were left out; the log says why.")
    return result


def run_change(context: JobContext) -> Result:
    """params: those of bulk.Change, images (as ranges), behind (a job's id). Safe to run again."""
    params = context.job.params
    change = Change(**{field.name: params[field.name] for field in fields(Change)})
    while Job.objects.unended().filter(pk=params.get("behind")).exists():
        context.check_cancelled()
        time.sleep(_LOOK_AGAIN_SECONDS)
    chosen = bulk.from_ranges(params["images"])
    try:
        changed = bulk.apply(
            change,
            chosen,
            changed_by=context.job.created_by,
            report=lambda done, total: context.progress(
                done, total, f"{thin(done)} of {bulk.counted(total)}"
            ),
        )
    except ChangeRefused as refused:
        raise JobFailed(str(refused)) from refused
    context.log(bulk.told(change, len(chosen), changed))
    return {"pictures": len(chosen), "changed": changed, "album": change.album or change.leaving}


def run_find_near_duplicates(context: JobContext) -> Result:
    """params: after (compare images with higher ids). Safe to run again."""
    pairs, newest = near_duplicates.find(context.job.params.get("after", 0), context.progress)
    return {"pairs": pairs, "newest": newest}


def run_empty_trash(context: JobContext) -> Result:
    """params: before (what went into the trash later stays). Safe to run again."""
    before = datetime.fromisoformat(context.job.params["before"])
    total = trash.inside().filter(deleted_at__lte=before).count()
    deleted = trash.purge(
        before,
        lambda done: context.progress(done, total, f"{thin(done)} of {bulk.counted(total)}"),
    )
    context.log(f"{bulk.counted(deleted)} deleted for good.")
    return {"deleted": deleted}


def run_derive_tags(context: JobContext) -> Result:
    """params: tags (ids whose pictures are read anew). Safe to run again."""
    pictures = tag_derivation.derive(
        context.job.params["tags"],
        lambda done, total: context.progress(done, total, f"{thin(done)} of {bulk.counted(total)}"),
    )
    return {"pictures": pictures}


def run_change_labels(context: JobContext) -> Result:
    """params: change (the id of a LabelChange), undo (False). Safe to run again."""
    params = context.job.params
    change = LabelChange.objects.filter(pk=params["change"]).first()
    if change is None:
        raise JobFailed("What was asked for is not known any more; ask for it again.")
    if params.get("undo"):
        total = change.steps.count()
        label_steps.undo(
            change,
            lambda done: context.progress(done, total, f"{thin(done)} of {thin(total)} steps"),
        )
        context.log("All is as it was before the change.")
        return {"change": change.pk, "undone": True}
    if change.undone_at is not None:
        raise JobFailed("This change was undone; ask for it again.")
    pictures = label_changes.run(
        change,
        lambda done, total: context.progress(done, total, f"{thin(done)} of {bulk.counted(total)}"),
    )
    context.log(f"{bulk.counted(pictures)} changed.")
    return {"change": change.pk, "pictures": pictures}


def run_sweep(context: JobContext) -> Result:
    """Empty the trash of what is old, and remove what killed processes left. Safe to run again."""
    purged = trash.purge(trash.due(), lambda deleted: context.check_cancelled())
    if purged:
        context.log(f"Deleted {purged} pictures that had been in the trash long enough.")
    aligned = ratings.align_veils(check=context.check_cancelled)
    if aligned:
        context.log(f"{aligned} pictures follow the setting VEIL_UNRATED now.")
    label_steps.forget_old(check=context.check_cancelled)
    if near_duplicates.is_due():
        near_duplicates.submit_find()
    to_come = Job.objects.unended().filter(params__has_key="incoming")
    wanted = to_come.values_list("params", flat=True)
    incoming.remove_old([each for params in wanted for each in params["incoming"]])
    resumable.remove_old()
    swept = sweep(OLDER_THAN, report=context.progress)
    for name in swept.removed:
        context.log(f"Removed {name}, which no picture names.")
    return {
        "removed": len(swept.removed),
        "kept": swept.kept,
        "waiting": swept.waiting,
        "purged": purged,
        "aligned": aligned,
    }
