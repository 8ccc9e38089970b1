"""`manage.py actionstep_generate_key`: a new key for ENCRYPTION_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand

from actionstep_connect.crypto import generate_key


class Command(BaseCommand):
    """Print a new random key, and nothing else, so that it can be piped."""

    help = "Print a new random key for ACTIONSTEP_CONNECT['ENCRYPTION_KEYS']."
    requires_system_checks = ()  # It is run before the settings can be right.

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Write the key to standard output."""
        self.stdout.write(generate_key())
