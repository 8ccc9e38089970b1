"""Settings of a site of nothing but the admin, to which the app may be added."""

import os

from benchmarks.site import *  # noqa: F403
from benchmarks.site import INSTALLED_APPS

WITH_APP = bool(os.environ["BENCHMARK_WITH_APP"])

ROOT_URLCONF = "benchmarks.bare_site.urls"
INSTALLED_APPS = [*INSTALLED_APPS, *(["actionstep_connect"] if WITH_APP else [])]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
