"""Changing who may see a picture: its rating, and whether it is public.

Until an admin decides on a rating, it is the sternest word that labelers have said (Claude, the
local one, what was imported: labels of the kind rating that are not by hand). Whoever changes such
words does so through :func:`settle_rating`, so that words and rating change in one transaction. An
admin's decision (:func:`decide`) ends their say; deciding on "unrated" gives it back to them.

Addresses of renditions are cached by browsers and proxies for a year, so a change that closes a
picture must also end its old addresses: the files get new random keys.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.core.files.storage import default_storage
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from gallery import image_index, renditions
from gallery.models import NSFW_RATINGS, Image, Label, Rating, is_veiled, random_key

logger = logging.getLogger(__name__)
# From harmless to not; that nobody has rated it is less than any word.
SEVERITY = (Rating.UNRATED, Rating.SAFE, Rating.SUGGESTIVE, Rating.ADULT, Rating.EXPLICIT)
_ATTEMPTS = 12
_PART = 500
_CHANGING = (
    "rating", "is_nsfw", "is_veiled", "rating_decided_at", "rating_decided_by_id", "is_public",
    "exposure", "sharp_key", "blurred_key",
)  # fmt: skip
# PostgreSQL gives up one of two transactions that wait for each other: it is made again.
_DEADLOCK = "40P01"


def sternest(ratings: Iterable[str]) -> str:
    """The severest of the words; UNRATED for none. Words that are no ratings are passed over."""
    known = [Rating(rating) for rating in ratings if rating in Rating.values]
    return max(known, key=SEVERITY.index, default=Rating.UNRATED).value


def said_by_labelers(image: Image) -> list[str]:
    """The ratings that anyone but an admin has said of it."""
    words = Label.objects.filter(image=image, kind=Label.Kind.RATING)
    return list(words.exclude(source=Label.Source.MANUAL).values_list("text", flat=True))


def nothing() -> None:
    """What is written beside a change, if nothing is."""


def change_rating(images: Iterable[Image], rating: str, decided_by: Any = None) -> int:
    """As decide() for each; how many had another rating, or none that was decided on."""
    rating = Rating(rating).value
    return sum(decide(image, rating, by=decided_by) for image in images)


def decide(
    image: Image, rating: str, *, by: Any = None, write: Callable[[], None] = nothing
) -> bool:
    """An admin decides: what labelers say no longer changes the rating. False: it was so before.

    UNRATED takes a decision back: the sternest word of the labelers counts again. write() is done
    in the same transaction, at times again after it was rolled back. The picture gets new sharp
    addresses; that moves files, so call it outside transactions. Raises ValueError for a word that
    is no rating.
    """
    rating = Rating(rating).value
    now = timezone.now()

    def wanted(row: Image, _: Iterable[str]) -> _State:
        before = _state(row)
        if rating == Rating.UNRATED:
            words = sternest(said_by_labelers(row))
            return replace(before, rating=words, decided_at=None, decided_by=None)
        if before.decided_at is not None and before.rating == rating:
            return before
        return replace(before, rating=rating, decided_at=now, decided_by=getattr(by, "pk", None))

    return _change(image, wanted, write)


@dataclass(frozen=True)
class Decision:
    """A rating as it stood. decided_by: a user's id; decided_at: None if nobody had decided."""

    rating: str
    decided_at: datetime | None
    decided_by: int | None


def decision_on(image: Image) -> Decision:
    return Decision(image.rating, image.rating_decided_at, image.rating_decided_by_id)


def put_back(image: Image, before: Decision, *, write: Callable[[], None] = nothing) -> bool:
    """Let the image be rated as it was, with write(), as decide() does.

    Where nobody had decided, the sternest word of the labelers counts, also what they said since.
    """

    def wanted(row: Image, _: Iterable[str]) -> _State:
        now = _state(row)
        if before.decided_at is None:
            words = sternest(said_by_labelers(row))
            return replace(now, rating=words, decided_at=None, decided_by=None)
        return replace(
            now,
            rating=before.rating,
            decided_at=before.decided_at,
            decided_by=before.decided_by,
        )

    return _change(image, wanted, write)


def settle_rating(
    image: Image, write: Callable[[], None] = nothing, *, expected: Iterable[str] = ()
) -> bool:
    """Do write() and let the rating follow what labelers then say, all in one transaction.

    write may change any labels of the image; at times it is done again after it was rolled back.
    expected: ratings that it is about to say, so that files are copied before the transaction
    begins; with others all comes out the same, more slowly. Moves files, so call it outside
    transactions. False if the image is gone: then nothing is written.
    """
    there = False

    def write_there() -> None:
        nonlocal there
        there = True
        write()

    def wanted(row: Image, more: Iterable[str]) -> _State:
        before = _state(row)
        if before.decided_at is not None:
            return before
        return replace(before, rating=sternest([*said_by_labelers(row), *more]))

    _change(image, wanted, write_there, tuple(expected))
    return there


def change_visibility(images: Iterable[Image], is_public: bool) -> int:
    """Open the images to visitors or close them; closing ends all their addresses."""

    def wanted(row: Image, _: Iterable[str]) -> _State:
        return replace(_state(row), is_public=is_public)

    return sum(_change(image, wanted) for image in images)


def align_veils(check: Callable[[], None] = lambda: None) -> int:
    """Let unrated pictures follow a changed setting VEIL_UNRATED; how many did not.

    check is called between pictures; what it raises passes.
    """
    aligned = 0
    for source in Image.Source.values:
        wanted = is_veiled(Rating.UNRATED, source)
        while True:
            apart = Image.everything.filter(
                rating=Rating.UNRATED, source_type=source, is_veiled=not wanted
            )
            part = list(apart.order_by("pk")[:_PART])
            if not part:
                break
            for image in part:
                check()
                _change(image, lambda row, _: _state(row))
            aligned += len(part)
    return aligned


# --- One change ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _State:
    """What decides who sees an image, and how that came."""

    rating: str
    is_public: bool
    decided_at: datetime | None
    decided_by: int | None


_Wanted = Callable[[Image, Iterable[str]], _State]


def _state(row: Image) -> _State:
    return _State(row.rating, row.is_public, row.rating_decided_at, row.rating_decided_by_id)


def _moves(row: Image, after: _State) -> bool:
    """Whether somebody sees the picture otherwise than before, so that its addresses must end."""
    return (row.rating, row.is_public, row.is_veiled) != (
        after.rating, after.is_public, is_veiled(after.rating, row.source_type),
    )  # fmt: skip


@dataclass
class _Files:
    """Renditions copied to new names: for a row with these keys, and for closing it or not."""

    row_keys: tuple[str, str] = ("", "")
    closes: bool = False
    sharp_key: str = ""
    blurred_key: str = ""
    moved: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def copied(cls, row: Image, after: _State) -> "_Files":
        closes = row.is_public and not after.is_public
        sharp, blurred = random_key(), random_key() if closes else row.blurred_key
        pairs = zip(
            renditions.names_of(row.sha256, row.width, row.sharp_key, row.blurred_key),
            renditions.names_of(row.sha256, row.width, sharp, blurred),
            strict=True,
        )
        files = cls((row.sharp_key, row.blurred_key), closes, sharp, blurred)
        try:
            for before, name in pairs:
                if before != name:
                    files.moved.append((before, name))
                    _copy(before, name)
        except BaseException:
            files.drop()
            raise
        return files

    def fit(self, row: Image, after: _State) -> bool:
        closes = row.is_public and not after.is_public
        return self.row_keys == (row.sharp_key, row.blurred_key) and self.closes == closes

    def keep(self) -> None:
        """The row names the new files."""
        for before, _ in self.moved:
            default_storage.delete(before)
        self.moved = []

    def drop(self) -> None:
        """No row names the new files."""
        for _, name in self.moved:
            default_storage.delete(name)
        self.moved = []


class _FilesMissing(Exception):
    """The row changes so that it needs other files than those that were copied."""

    def __init__(self, row: Image, after: _State) -> None:
        super().__init__()
        self.row, self.after = row, after


def _change(
    image: Image,
    wanted: _Wanted,
    write: Callable[[], None] = nothing,
    expected: tuple[str, ...] = (),
) -> bool:
    """Files first; then, in one transaction, write() and the row; then the old files.

    wanted(row, more ratings) says what the row should be; it is asked again under the row's lock,
    behind which whoever adds a label waits. False if all was so, or the image is gone.
    """
    files = _Files()
    row = Image.everything.filter(pk=image.pk).first()
    if row is not None and _moves(row, after := wanted(row, expected)):
        files = _Files.copied(row, after)
    for _ in range(_ATTEMPTS):
        try:
            with transaction.atomic():
                changed, moved = _write_row(image.pk, wanted, write, files)
        except _FilesMissing as missing:
            files.drop()
            files = _Files.copied(missing.row, missing.after)
            continue
        except OperationalError as error:
            if connection.in_atomic_block or _code(error) != _DEADLOCK:
                files.drop()
                raise
            continue
        except BaseException:
            files.drop()
            raise
        if moved:
            files.keep()
        else:
            files.drop()
        _refresh(image)
        return changed
    files.drop()
    raise RuntimeError(f"Image {image.pk} is being changed by somebody else all the time.")


def _write_row(
    pk: int, wanted: _Wanted, write: Callable[[], None], files: _Files
) -> tuple[bool, bool]:
    """(whether the row changed, whether it names the new files now). Raises _FilesMissing."""
    row = Image.everything.select_for_update().filter(pk=pk).first()
    if row is None:
        return False, False
    write()
    after = wanted(row, ())
    moves = _moves(row, after)
    if moves and not files.fit(row, after):
        raise _FilesMissing(row, after)
    if not moves and after == _state(row):
        return False, False
    keys = {"sharp_key": files.sharp_key, "blurred_key": files.blurred_key} if moves else {}
    Image.everything.filter(pk=pk).update(
        rating=after.rating,
        is_nsfw=after.rating in NSFW_RATINGS,
        is_veiled=is_veiled(after.rating, row.source_type),
        rating_decided_at=after.decided_at,
        rating_decided_by=after.decided_by,
        is_public=after.is_public,
        **keys,
    )
    image_index.refresh([pk])
    return True, moves


def _code(error: OperationalError) -> str:
    return str(getattr(error.__cause__, "sqlstate", ""))


def _refresh(image: Image) -> None:
    """What the caller holds is the row as it is now."""
    fresh = Image.everything.filter(pk=image.pk).first()
    if fresh is not None:
        for name in _CHANGING:
            setattr(image, name, getattr(fresh, name))


def _copy(before: str, after: str) -> None:
    try:
        renditions.copy(before, after)
    except FileNotFoundError:
        # Nothing to show under the new address either, until ``sweep_files --repair``.
        logger.warning("The rendition %s is missing", before)
