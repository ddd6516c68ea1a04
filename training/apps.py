from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "training"

    def ready(self) -> None:
        from gallery import search_facts
        from imagineer.jobs import registry
        from imagineer.jobs.models import Queue
        from labeling import review_filters
        from training import changed_captions, jobs
        from training.start import KIND

        registry.register(KIND, queue=Queue.GPU, run=jobs.run_training, label="LoRA training")
        search_facts.register(changed_captions.tell)
        review_filters.register(changed_captions.FILTER)
