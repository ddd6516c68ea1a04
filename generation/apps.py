from django.apps import AppConfig


class GenerationConfig(AppConfig):
    name = "generation"

    def ready(self) -> None:
        # Models can be imported from here on only.
        from generation.jobs import run
        from generation.runs import KIND
        from imagineer.jobs import registry
        from imagineer.jobs.models import Queue

        registry.register(KIND, queue=Queue.GPU, run=run, label="Generation")
