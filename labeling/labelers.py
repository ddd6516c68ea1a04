"""The labelers that this installation has: Claude, the local one, and those of LABELERS.

LABELERS names further ones, each as ``dotted.path.to.KIND``: a :class:`LabelerKind` in a module of
whoever installs it.
"""

from collections.abc import Callable
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
from labeling.labeler import Labeler

CLAUDE = "claude"
LOCAL = "local"


@dataclass(frozen=True)
class LabelerKind:
    """name: in addresses and rows; title: for people; source: whose word its labels are.

    make: opens it, from the settings. model: which one would answer now. missing: why it cannot be
    used as things stand, a sentence; empty if it can. at_once: how many pictures at the same time.
    reads_prompts: whether an admin's instructions change what it says. is_paid: by the token.
    batches: opens it for pictures that are handed over together; None if it takes no batches.
    """

    name: str
    title: str
    source: str
    make: Callable[[], Labeler]
    model: Callable[[], str]
    missing: Callable[[], str] = lambda: ""
    at_once: Callable[[], int] = lambda: 1
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
    reads_prompts=True,
    is_paid=True,
    batches=_claude,
)


def warm_up() -> None:
    """Import in a worker what its runs need, if Claude is used at all: it takes a second."""
    if not _CLAUDE.missing():
        import_sdk()


# --- All of them ---------------------------------------------------------------------------------


@cache
def known() -> dict[str, LabelerKind]:
    """By name. Raises ImproperlyConfigured for a path in LABELERS that leads to none."""
    kinds = [_CLAUDE]
    for path in settings.LABELERS:
        try:
            found = import_string(path)
        except ImportError as error:
            raise ImproperlyConfigured(f"LABELERS names {path}: {error}") from error
        if not isinstance(found, LabelerKind):
            raise ImproperlyConfigured(f"LABELERS names {path}, which is no LabelerKind.")
        kinds.append(found)
    return {kind.name: kind for kind in kinds}


def labeler_kind(name: str) -> LabelerKind:
    """Raises Problem 422 for a name that no labeler has."""
    found = known().get(name)
    if found is None:
        raise invalid("labeler", f"No labeler has this name. There are: {', '.join(known())}.")
    return found
