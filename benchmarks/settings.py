"""A small site: the app, users, their admin, and the database that DATABASE_URL names."""

import os

import dj_database_url

SECRET_KEY = "only-for-benchmarks"
USE_TZ = True
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "benchmarks.urls"
STATIC_URL = "static/"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "actionstep_connect",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
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
