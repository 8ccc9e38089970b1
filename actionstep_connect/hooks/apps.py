"""The Django app of change notifications."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _

from actionstep_connect.extensions import Extension, register
from actionstep_connect.hooks.checks import register_checks

EXTENSION = Extension(
    name="hooks",
    maintain="actionstep_connect.hooks.flows.maintain.maintain",
    before_ending="actionstep_connect.hooks.flows.farewell.remove_hooks",
    check="actionstep_connect.hooks.flows.doctor.check",
    measure="actionstep_connect.hooks.flows.measure.measure",
    tasks=("actionstep_connect.hooks.tasks.deliver_changes",),
    gauges={
        "hooks": (("registration",), "Wanted hooks of this environment."),
        "changes": (("state",), "Changes that are kept in this environment."),
        "longest_undelivered_seconds": (
            (),
            "For how long the oldest change that waits has waited.",
        ),
        "hooks_disabled": ((), "How often Actionstep has disabled a hook."),
    },
)
#: The module of each installed app in which handlers are looked for.
HANDLERS = "actionstep_changes"


class HooksConfig(AppConfig):
    """`actionstep_connect.hooks` in INSTALLED_APPS."""

    name = "actionstep_connect.hooks"
    label = "actionstep_connect_hooks"
    verbose_name = _("Actionstep changes")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register what this app adds to the other one, and find the handlers."""
        register(EXTENSION)
        register_checks()
        import_module("actionstep_connect.hooks.receivers")  # It needs the models.
        autodiscover_modules(HANDLERS)
