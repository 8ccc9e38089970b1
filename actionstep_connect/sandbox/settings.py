"""Settings of the sandbox's own process; a site never sees them."""

import os
import secrets
from logging import LogRecord

SECRET_KEY = secrets.token_urlsafe(48)
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", ".localhost"]
ROOT_URLCONF = "actionstep_connect.sandbox.urls"
APPEND_SLASH = False
INSTALLED_APPS = ["actionstep_connect.sandbox.apps.SandboxConfig"]
MIDDLEWARE = [
    "actionstep_connect.sandbox.middleware.PageHeadersMiddleware",
    "actionstep_connect.sandbox.middleware.ActivityMiddleware",
    "actionstep_connect.sandbox.middleware.FaultMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("ACTIONSTEP_SANDBOX_DATABASE", ":memory:"),
        # A thread serves one client connection and keeps its database connection as long.
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            # Losing a sandbox in a power cut does no harm; waiting for fsync would.
            "init_command": "PRAGMA synchronous=OFF;",
        },
    }
}
# Beside the database, and gone with it.
MEDIA_ROOT = f"{DATABASES['default']['NAME']}-files"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
USE_I18N = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

# Cookies ignore ports: with Django's own names the sandbox would sign the site's users out.
SESSION_COOKIE_NAME = "sandbox_sessionid"
CSRF_COOKIE_NAME = "sandbox_csrftoken"
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
X_FRAME_OPTIONS = "DENY"


def _is_a_bug(record: LogRecord) -> bool:
    """Keep tracebacks; answers of 500 that a fault asked for are no news."""
    return record.exc_info is not None


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "bugs": {"()": "django.utils.log.CallbackFilter", "callback": _is_a_bug},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "filters": ["bugs"]},
        "none": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        "django.security": {"handlers": ["none"], "propagate": False},
        "django.server": {"handlers": ["none"], "propagate": False},
    },
}
