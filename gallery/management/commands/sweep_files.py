"""``manage.py sweep_files``: remove files without rows, report rows without files."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gallery import sweep


class Command(BaseCommand):
    help = "Remove picture files that no image names; report images whose files are missing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--hours", type=float, default=1.0, help="Only files at least this old (default 1)."
        )
        parser.add_argument("--dry-run", action="store_true", help="Only tell what would go.")
        parser.add_argument(
            "--repair", action="store_true", help="Make missing thumbnails again from originals."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            swept = sweep.sweep(timedelta(hours=options["hours"]), dry_run=options["dry_run"])
        except (ValueError, OverflowError) as error:
            raise CommandError(str(error)) from error
        verb = "would be removed" if options["dry_run"] else "removed"
        for name in swept.removed:
            self.stdout.write(f"{verb}: {name}")
        self.stdout.write(
            f"{len(swept.removed)} files without an image {verb}, {swept.kept} kept, "
            f"{swept.waiting} too young to judge."
        )
        self._report_missing(repair=options["repair"] and not options["dry_run"])

    def _report_missing(self, *, repair: bool) -> None:
        broken = 0
        for found in sweep.missing():
            repaired = repair and sweep.repair(found)
            broken += not repaired
            state = "repaired" if repaired else "missing"
            for name in found.names:
                self.stdout.write(f"{state}: {name} (image {found.image.pk})")
        if broken:
            raise CommandError(f"{broken} images have missing files.")
