"""The app that makes the sample kinds known to worker processes of tests."""

from django.apps import AppConfig


class SampleApp(AppConfig):
    name = "imagineer.jobs.tests"
    label = "sample_jobs"

    def ready(self) -> None:
        # Models can be imported from here on only.
        from imagineer.jobs.tests.sample_jobs import register_all

        register_all()
