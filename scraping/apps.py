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
        from scraping import crawl_folder, kept_pages, preview, preview_files
        from scraping.jobs import ended, run
        from scraping.runs import is_promised, reach
        from scraping.scheduled_crawls import start_due
        from scraping.user_agent import with_contact

        try:
            reach()
        except ValueError as error:
            raise ImproperlyConfigured(
                f"SCRAPE_ALLOWED_NETWORKS, SCRAPE_ALLOWED_HOSTS or SCRAPE_ALLOWED_PORTS: {error}. "
                "Write networks such as 10.0.0.0/8, hosts such as example.org:8000, ports as 80."
            ) from None
        try:
            with_contact(settings.SCRAPE_USER_AGENT, settings.SCRAPE_CONTACT)
        except ValueError as error:
            raise ImproperlyConfigured(f"SCRAPE_CONTACT: {error}.") from None
        registry.register("scraping.run", queue=Queue.CRAWL, run=run, label="Scraping", ended=ended)
        registry.register(
            preview.KIND, queue=Queue.DEFAULT, run=preview.run, label="Scraping preview"
        )
        registry.register_upkeep(start_due)
        registry.register_upkeep(preview_files.sweep, every_s=60)
        registry.register_upkeep(crawl_folder.sweep, every_s=600)
        registry.register_upkeep(kept_pages.sweep, every_s=3600)
        albums.promise(is_promised)
