"""A worker in the foreground."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from imagineer.jobs.models import Queue
from imagineer.jobs.worker import run_worker


class Command(BaseCommand):
    help = "Run jobs of one queue until stopped: default, crawl (crawls) or gpu (pictures)."
    # They load every page and form; a worker needs neither.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("queue", choices=Queue.values)

    def handle(self, *args: Any, **options: Any) -> None:
        run_worker(options["queue"])
