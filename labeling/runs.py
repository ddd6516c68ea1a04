"""Asking for pictures to be labelled: from the API, the console and whatever comes later."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from gallery.caption_words import LONGEST_TRIGGER, one_line
from gallery.models import Album, Image, Label
from imagineer.jobs import states
from imagineer.jobs.submit import submit
from imagineer.problems import Problem, invalid
from imagineer.texts import NOT_A_LINE, is_line
from imagineer.words import thin
from labeling import budget, selection
from labeling.estimates import Estimate, estimate
from labeling.labelers import LabelerKind, default_labeler, labeler_kind, shares_source
from labeling.models import LabelingItem, LabelingRun, Prompt
from labeling.pictures import words_of
from labeling.prices import dollars
from labeling.prompts import DEFAULT, SD_TRAINING, SEEDED


def seed_prompts() -> None:
    """Make sure that the prompts which come with the program exist; admins' versions stay."""
    for seeded in SEEDED:
        Prompt.objects.get_or_create(
            kind=seeded.kind, version=1, defaults={"name": seeded.name, "text": seeded.text}
        )


def current_prompt(kind: str) -> Prompt:
    """The newest version of a kind of prompt. Raises Problem 422 for an unknown one."""
    prompt = Prompt.objects.filter(kind=kind).order_by("-version").first()
    if prompt is None:
        known = ", ".join(Prompt.objects.current().values_list("kind", flat=True))
        raise invalid("prompt_kind", f"No prompt has this kind. There are: {known}.")
    return prompt


def start_run(
    image_ids: Iterable[int] = (),
    *,
    album: Album | None = None,
    search: str | None = None,
    labeler: str = "",
    prompt_kind: str = "",
    trigger_word: str = "",
    include_context: bool = True,
    force: bool = False,
    use_batches: bool = False,
    created_by: Any = None,
) -> LabelingRun:
    """Write the run, an item for every image and the job, and enqueue it.

    An album, a search or image ids. labeler: by default Claude where it can be used, else the local
    one. prompt_kind: by default sd_training for an album, else default. trigger_word: what is put
    before every caption that does not say it. include_context: whether the labeler is told of the
    album and of the page that a picture comes from. Labelers that read no prompts pass these three
    over. use_batches: at half the price, within a day. Raises Problem: 409 if the labeler cannot be
    used or the month's budget does not allow it, 422 for what else is wrong.
    """
    kind = labeler_kind(labeler or default_labeler())
    if missing := kind.missing():
        raise Problem(409, "labeler_unusable", missing, "labeler")
    if use_batches and kind.batches is None:
        raise invalid("use_batches", f"The labeler “{kind.title}” takes no batches.")
    prompt = current_prompt(prompt_kind or (SD_TRAINING if album else DEFAULT))
    trigger_word = checked_trigger_word(trigger_word)
    if not kind.reads_prompts:
        trigger_word, include_context = "", True
    ids = _ids_of(album, search, image_ids)
    run = LabelingRun(
        album=album,
        image_id=ids[0] if album is None and search is None and len(ids) == 1 else None,
        search=search or "",
        labeler=kind.name,
        model=kind.model(),
        prompt=prompt,
        trigger_word=trigger_word,
        include_context=include_context,
        force=force,
        use_batches=use_batches,
    )
    _check_budget(kind, run, ids)
    with transaction.atomic():
        run.job = submit("labeling.run", title=_title(album, search, ids), created_by=created_by)
        run.created_by = run.job.created_by
        run.save()
        items = (LabelingItem(run=run, image_id=image_id) for image_id in ids)
        LabelingItem.objects.bulk_create(items, batch_size=500)
    return run


def checked_trigger_word(text: str) -> str:
    """The word with single spaces. Raises Problem 422 for one that cannot stand before captions."""
    word = one_line(text)
    if not is_line(word):
        raise invalid("trigger_word", NOT_A_LINE)
    if len(word) > LONGEST_TRIGGER or "," in word:
        raise invalid(
            "trigger_word", f"Choose at most {LONGEST_TRIGGER} characters without a comma."
        )
    return word


def _ids_of(album: Album | None, search: str | None, image_ids: Iterable[int]) -> list[int]:
    if album is not None:
        return selection.of_album(album)
    return selection.of_ids(image_ids) if search is None else selection.matching(search)


def _title(album: Album | None, search: str | None, ids: list[int]) -> str:
    if album is not None:
        return f"Label {album.name}"
    if search is not None:
        return f"Label what “{search}” finds"
    return f"Label image {ids[0]}" if len(ids) == 1 else f"Label {thin(len(ids))} images"


def retry_run(run: LabelingRun, *, with_refused: bool = False) -> None:
    """Go on with the images that failed and those that were not asked about.

    with_refused: and with those that the labeler declined. Raises Problem 409 while the run is
    under way, if it has nothing left to do, and if the month's budget does not allow it.
    """
    outcomes = LabelingItem.Outcome
    wanted = (*LabelingItem.OPEN, *([outcomes.REFUSED] if with_refused else []))
    items = run.items.filter(outcome__in=wanted)
    if not run.job.has_ended:
        raise Problem(409, "not_retriable", "This run is still under way.")
    if not items.exists():
        raise Problem(409, "not_retriable", "No image of this run is left to be asked about.")
    kind = labeler_kind(run.labeler)
    if kind.is_paid:
        # What is handed over in a batch has been set aside.
        unsent = items.filter(batch=None)
        _allow(estimate_of(Image.objects.filter(labeling_items__in=unsent), kind, run))
    with transaction.atomic():
        # A run whose images were refused has completed.
        if not states.retry(run.job, even_completed=True):
            raise Problem(409, "not_retriable", "Somebody else has just retried this run.")
        run.items.filter(outcome=outcomes.REFUSED, outcome__in=wanted).update(
            outcome=outcomes.PENDING, error=""
        )


# --- What was labelled before, and what the rest will cost ---------------------------------------


def labelled_before(labeler: str, prompt: Prompt, options: str = "") -> QuerySet[Label]:
    """What this labeler said of images with these options, on this version of this prompt.

    The prompt does not matter to a labeler that reads none. Labelers of one source are told apart
    by their models.
    """
    kind = labeler_kind(labeler)
    said = Label.objects.filter(source=kind.source, prompt_options=options)
    if not kind.reads_prompts or shares_source(kind):
        said = said.filter(model=kind.model())
    if not kind.reads_prompts:
        return said
    return said.filter(
        kind=Label.Kind.CAPTION,
        prompt_kind=prompt.kind,
        prompt_version=str(prompt.version),
    )


def to_label(images: QuerySet[Image], run: LabelingRun) -> QuerySet[Image]:
    """Those of the images that the run will ask about. run: need not be saved."""
    if run.force:
        return images
    said = labelled_before(run.labeler, run.prompt, run.options)
    return images.filter(~Exists(said.filter(image=OuterRef("pk"))))


def estimate_of(images: QuerySet[Image], kind: LabelerKind, run: LabelingRun) -> Estimate:
    """What it takes to label these images as the run says. run: need not be saved."""
    told = words_of(run.album) if run.album and run.include_context else ""
    return estimate(
        to_label(images, run),
        kind,
        run.prompt,
        trigger_word=run.trigger_word,
        album_words=told,
        batched=run.use_batches,
    )


def _check_budget(kind: LabelerKind, run: LabelingRun, ids: list[int]) -> None:
    if not kind.is_paid or budget.standing().limit is None:
        return
    if run.album is not None:
        images = Image.objects.filter(entries__album=run.album)
    else:
        images = Image.objects.filter(pk__in=ids)
    _allow(estimate_of(images, kind, run))


def _allow(asked: Estimate) -> None:
    """Raises Problem 409 if the month's budget does not."""
    now = budget.standing()
    if not now.allows(asked.cost):
        raise Problem(
            409,
            "over_budget",
            f"This may cost about {dollars(asked.cost)}. {now} Label fewer images, raise "
            "LABELING_BUDGET_USD, or wait for the next month.",
            "budget",
        )
