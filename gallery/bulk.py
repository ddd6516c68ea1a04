"""One change of many pictures: in the request where they are few, by a job where they are many."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import IntegrityError, models, transaction

from gallery import albums, ratings, trash
from gallery.models import Album, Image, Rating
from imagineer.jobs.models import Job
from imagineer.jobs.submit import submit
from imagineer.words import thin

KIND = "gallery.change_images"
# A change of rating moves up to eight files a picture; so many are done before one looks up.
AT_ONCE = 200
AT_MOST = 100_000
_PART = 100
# A database takes so many parameters at once.
_ASKED = 1000


class Action(models.TextChoices):
    ADD_TO_ALBUM = "add_to_album", "Add to an album"
    MOVE_TO_ALBUM = "move_to_album", "Move to an album"
    REMOVE_FROM_ALBUM = "remove_from_album", "Remove from an album"
    SET_RATING = "set_rating", "Rate"
    MAKE_PUBLIC = "make_public", "Make public"
    MAKE_PRIVATE = "make_private", "Make private"
    DELETE = "delete", "Move to the trash"
    RESTORE = "restore", "Take out of the trash"


class ChangeRefused(Exception):
    """The change cannot be made (any more); the text is the sentence for people."""


@dataclass(frozen=True)
class Change:
    """What is done to each picture. album: where to, leaving: where from; ids of albums."""

    action: str
    album: int | None = None
    leaving: int | None = None
    rating: str = ""


Report = Callable[[int, int], None]


def apply(
    change: Change,
    image_ids: Sequence[int],
    *,
    changed_by: Any = None,
    report: Report = lambda done, total: None,
) -> int:
    """Make the change, part by part in the given order; how many pictures were not so before.

    report(done, total) is called between parts and may raise to stop; what was done stays, and the
    same call made again does the rest. Raises ChangeRefused if an album is gone.
    """
    step = _step(change, changed_by)
    changed = 0
    for start in range(0, len(image_ids), _PART):
        report(start, len(image_ids))
        try:
            changed += step(image_ids[start : start + _PART])
        except (IntegrityError, Album.DoesNotExist) as error:
            raise ChangeRefused(
                "An album or a picture was deleted meanwhile; the rest was left as it was."
            ) from error
    report(len(image_ids), len(image_ids))
    return changed


def _step(change: Change, changed_by: Any) -> Callable[[Sequence[int]], int]:
    """What is done to one part."""
    action = Action(change.action)
    if action == Action.SET_RATING:
        return lambda part: rate(part, change.rating)
    if action in (Action.MAKE_PUBLIC, Action.MAKE_PRIVATE):
        return lambda part: publish(part, action == Action.MAKE_PUBLIC)
    if action == Action.DELETE:
        return lambda part: trash.move_to_trash(part, deleted_by=changed_by)
    if action == Action.RESTORE:
        return trash.restore
    leaving = None if change.leaving is None else _album(change.leaving)
    if action == Action.REMOVE_FROM_ALBUM:
        assert leaving is not None
        return lambda part: albums.remove_many(leaving, part)
    album = _album(change.album)
    if action == Action.ADD_TO_ALBUM:
        return lambda part: albums.put_many(album, _still_there(part), added_by=changed_by)
    assert leaving is not None
    return lambda part: _move(leaving, album, part, changed_by)


def _album(pk: int | None) -> Album:
    found = None if pk is None else Album.objects.filter(pk=pk).first()
    if found is None:
        raise ChangeRefused("The album was deleted meanwhile; nothing was changed.")
    return found


def _still_there(image_ids: Sequence[int]) -> list[int]:
    live = existing(image_ids, Image.objects.all())
    return [pk for pk in image_ids if pk in live]


def existing(image_ids: Sequence[int], among: models.QuerySet[Image]) -> set[int]:
    """Those of the ids that are among the images; any number of them."""
    found: set[int] = set()
    for start in range(0, len(image_ids), _ASKED):
        part = among.filter(pk__in=image_ids[start : start + _ASKED])
        found.update(part.order_by().values_list("pk", flat=True))
    return found


def _move(leaving: Album, album: Album, image_ids: Sequence[int], moved_by: Any) -> int:
    """Both or neither, so that no picture is lost between two albums."""
    with transaction.atomic():
        inside = set(leaving.images.filter(pk__in=image_ids).values_list("pk", flat=True))
        moving = [pk for pk in image_ids if pk in inside]
        albums.put_many(album, moving, added_by=moved_by)
        return albums.remove_many(leaving, moving)


def rate(image_ids: Sequence[int], rating: str) -> int:
    """Change the ratings that differ; how many did."""
    return ratings.change_rating(
        Image.objects.filter(pk__in=image_ids).exclude(rating=rating), rating
    )


def publish(image_ids: Sequence[int], is_public: bool) -> int:
    """Open or close the pictures that are not so already; how many changed."""
    differing = Image.objects.filter(pk__in=image_ids).exclude(is_public=is_public)
    return ratings.change_visibility(differing, is_public)


def submit_change(
    change: Change, image_ids: Sequence[int], *, created_by: Any = None, **more: Any
) -> Job:
    """Ask for a change by a job; apply() says what becomes of them. more: further params."""
    return submit(
        KIND,
        title=f"{Action(change.action).label}: {counted(len(image_ids))}",
        params={**asdict(change), "images": to_ranges(image_ids), **more},
        created_by=created_by,
    )


def counted(number: int) -> str:
    """ "1 picture", "12 pictures"."""
    return f"{thin(number)} picture{'' if number == 1 else 's'}"


def told(change: Change, total: int, changed: int) -> str:
    """What was done, in a sentence."""
    album, leaving = f"“{_name(change.album)}”", f"“{_name(change.leaving)}”"
    match Action(change.action):
        case Action.ADD_TO_ALBUM:
            known = total - changed
            rest = f"; {counted(known)} {'was' if known == 1 else 'were'} in it before"
            return f"{counted(changed)} added to {album}{rest if known else ''}."
        case Action.MOVE_TO_ALBUM:
            return f"{counted(changed)} moved from {leaving} to {album}."
        case Action.REMOVE_FROM_ALBUM:
            return f"{counted(changed)} removed from {leaving}. They stay in the gallery."
        case Action.SET_RATING:
            return f"{counted(changed)} rated {Rating(change.rating).label.lower()}."
        case Action.MAKE_PUBLIC:
            return f"{counted(changed)} made public."
        case Action.MAKE_PRIVATE:
            return f"{counted(changed)} made private."
        case Action.DELETE:
            return f"{counted(changed)} moved to the trash."
        case Action.RESTORE:
            return f"{counted(changed)} taken out of the trash."


def _name(album: int | None) -> str:
    found = None if album is None else Album.objects.filter(pk=album).first()
    return "an album that is gone" if found is None else found.name


def to_ranges(image_ids: Iterable[int]) -> str:
    """Ids in their order, runs of neighbours in short: "9-7,3,12-14"."""
    return ",".join(
        str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in _runs(image_ids)
    )


def _runs(image_ids: Iterable[int]) -> Iterator[list[int]]:
    run: list[int] = []
    for pk in image_ids:
        step = pk - run[-1] if run else 0
        if run and (abs(step) != 1 or (len(run) > 1 and step != run[-1] - run[-2])):
            yield run
            run = []
        run.append(pk)
    if run:
        yield run


def from_ranges(text: str) -> list[int]:
    """The ids that to_ranges() wrote. Raises ValueError for another text."""
    ids: list[int] = []
    for start, end in _ends(text):
        ids += range(start, end + 1) if start <= end else range(start, end - 1, -1)
    return ids


def number_in_ranges(text: str) -> int:
    """How many ids from_ranges() would give, without making them. Raises ValueError."""
    return sum(abs(end - start) + 1 for start, end in _ends(text))


def _ends(text: str) -> Iterator[tuple[int, int]]:
    for part in text.split(",") if text else ():
        first, _, last = part.partition("-")
        yield int(first), int(last or first)
