"""The labelers that this installation has: Claude, the local one, and those of LABELERS.

LABELERS names further ones, each as ``dotted.path.to.KIND``: a :class:`LabelerKind` in a module of
whoever installs it.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from gallery.models import Label
from imagineer.problems import invalid
from labeling.batches import BatchLabeler
from labeling.claude_batches import ClaudeBatches
from labeling.claude_client import ClaudeConfig, import_sdk
from labeling.labeler import LONGEST_SIDE, Labeler

CLAUDE = "claude"
LOCAL = "local"
# As LabelingRun.labeler keeps it.
LONGEST_NAME = 50
# A labeler speaks neither for persons nor for web pages.
SOURCES = (Label.Source.CLAUDE.value, Label.Source.LOCAL.value, Label.Source.IMPORTED.value)


@dataclass(frozen=True)
class LabelerKind:
    """name: in addresses and rows; title: for people; source: whose word its labels are, one of
    SOURCES.

    does: what it does, in sentences; make: opens it, from the settings; model: which one would
    answer now, as its answers name it; missing: why it cannot be used as things stand, a sentence,
    empty if it can; at_once: how many pictures at the same time; longest_side: pixels of those that
    it is given; reads_prompts: whether an admin's instructions change what it says; is_paid: by the
    token; batches: opens it for pictures that are handed over together, None if it takes none.
    """

    name: str
    title: str
    source: str
    make: Callable[[], Labeler]
    model: Callable[[], str]
    missing: Callable[[], str] = lambda: ""
    at_once: Callable[[], int] = lambda: 1
    does: str = ""
    longest_side: int = LONGEST_SIDE
    reads_prompts: bool = False
    is_paid: bool = False
    batches: Callable[[], BatchLabeler] | None = None


# --- Claude --------------------------------------------------------------------------------------

NO_KEY = (
    "Labeling with Claude needs an API key. Set ANTHROPIC_API_KEY in the environment or in .env "
    "and restart; keys are made at console.anthropic.com."
)


def _claude() -> ClaudeBatches:
    return ClaudeBatches(
        ClaudeConfig(
            api_key=settings.ANTHROPIC_API_KEY,
            model=settings.CLAUDE_MODEL,
            base_url=settings.ANTHROPIC_BASE_URL,
            effort=settings.CLAUDE_EFFORT,
        )
    )


_CLAUDE = LabelerKind(
    CLAUDE,
    "Claude",
    Label.Source.CLAUDE,
    _claude,
    model=lambda: str(settings.CLAUDE_MODEL),
    missing=lambda: "" if settings.ANTHROPIC_API_KEY else NO_KEY,
    at_once=lambda: int(settings.LABELING_CONCURRENCY),
    does="Looks at each picture and writes a caption, tags and a rating. It is paid for.",
    reads_prompts=True,
    is_paid=True,
    batches=_claude,
)


def warm_up() -> None:
    """Import in a worker what its runs need, if Claude is used at all: it takes a second."""
    if not _CLAUDE.missing():
        import_sdk()


# --- On this machine -----------------------------------------------------------------------------


def _local() -> Labeler:
    from labeling.local_labeler import LocalConfig, LocalLabeler
    from labeling.nsfw_levels import Thresholds

    thresholds = Thresholds(
        settings.NSFW_SUGGESTIVE, settings.NSFW_ADULT, settings.NSFW_EXPLICIT, settings.NSFW_PART
    )
    return LocalLabeler(LocalConfig(settings.NSFW_MODEL, thresholds))


def _local_lacks() -> str:
    from labeling.local_labeler import missing

    return missing(settings.NSFW_MODEL)


_LOCAL = LabelerKind(
    LOCAL,
    "Local",
    Label.Source.LOCAL,
    _local,
    model=lambda: str(settings.NSFW_MODEL),
    missing=_local_lacks,
    # One more than it works on, so that the next is ready.
    at_once=lambda: (os.cpu_count() or 1) + 1,
    does=(
        "Rates each picture on this machine and names its colours and format; keywords are those "
        "in its file, the caption that of its web page or its prompt. It needs no key and no "
        "network."
    ),
    # Its models look at 224 and 320 pixels.
    longest_side=640,
)


# --- All of them ---------------------------------------------------------------------------------


@cache
def known() -> dict[str, LabelerKind]:
    """By name. Raises ImproperlyConfigured for a path in LABELERS that leads to none, or to one
    whose name is taken or whose labels could not be shown.
    """
    kinds = {kind.name: kind for kind in (_CLAUDE, _LOCAL)}
    for path in settings.LABELERS:
        try:
            found = import_string(path)
        except ImportError as error:
            raise ImproperlyConfigured(f"LABELERS names {path}: {error}") from error
        if not isinstance(found, LabelerKind):
            raise ImproperlyConfigured(f"LABELERS names {path}, which is no LabelerKind.")
        if wrong := _wrong(found, kinds):
            raise ImproperlyConfigured(f"LABELERS names {path}: {wrong}")
        kinds[found.name] = found
    return kinds


def _wrong(kind: LabelerKind, others: Mapping[str, LabelerKind]) -> str:
    """Why it cannot stand beside the others, a sentence; empty if it can."""
    if not 0 < len(kind.name) <= LONGEST_NAME:
        return f"its name has 1 to {LONGEST_NAME} characters."
    if kind.name in others:
        return f"another labeler has the name “{kind.name}”."
    if kind.source not in SOURCES:
        return f"its labels are of the source “{kind.source}”, not one of {', '.join(SOURCES)}."
    return ""


def shares_source(kind: LabelerKind) -> bool:
    """Whether another labeler that reads prompts as it does speaks for the same source."""
    alike = (each for each in known().values() if each.reads_prompts == kind.reads_prompts)
    return sum(each.source == kind.source for each in alike) > 1


def default_labeler() -> str:
    """The name of the first that can be used: Claude where there is a key, else the local one."""
    usable = (kind.name for kind in known().values() if not kind.missing())
    return next(usable, CLAUDE)


def labeler_kind(name: str) -> LabelerKind:
    """Raises Problem 422 for a name that no labeler has."""
    found = known().get(name)
    if found is None:
        raise invalid("labeler", f"No labeler has this name. There are: {', '.join(known())}.")
    return found
