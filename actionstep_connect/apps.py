"""The Django app."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from actionstep_connect.checks import register_checks


class ActionstepConnectConfig(AppConfig):
    """`actionstep_connect` in INSTALLED_APPS."""

    name = "actionstep_connect"
    verbose_name = _("Actionstep connections")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks and the receivers."""
        register_checks()
        # They need the models, which are not there yet when this module is loaded.
        import_module("actionstep_connect.receivers")
