"""A site that has django.contrib.sites as well."""

from django.conf import settings

#: For INSTALLED_APPS. Its admin does not look for others, which would stay registered ever after.
WITH_SITES = [
    *(
        "django.contrib.admin.apps.SimpleAdminConfig" if app == "django.contrib.admin" else app
        for app in settings.INSTALLED_APPS
    ),
    "django.contrib.sites",
]
