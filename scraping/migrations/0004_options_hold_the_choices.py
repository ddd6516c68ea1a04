from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('scraping', '0003_sources_and_targets'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='scrapejob',
            name='depth',
        ),
        migrations.RemoveField(
            model_name='scrapejob',
            name='max_images',
        ),
        migrations.RemoveField(
            model_name='scrapejob',
            name='max_pages',
        ),
        migrations.RemoveField(
            model_name='scrapejob',
            name='min_side',
        ),
    ]
