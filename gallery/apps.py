from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.models.signals import post_migrate


class GalleryConfig(AppConfig):
    name = "gallery"

    def ready(self) -> None:
        # Models exist only now.
        from gallery import (
            albums,
            bulk,
            daily_sweep,
            label_changes,
            near_duplicates,
            search_names,
            tag_derivation,
            trash,
            triggers,
        )
        from gallery.jobs import (
            IMPORT,
            forget_incoming,
            run_change,
            run_change_labels,
            run_derive_tags,
            run_empty_trash,
            run_find_near_duplicates,
            run_import,
            run_sweep,
        )
        from imagineer.jobs import registry
        from imagineer.jobs.models import Queue

        registry.register(
            IMPORT,
            queue=Queue.DEFAULT,
            run=run_import,
            label="Import of pictures",
            succeeded=forget_incoming,
        )
        registry.register(
            bulk.KIND, queue=Queue.DEFAULT, run=run_change, label="Change of many pictures"
        )
        registry.register(
            near_duplicates.KIND,
            queue=Queue.DEFAULT,
            run=run_find_near_duplicates,
            label="Search for near-duplicates",
        )
        registry.register(
            trash.EMPTY, queue=Queue.DEFAULT, run=run_empty_trash, label="Emptying of the trash"
        )
        registry.register(
            label_changes.KIND,
            queue=Queue.DEFAULT,
            run=run_change_labels,
            label="Change of tags or captions",
        )
        registry.register(
            tag_derivation.KIND,
            queue=Queue.DEFAULT,
            run=run_derive_tags,
            label="Pictures follow a rule of tags",
        )
        registry.register(daily_sweep.KIND, queue=Queue.DEFAULT, run=run_sweep, label="Sweep")
        registry.register_upkeep(daily_sweep.submit_when_due)
        search_names.register(albums.SEARCHED)
        triggers.keep(
            self,
            triggers.Membership("gallery_albumimage", "gallery_album", "album_id"),
            triggers.Membership("gallery_imagetag", "gallery_tag", "tag_id"),
            triggers.FullText(
                "gallery_searchdocument", "image_id", ("words", "veiled_words", "facts")
            ),
            triggers.FullText("gallery_searchname", "id", ("words",)),
        )
        # Behind the triggers: what was written before there was an index is found from now on.
        post_migrate.connect(_index_what_is_not, sender=self)


def _index_what_is_not(using: str, plan: Any = (), **_: Any) -> None:
    from gallery import image_index, search_names

    # Not where somebody migrated to an earlier state: these read the tables as they are now.
    executor = MigrationExecutor(connections[using])
    if plan and not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        search_names.write_missing()
        image_index.refresh_missing()
