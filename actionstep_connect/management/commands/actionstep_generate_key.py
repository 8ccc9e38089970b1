"""`manage.py actionstep_generate_key`: a new key for ENCRYPTION_KEYS."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from actionstep_connect.generate_key import add_arguments, give_key


class Command(BaseCommand):
    """Print a new random key, and nothing else, so that it can be piped; or write it to a file.

    `python -m actionstep_connect.generate_key` is the same without settings.
    """

    help = "Make a random key for ACTIONSTEP_CONNECT['ENCRYPTION_KEYS']."
    requires_system_checks = ()  # It is run before the settings can be right.

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --file."""
        add_arguments(parser)

    def handle(self, *_args: Any, file: Path | None, **_options: Any) -> None:
        """Write the key to standard output, or to the file."""
        give_key(file, out=self.stdout, err=self.stderr)
