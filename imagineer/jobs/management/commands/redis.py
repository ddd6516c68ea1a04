"""The embedded queue server in the foreground."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from imagineer.jobs.embedded_redis import QueueServerError, serve


class Command(BaseCommand):
    help = "Run the embedded queue server (not needed when REDIS_URL is set)."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.REDIS_URL:
            raise CommandError("REDIS_URL is set: that server is used, none is started here.")
        try:
            serve(settings.DATA_DIR)
        except QueueServerError as error:
            raise CommandError(str(error)) from error
