#!/usr/bin/env python
"""Run the example site's management commands: ``manage.py demo`` is the one to begin with."""

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    """Run one command with the example project's settings."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
