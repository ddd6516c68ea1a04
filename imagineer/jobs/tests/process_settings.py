"""The settings of worker processes that tests start: the real ones with only the jobs app.

The kinds of job that they know are those of sample_jobs.py. A child starts in a third of the time
without the other apps, which counts when it is killed fifty times.
"""

from imagineer.settings import *  # noqa: F403
from imagineer.settings import MIDDLEWARE

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "imagineer.jobs",
    "imagineer.jobs.tests.sample_app.SampleApp",
]
MIDDLEWARE = MIDDLEWARE[:0]
