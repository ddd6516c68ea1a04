from django.apps import AppConfig
from django.db.models.signals import post_migrate


class GenerationConfig(AppConfig):
    name = "generation"

    def ready(self) -> None:
        # Models can be imported from here on only.
        from gallery import albums, search_names, sitemaps, token_count, triggers, walks
        from gallery.private_models import register_private_models
        from generation.base_tokenizer import token_counter
        from generation.jobs import run
        from generation.lora_names import SEARCHED
        from generation.private_models import private_models
        from generation.runs import KIND, is_promised
        from generation.seeding import seed_new_database
        from generation.views import LORA_SITEMAP, walk_with_lora
        from imagineer.jobs import registry
        from imagineer.jobs.models import Queue

        register_private_models(private_models)
        albums.promise(is_promised)
        search_names.register(SEARCHED)
        token_count.register(token_counter)
        walks.register("lora", walk_with_lora)
        sitemaps.register("loras", LORA_SITEMAP)
        registry.register(KIND, queue=Queue.GPU, run=run, label="Generation")
        triggers.keep(
            self,
            triggers.Membership(
                "generation_imagemodel", "generation_modelversion", "model_version_id"
            ),
        )
        post_migrate.connect(seed_new_database, sender=self)
