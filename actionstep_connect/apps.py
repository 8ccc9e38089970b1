"""The Django app."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ActionstepConnectConfig(AppConfig):
    """`actionstep_connect` in INSTALLED_APPS."""

    name = "actionstep_connect"
    verbose_name = _("Actionstep connections")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks and the receivers."""
        # Both need the models, which do not exist yet when this module is loaded.
        import_module("actionstep_connect.checks").register_checks()
        import_module("actionstep_connect.receivers")
