from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class ScrapingConfig(AppConfig):
    name = "scraping"
    verbose_name = "Scraping"

    def ready(self) -> None:
        from gallery import albums
        from imagineer.jobs import registry
        from imagineer.jobs.models import Queue
        from scraping.addresses import networks
        from scraping.crawl_folder import remove_leftovers
        from scraping.jobs import ended, run
        from scraping.runs import is_promised

        try:
            networks(settings.SCRAPE_ALLOWED_NETWORKS)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"SCRAPE_ALLOWED_NETWORKS: {error}. Write networks such as 10.0.0.0/8."
            ) from None
        registry.register("scraping.run", queue=Queue.CRAWL, run=run, label="Scraping", ended=ended)
        registry.register_upkeep(remove_leftovers)
        albums.promise(is_promised)
