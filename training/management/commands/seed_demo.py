"""What `manage.py start` calls on its first start."""

from typing import Any

from django.core.management.base import BaseCommand

from training.demo import seed_demo


class Command(BaseCommand):
    help = "Submit the demonstration's jobs, once."

    def handle(self, *args: Any, **options: Any) -> None:
        jobs = seed_demo()
        if not jobs:
            self.stdout.write("The demonstration was submitted before.")
        for job in jobs:
            self.stdout.write(f"Submitted: {job}")
