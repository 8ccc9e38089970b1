"""`manage.py actionstep_sandbox`: the stand-in for Actionstep, as a process of its own."""

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand

MODULE = "actionstep_connect.sandbox"


class Command(BaseCommand):
    """Replace this process by the sandbox's: the site's process imports nothing of it."""

    help = (
        "Run the sandbox, a stand-in for Actionstep, as a process of its own. "
        "Its options: actionstep_sandbox --help."
    )
    requires_system_checks = ()  # They are the site's, and the sandbox needs none of it.

    def run_from_argv(self, argv: list[str]) -> None:
        """Become the sandbox, which has its own options, settings and database."""
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, "-m", MODULE, *argv[2:]])  # noqa: S606 (no shell is wanted)

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Become it with its defaults, where `call_command` asks."""
        self.run_from_argv(["manage.py", "actionstep_sandbox"])
