"""What lists and searches read of an image: its tags, and the document that is searched.

Whoever changes an image's labels, albums, models, texts or exposure calls :func:`refresh` in the
same transaction, as does whoever changes what tags mean or takes one off. It works from the rows
alone, so calling it again changes nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from django.db import connection, transaction

from gallery import label_facts, search_facts, search_names, tag_names
from gallery.image_tags import TAG_KINDS, rules_of, spoken_of
from gallery.models import Exposure, Image, ImageTag, Label, SearchDocument
from gallery.search_words import texts, token_of, tsvector
from gallery.tags import normalised

_CHUNK = 200
_COLUMNS = ("words", "veiled_words", "facts")
_put_off: ContextVar[set[int] | None] = ContextVar("put_off", default=None)


@contextmanager
def once() -> Iterator[None]:
    """What is to be refreshed within it is refreshed at its end, each image once and all together.

    For many small changes in one transaction, which must go around it: what a list or search reads
    is then as old as the rest of the database, whenever the process dies.
    """
    assert connection.in_atomic_block, (
        "Whatever ends between would leave images that are not found."
    )
    ids: set[int] = set()
    token = _put_off.set(ids)
    try:
        yield
    finally:
        _put_off.reset(token)
    refresh(ids)


def refresh(image_ids: Iterable[int]) -> None:
    """Write tags and documents of these images anew; of one in the trash nothing is found."""
    if (put_off := _put_off.get()) is not None:
        put_off.update(image_ids)
        return
    wanted = sorted(set(image_ids))
    for start in range(0, len(wanted), _CHUNK):
        with transaction.atomic():
            _refresh(wanted[start : start + _CHUNK])


def add(image: Image) -> None:
    """Write the document of an image whose row is new: nothing can speak of it yet."""
    if (put_off := _put_off.get()) is not None:
        put_off.add(image.pk)
        return
    _put_documents([_document(image, [], [], [], {}, [])])


def refresh_missing(report: Callable[[int], None] = lambda done: None) -> int:
    """Write what images without a document lack; how many there were."""
    done, last = 0, 0
    while True:
        missing = Image.objects.filter(searchdocument__isnull=True, pk__gt=last).order_by("pk")
        pks = list(missing.values_list("pk", flat=True)[:_CHUNK])
        if not pks:
            return done
        refresh(pks)
        last, done = pks[-1], done + len(pks)
        report(done)


def _refresh(pks: Sequence[int]) -> None:
    images = list(
        Image.everything.filter(pk__in=pks).only(
            "prompt",
            "original_name",
            "rating",
            "rating_decided_at",
            "source_type",
            "exposure",
            "is_veiled",
        )
    )
    labels: dict[int, list[Label]] = defaultdict(list)
    for label in Label.objects.filter(image__in=pks).order_by("pk"):
        labels[label.image_id].append(label)
    spoken = spoken_of({image.pk: labels[image.pk] for image in images})
    rules = rules_of(spoken.values())
    carried = {pk: words.carried(rules) for pk, words in spoken.items()}
    tag_ids = _write_tags(carried)
    owners: dict[str, dict[int, list[int]]] = {}
    for named in search_names.registered():
        found: dict[int, list[int]] = defaultdict(list)
        for image_id, owner_id in named.members(pks):
            found[image_id].append(owner_id)
        owners[named.key] = found
    told = search_facts.told(pks)
    _write_documents(
        [
            _document(
                image,
                _texts(labels[image.pk], spoken[image.pk].standing(rules), carried[image.pk]),
                labels[image.pk],
                tag_ids[image.pk],
                {key: sorted(found.get(image.pk, ())) for key, found in owners.items()},
                told.get(image.pk, []),
            )
            for image in images
            if image.exposure != Exposure.TRASHED
        ]
    )
    trashed = [image.pk for image in images if image.exposure == Exposure.TRASHED]
    SearchDocument.objects.filter(pk__in=trashed).delete()


def _write_tags(carried: Mapping[int, Iterable[str]]) -> dict[int, list[int]]:
    """Make the images' tags these; their ids."""
    known = tag_names.rows({name for names in carried.values() for name in names})
    ids = {pk: {known[name].pk for name in names} for pk, names in carried.items()}
    uses = ImageTag.everything.filter(image__in=ids).values_list("pk", "image_id", "tag_id")
    present = {(image_id, tag_id): pk for pk, image_id, tag_id in uses}
    gone = [pk for (image_id, tag_id), pk in present.items() if tag_id not in ids[image_id]]
    if gone:
        ImageTag.everything.filter(pk__in=gone).delete()
    fresh = [
        ImageTag(image_id=image_id, tag_id=tag_id)
        for image_id, tag_ids in ids.items()
        for tag_id in tag_ids
        if (image_id, tag_id) not in present
    ]
    # Each counts at its tag: in the tags' order, so that two writers never wait for each other.
    fresh.sort(key=lambda use: (use.tag_id, use.image_id))
    ImageTag.everything.bulk_create(fresh, ignore_conflicts=True)
    return {pk: sorted(found) for pk, found in ids.items()}


def _texts(labels: Iterable[Label], standing: Set[str], carried: Set[str]) -> list[str]:
    """What labels say, without tags that were taken off, and with what their tags mean."""
    told = [
        label.text
        for label in labels
        if label.kind != Label.Kind.RATING
        and (label.kind not in TAG_KINDS or normalised(label.text) in standing)
    ]
    return [*told, *sorted(carried - standing)]


def _document(
    image: Image,
    said: list[str],
    labels: list[Label],
    tag_ids: list[int],
    owners: dict[str, list[int]],
    told: list[search_facts.Fact],
) -> SearchDocument:
    words = texts([*said, image.prompt, Path(image.original_name).stem])
    facts = [
        token_of("source", image.source_type),
        token_of("rating", image.rating),
        *(token_of("most", most.value) for most in Exposure if image.exposure <= most.value),
        *(token_of(*each) for each in label_facts.facts(image.is_rating_decided, labels)),
        *(token_of(*each) for each in told),
        token_of("shelved", int(bool(owners.get("album")))),
    ]
    if not image.is_veiled:
        facts.append(token_of("sharp", 1))
    for key, ids in owners.items():
        facts.extend(token_of(key, pk) for pk in ids)
    everything = " ".join((words, *(token_of("tag", pk) for pk in tag_ids))).strip()
    return SearchDocument(
        image_id=image.pk,
        words="" if image.is_veiled else everything,
        veiled_words=everything if image.is_veiled else "",
        facts=" ".join(facts),
    )


def _write_documents(documents: list[SearchDocument]) -> None:
    pks = [document.pk for document in documents]
    before = {
        row[0]: row[1:]
        for row in SearchDocument.objects.filter(pk__in=pks).values_list("pk", *_COLUMNS)
    }
    changed = [
        document
        for document in documents
        if before.get(document.pk) != tuple(getattr(document, name) for name in _COLUMNS)
    ]
    if changed:
        _put_documents(changed)


def _put_documents(documents: list[SearchDocument]) -> None:
    SearchDocument.objects.bulk_create(
        documents, update_conflicts=True, unique_fields=["image"], update_fields=list(_COLUMNS)
    )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE gallery_searchdocument SET vector = %s::tsvector WHERE image_id = %s",
                [
                    (
                        tsvector(
                            {"A": document.words, "B": document.veiled_words, "C": document.facts}
                        ),
                        document.pk,
                    )
                    for document in documents
                ],
            )
