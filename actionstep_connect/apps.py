"""The Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from actionstep_connect.checks import register_checks


class ActionstepConnectConfig(AppConfig):
    """`actionstep_connect` in INSTALLED_APPS."""

    name = "actionstep_connect"
    verbose_name = _("Actionstep connections")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks."""
        register_checks()
