"""The job that reads an album's captions from uploaded files."""

from collections.abc import Sequence
from typing import Any

from gallery import incoming
from gallery.album_sources import SourceRefused
from gallery.incoming import Arrival
from gallery.models import Album
from gallery.uploads import File, is_archive
from imagineer.jobs.models import Job
from imagineer.jobs.registry import JobContext, JobFailed, Partial, Result
from imagineer.jobs.submit import submit
from labeling.caption_files import CaptionFileRefused
from labeling.import_captions import check, import_captions

KIND = "labeling.import_captions"
NAMED_AT_MOST = 200


def submit_caption_import(
    album: Album, files: Sequence[Any], *, choose: bool, created_by: Any
) -> Job:
    """Ask for the import of files (as Django's UploadedFile) that are looked at here and now.

    Raises CaptionFileRefused, SourceRefused; then nothing is kept.
    """
    arrival = Arrival()
    try:
        for file in files:
            archive = _is_archive(file)
            arrival.keep(file.name or "file", file, is_archive=archive)
        with incoming.opened(arrival.params()) as sources:
            check(sources)
        return submit(
            KIND,
            title=f"Captions for {album.name}",
            params={"album": album.pk, "incoming": arrival.params(), "choose": choose},
            created_by=created_by,
        )
    except BaseException:
        arrival.drop()
        raise


def _is_archive(file: File) -> bool:
    first = file.read(4)
    file.seek(0)  # type: ignore[attr-defined]
    return is_archive(first)


def run(context: JobContext) -> Result:
    """params: album (its id), incoming, choose. Safe to run again."""
    params = context.job.params
    album = Album.objects.filter(pk=params["album"]).first()
    if album is None:
        raise JobFailed("The album was deleted meanwhile; nothing was imported.")
    try:
        with incoming.opened(params["incoming"]) as sources:
            imported = import_captions(
                sources,
                album,
                choose=params["choose"],
                created_by=context.job.created_by,
                report=context.progress,
            )
    except (SourceRefused, CaptionFileRefused) as refused:
        raise JobFailed(str(refused)) from refused
    for sentence in imported.refused[:NAMED_AT_MOST]:
        context.log(sentence, "warning")
    for name in imported.unmatched[:NAMED_AT_MOST]:
        context.log(f"{name}: no picture of the album, or more than one, has this name.", "warning")
    result = {
        "album": album.pk,
        "matched": imported.matched,
        "captions": imported.captions,
        "tags": imported.tags,
        "ratings": imported.ratings,
        "unmatched": len(imported.unmatched),
        "refused": len(imported.refused),
    }
    left = len(imported.unmatched) + len(imported.refused)
    if not imported.matched:
        raise JobFailed("No file names a picture of the album; the log has the names.")
    if left:
        return Partial(result, f"{left} entries were left out; the log says which.")
    return result


def forget_incoming(job: Job) -> None:
    """Remove the uploaded files once they are read."""
    incoming.discard(job.params.get("incoming", ()))
