"""The migration of 2.5.0: a column that the release before it does not miss."""

from django.db import migrations


class Migration(migrations.Migration):
    """Adds orders.note."""

    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.RunSQL("alter table orders add column if not exists note text", "alter table orders drop column note")
    ]
