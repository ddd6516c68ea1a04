"""manage.py build_builtin_model: draw, train and write the built-in model."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Train the built-in model on our own drawings (hours on a CPU)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        from generation.builtin.build import add_options

        add_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        from generation.builtin.build import build, config_from

        started = time.monotonic()

        def report(step: int, total: int, message: str) -> None:
            elapsed = time.monotonic() - started
            self.stdout.write(f"{elapsed:7.0f} s  {step}/{total}  {message}")
            self.stdout.flush()

        folder = build(config_from(options), report)
        self.stdout.write(f"The model is in {folder}")
