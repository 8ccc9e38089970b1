"""Settings of the site the tests run in: as plain as a customer's, on the database of the run."""

import os
from tempfile import gettempdir
from typing import Any

import dj_database_url
import django

SECRET_KEY = "only-for-tests-and-nowhere-else"
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "tests.urls"
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "actionstep_connect",
    "actionstep_connect.hooks",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
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

# From Django 6.1 on a site names its mailers; before, its EMAIL_BACKEND.
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}

# The fast hasher: no test here is about passwords.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def _databases() -> dict[str, Any]:
    fallback = f"sqlite:///{gettempdir()}/actionstep-connect-tests.sqlite3"
    database: dict[str, Any] = dict(
        dj_database_url.parse(os.environ.get("DATABASE_URL") or fallback)
    )
    if database["ENGINE"] == "django.db.backends.sqlite3":
        # A file: threads and processes must see each other's rows as on a customer's disk. Only a
        # power cut could tell that nothing waits for that disk.
        database["TEST"] = {"NAME": f"{database['NAME']}-test"}
        settings = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF"
        database["OPTIONS"] = {"timeout": 20, "init_command": settings}
    return {"default": database}


DATABASES = _databases()

# Nothing listens at port 1: the `sandbox` fixture points these at a running sandbox.
ACTIONSTEP_CONNECT = {
    "ENVIRONMENT": "sandbox",
    "CLIENT_ID": "sandbox-client",
    "CLIENT_SECRET": "sandbox-secret",
    "SCOPES": ["actions", "participants", "timerecords"],
    "ENCRYPTION_KEYS": ["-B98RAPwxp5ynRQYDxmRFEGBsLQes2BsK-pSwti5eBk="],
    "AUTHORIZE_URL": "http://127.0.0.1:1/api/oauth/authorize",
    "TOKEN_URL": "http://127.0.0.1:1/api/oauth/token",
    "API_HOSTS": ["127.0.0.1:1"],
    "HTTP_TIMEOUT": 5,
}
