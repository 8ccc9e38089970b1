"""A small site: the app, users, their admin, and the database that DATABASE_URL names."""

import os

import dj_database_url

from benchmarks.site import *  # noqa: F403
from benchmarks.site import ACTIONSTEP_CONNECT, INSTALLED_APPS

ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "benchmarks.urls"
INSTALLED_APPS = [*INSTALLED_APPS, "actionstep_connect", "actionstep_connect.hooks"]
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}
ACTIONSTEP_CONNECT = {
    **ACTIONSTEP_CONNECT,
    "ENVIRONMENT": "benchmark",
    "AUTHORIZE_URL": "http://127.0.0.1:1/authorize",
    "TOKEN_URL": os.environ["BENCHMARK_TOKEN_URL"],
    "API_HOSTS": ["127.0.0.1:8801"],
    "HTTP_TIMEOUT": 10,
}
