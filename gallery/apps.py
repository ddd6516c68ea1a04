from django.apps import AppConfig


class GalleryConfig(AppConfig):
    name = "gallery"

    def ready(self) -> None:
        # Models exist only now.
        from gallery import daily_sweep
        from gallery.jobs import IMPORT, run_import, run_sweep
        from imagineer.jobs import registry
        from imagineer.jobs.models import Queue

        registry.register(IMPORT, queue=Queue.DEFAULT, run=run_import, label="Import of an album")
        registry.register(daily_sweep.KIND, queue=Queue.DEFAULT, run=run_sweep, label="Sweep")
