"""Settings of a new project that has added the app and nothing else."""

import os

WITH_APP = bool(os.environ["BENCHMARK_WITH_APP"])

SECRET_KEY = "only-for-benchmarks"
USE_TZ = True
DEBUG = False
ROOT_URLCONF = "benchmarks.bare_site.urls"
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    *(["actionstep_connect"] if WITH_APP else []),
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
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
ACTIONSTEP_CONNECT = {
    "CLIENT_ID": "benchmark-client",
    "CLIENT_SECRET": "benchmark-secret",
    "SCOPES": ["actions", "participants", "timerecords"],
    "ENCRYPTION_KEYS": ["-B98RAPwxp5ynRQYDxmRFEGBsLQes2BsK-pSwti5eBk="],
}
