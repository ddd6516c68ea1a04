from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "training"

    def ready(self) -> None:
        from imagineer.jobs import registry
        from imagineer.jobs.models import Queue
        from training import jobs
        from training.start import KIND

        registry.register(KIND, queue=Queue.GPU, run=jobs.run_training, label="LoRA training")
