"""The tests' site with another theme of the admin: django-unfold."""

import os

from tests import settings
from tests.settings import *  # noqa: F403 - the same site.

INSTALLED_APPS = ["unfold", *settings.INSTALLED_APPS]
ALLOWED_HOSTS = ["127.0.0.1"]
DATABASES = {
    "default": {**settings.DATABASES["default"], "NAME": os.environ["DATABASE_NAME"]},
}
