from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


def _seed_prompts(using: str, **kwargs: Any) -> None:
    from labeling.runs import seed_prompts

    if using == "default":
        seed_prompts()


class LabelingConfig(AppConfig):
    name = "labeling"
    verbose_name = "Labeling"

    def ready(self) -> None:
        from imagineer import console_warnings
        from imagineer.jobs import registry
        from imagineer.jobs.models import Queue
        from labeling import caption_jobs, jobs, notices
        from labeling.labelers import known, warm_up

        # A wrong path in LABELERS stops the program here, not the first page that asks for it.
        known()
        for check in (notices.budget_notices, notices.price_notices):
            console_warnings.register(check)
        registry.register(
            jobs.RUN,
            queue=Queue.DEFAULT,
            run=jobs.run,
            label="Labeling",
            ended=jobs.ended,
            warm_up=warm_up,
        )
        registry.register(
            jobs.STOP_BATCHES,
            queue=Queue.DEFAULT,
            run=jobs.stop_batches,
            label="Stopping batches",
        )
        registry.register(
            caption_jobs.KIND,
            queue=Queue.DEFAULT,
            run=caption_jobs.run,
            label="Import of captions",
            succeeded=caption_jobs.forget_incoming,
        )
        post_migrate.connect(_seed_prompts, sender=self)
