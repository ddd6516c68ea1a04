"""How long drawing takes, from what was drawn before."""

from generation.models import GenerationItem, ModelVersion
from imagineer import words
from imagineer.jobs.models import Job, Queue

# Few, so that a machine that was busy or was changed is soon judged anew.
_LOOKED_AT = 24


def seconds_a_picture(
    base_model: ModelVersion, steps: int, width: int, height: int
) -> float | None:
    """Expected seconds for one picture, from the newest ones of this model; None without any.

    The time of a picture grows with its steps and pixels.
    """
    newest = (
        GenerationItem.objects.filter(
            run__base_model=base_model, status=GenerationItem.Status.DONE, seconds__gt=0
        )
        .order_by("-id")
        .values_list("seconds", "run__overrides")[:_LOOKED_AT]
    )
    seconds = work = 0.0
    for taken, how in newest:
        seconds += taken or 0.0
        work += how["steps"] * how["width"] * how["height"]
    return seconds / work * steps * width * height if work else None


def sentence(seconds: float | None, count: int) -> str:
    """What an admin reads before the button."""
    ahead = Job.objects.filter(queue=Queue.GPU).unended().count()
    wait = f" {ahead} {'job is' if ahead == 1 else 'jobs are'} ahead of it." if ahead else ""
    if seconds is None:
        return f"Nothing has been drawn with this model yet, so the time is not known.{wait}"
    return f"About {words.span(max(1.0, seconds * count))} on this machine.{wait}"
