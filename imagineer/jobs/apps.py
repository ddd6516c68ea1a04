from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "imagineer.jobs"
    label = "jobs"
    verbose_name = "Jobs"
