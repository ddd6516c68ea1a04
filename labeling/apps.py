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
        from imagineer.jobs import registry
        from imagineer.jobs.models import Queue
        from labeling import jobs
        from labeling.labelers import warm_up

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
        post_migrate.connect(_seed_prompts, sender=self)
