"""The sweep that nobody has to think of: once a day, asked for by workers and by what comes in."""

import time
from datetime import timedelta

from django.utils import timezone

from gallery.models import Image
from imagineer.jobs.models import Job
from imagineer.jobs.submit import submit

KIND = "gallery.sweep"
EVERY = timedelta(hours=24)
# Far older than anything that is on its way in.
OLDER_THAN = timedelta(hours=24)
_ASK_EVERY = 3600.0
_asked = float("-inf")


def submit_when_due() -> Job | None:
    """Ask for a sweep unless one was asked for within a day; None if there is nothing to do.

    Cheap to call at any time: a process asks the database once an hour. In a gallery that is
    younger than what is swept nothing can be left behind.
    """
    global _asked
    if time.monotonic() - _asked < _ASK_EVERY:
        return None
    _asked = time.monotonic()
    now = timezone.now()
    if Job.objects.filter(kind=KIND, created_at__gt=now - EVERY).exists():
        return None
    if not Image.everything.filter(created_at__lt=now - OLDER_THAN).exists():
        return None
    return submit(KIND, title="Removal of files without a picture")
