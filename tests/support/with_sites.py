"""A site that has django.contrib.sites as well."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection

#: For INSTALLED_APPS. Its admin does not look for others, which would stay registered ever after.
WITH_SITES = [
    *(
        "django.contrib.admin.apps.SimpleAdminConfig" if app == "django.contrib.admin" else app
        for app in settings.INSTALLED_APPS
    ),
    "django.contrib.sites",
]


@contextmanager
def table_of_sites() -> Generator[Any]:
    """Make a table for the model `Site` while the block lasts; to be used with WITH_SITES."""
    sites: Any = apps.get_app_config("sites").get_model("Site")
    with connection.schema_editor() as editor:
        editor.create_model(sites)
    try:
        yield sites
    finally:
        sites.objects.clear_cache()
        with connection.schema_editor() as editor:
            editor.delete_model(sites)
