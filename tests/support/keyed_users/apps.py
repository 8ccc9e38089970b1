"""The app of these user models."""

from django.apps import AppConfig


class KeyedUsersConfig(AppConfig):
    """User models with keys of several kinds, none of them called `id`."""

    name = "tests.support.keyed_users"
    label = "keyed_users"
    default_auto_field = "django.db.models.BigAutoField"
