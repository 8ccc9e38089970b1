from django.apps import AppConfig


class SandboxConfig(AppConfig):
    name = "actionstep_connect.sandbox"
    label = "actionstep_sandbox"
    default_auto_field = "django.db.models.BigAutoField"
