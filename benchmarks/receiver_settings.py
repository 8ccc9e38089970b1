"""Settings of the site that takes in notifications: it keeps its database connections."""

from benchmarks.settings import *  # noqa: F403
from benchmarks.settings import DATABASES

DATABASES["default"]["CONN_MAX_AGE"] = 600
