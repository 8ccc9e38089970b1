"""Loaded once by the fork server: all that a worker of the tests needs, before it is forked."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

import tests.support.jobs  # noqa: E402, F401 - only now are there models.
