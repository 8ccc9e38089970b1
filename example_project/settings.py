"""Settings of the example site.

Everything about Actionstep comes from the environment. With nothing set this is the demo's site:
SQLite, broker and keys in ``.demo/``, and the sandbox in place of Actionstep.
"""

import os
from pathlib import Path
from typing import Any

import dj_database_url

from example_project.local import broker_options, local_secret

BASE_DIR = Path(__file__).resolve().parent.parent
DEMO_DIR = Path(os.environ.get("DEMO_DIR") or BASE_DIR / ".demo").resolve()
ENVIRONMENT = os.environ.get("ACTIONSTEP_ENVIRONMENT") or "sandbox"
IS_DEMO = ENVIRONMENT == "sandbox"

SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY") or local_secret(DEMO_DIR / "secret-key")
DEBUG = IS_DEMO
ALLOWED_HOSTS = os.environ.get("DJANGO_ALLOWED_HOSTS", "127.0.0.1 localhost [::1]").split()
ROOT_URLCONF = "example_project.urls"
WSGI_APPLICATION = "example_project.wsgi.application"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"

# Other sites on 127.0.0.1 share a browser's cookies with this one, whatever their port.
SESSION_COOKIE_NAME = "example_sessionid"
CSRF_COOKIE_NAME = "example_csrftoken"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not IS_DEMO

INSTALLED_APPS = [
    "example_project",
    "actionstep_connect",
    "actionstep_connect.hooks",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
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
        # Searched before the templates of apps: this is where a site overrides those of this package.
        "DIRS": [BASE_DIR / "templates"],
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


def _databases() -> dict[str, Any]:
    url = os.environ.get("DATABASE_URL") or f"sqlite:///{DEMO_DIR / 'site.sqlite3'}"
    database: dict[str, Any] = dict(dj_database_url.parse(url))
    if database["ENGINE"] == "django.db.backends.sqlite3":
        # A web server and a worker share this file: let them wait for each other.
        database["OPTIONS"] = {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL",
        }
    return {"default": database}


DATABASES = _databases()


def _actionstep() -> dict[str, Any]:
    demo = {
        "ACTIONSTEP_CLIENT_ID": "sandbox-client",
        "ACTIONSTEP_CLIENT_SECRET": "sandbox-secret",
        "ACTIONSTEP_SCOPES": "actions participants timerecords",
        "ACTIONSTEP_AUTHORIZE_URL": "http://127.0.0.1:8801/api/oauth/authorize",
        "ACTIONSTEP_TOKEN_URL": "http://127.0.0.1:8801/api/oauth/token",
        "ACTIONSTEP_API_HOSTS": "127.0.0.1:8801",
        "ACTIONSTEP_HOOKS_URL": "http://127.0.0.1:8800/actionstep/hooks/",
    }
    environ = {**(demo if IS_DEMO else {}), **os.environ}
    if IS_DEMO and not environ.get("ACTIONSTEP_ENCRYPTION_KEYS"):
        environ["ACTIONSTEP_ENCRYPTION_KEYS"] = local_secret(DEMO_DIR / "encryption-key")
    values: dict[str, Any] = {"ENVIRONMENT": ENVIRONMENT}
    texts = (
        "CLIENT_ID",
        "CLIENT_SECRET",
        "AUTHORIZE_URL",
        "TOKEN_URL",
        "REDIRECT_URI",
        "HOOKS_URL",
    )
    for key in texts:
        if value := environ.get(f"ACTIONSTEP_{key}"):
            values[key] = value
    for key in ("SCOPES", "ENCRYPTION_KEYS", "API_HOSTS"):
        if value := environ.get(f"ACTIONSTEP_{key}"):
            values[key] = value.split()
    # A page may ask for more than every user grants at the start: file notes, or to hear of changes.
    more = ("filenotes", "resthooks")
    values["ALLOWED_SCOPES"] = list(dict.fromkeys([*values.get("SCOPES", []), *more]))
    values["HOOKS_BEARER"] = "example_project.bearers.bearer"
    if IS_DEMO:
        # A supervisor kills within seconds; a request that is under way must be over by then.
        values["HTTP_TIMEOUT"] = 3
    return values


ACTIONSTEP_CONNECT = _actionstep()

LOG_LEVEL = os.environ.get("LOG_LEVEL") or "INFO"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"hide_codes": {"()": "actionstep_connect.logs.HideAuthorizationCodes"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "filters": ["hide_codes"]}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    # In place of Django's own handlers, which would print everything twice.
    "loggers": {name: {"level": LOG_LEVEL} for name in ("django", "django.server")},
}

CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL") or "filesystem://localhost"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TIMEZONE = TIME_ZONE
if CELERY_BROKER_URL.startswith("filesystem:"):
    CELERY_BROKER_TRANSPORT = "example_project.broker:Transport"
    CELERY_BROKER_TRANSPORT_OPTIONS = broker_options(DEMO_DIR / "broker")
