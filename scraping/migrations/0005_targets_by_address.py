import hashlib

from django.db import migrations, models


def fill(apps, schema_editor):
    for target in apps.get_model("scraping", "CrawlTarget").objects.iterator():
        target.address_digest = hashlib.sha256(target.url.encode()).hexdigest()
        target.save(update_fields=["address_digest"])


class Migration(migrations.Migration):

    dependencies = [
        ('scraping', '0004_options_hold_the_choices'),
    ]

    operations = [
        migrations.AddField(
            model_name='crawltarget',
            name='address_digest',
            field=models.CharField(blank=True, default='', editable=False, help_text='SHA-256 of the address, short enough for an index.', max_length=64),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name='crawltarget',
            index=models.Index(fields=['source', '-id'], name='crawl_target_of_source'),
        ),
        migrations.AddIndex(
            model_name='crawltarget',
            index=models.Index(fields=['address_digest', '-id'], name='crawl_target_of_address'),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
