"""The settings under which tests start the whole platform: static files are not compressed."""

from imagineer.settings import *  # noqa: F403
from imagineer.settings import STORAGES

STORAGES = {
    **STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
