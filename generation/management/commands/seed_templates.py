from typing import Any

from django.core.management.base import BaseCommand

from generation.seeding import seed_templates


class Command(BaseCommand):
    help = (
        "Write the batch templates that come with Imagineer where they are missing; edited ones "
        "are left alone."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        changed = seed_templates()
        names = ", ".join(template.name for template in changed)
        self.stdout.write(f"Seeded {names}." if changed else "All templates are there.")
