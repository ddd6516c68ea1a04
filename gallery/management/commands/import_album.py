"""``manage.py import_album <folder or zip> --album NAME``."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gallery.album_sources import SourceRefused
from gallery.import_album import Options, import_album
from gallery.jobs import submit_import
from imagineer import texts


class Command(BaseCommand):
    help = "Import a folder or ZIP archive of pictures, with the .txt and .json files beside them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="A folder or a ZIP archive.")
        parser.add_argument("--album", required=True, help="Its name; an existing one grows.")
        parser.add_argument("--caption-prefix", default="", help="Put before every caption.")
        parser.add_argument("--private", action="store_true", help="Not for visitors.")
        parser.add_argument(
            "--queue", action="store_true", help="Leave it to a worker instead of waiting here."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path, name = options["path"], options["album"].strip()
        if not 0 < len(name) <= 200 or not texts.is_line(name):
            raise CommandError("An album's name has 1 to 200 characters on one line.")
        wanted = {
            "caption_prefix": options["caption_prefix"],
            "is_public": not options["private"],
        }
        if options["queue"]:
            job = submit_import(path, name, **wanted)
            self.stdout.write(f"Job {job.pk} is queued.")
            return
        try:
            imported = import_album(path, Options(name, **wanted), self._report)
        except SourceRefused as refused:
            raise CommandError(str(refused)) from refused
        for refused_name, sentence in imported.refused:
            self.stderr.write(f"{refused_name}: {sentence}")
        self.stdout.write(
            f"{imported.added} pictures added, {imported.known} known before, "
            f"{imported.captions} captions, {len(imported.refused)} left out."
        )

    def _report(self, done: int, total: int, message: str) -> None:
        if self.stdout.isatty():
            self.stdout.write(f"\r{done}/{total} {message[:60]:60}", ending="")
            if done == total:
                self.stdout.write("\r" + " " * 80 + "\r", ending="")
