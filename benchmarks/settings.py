"""The least site that can refresh: the app, users, and the database that DATABASE_URL names."""

import os

import dj_database_url

SECRET_KEY = "only-for-benchmarks"
USE_TZ = True
DEBUG = False
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "actionstep_connect",
]
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ACTIONSTEP_CONNECT = {
    "ENVIRONMENT": "benchmark",
    "CLIENT_ID": "benchmark-client",
    "CLIENT_SECRET": "benchmark-secret",
    "SCOPES": ["actions", "participants", "timerecords"],
    "ENCRYPTION_KEYS": ["-B98RAPwxp5ynRQYDxmRFEGBsLQes2BsK-pSwti5eBk="],
    "AUTHORIZE_URL": "http://127.0.0.1:1/authorize",
    "TOKEN_URL": os.environ["BENCHMARK_TOKEN_URL"],
    "API_HOSTS": ["127.0.0.1:8801"],
    "HTTP_TIMEOUT": 10,
}
