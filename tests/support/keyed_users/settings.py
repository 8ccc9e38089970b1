"""The tests' site with the user model that KEYED_USER names, on a database in memory."""

import os

from tests.settings import *  # noqa: F403 - the same site.
from tests.settings import INSTALLED_APPS as APPS

AUTH_USER_MODEL = f"keyed_users.{os.environ['KEYED_USER']}"
INSTALLED_APPS = ["tests.support.keyed_users.apps.KeyedUsersConfig", *APPS]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
