"""What both sites of the benchmarks are made of: the admin, and what it needs."""

from typing import Any

SECRET_KEY = "only-for-benchmarks"
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
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
ACTIONSTEP_CONNECT: dict[str, Any] = {
    "CLIENT_ID": "benchmark-client",
    "CLIENT_SECRET": "benchmark-secret",
    "SCOPES": ["actions", "participants", "timerecords"],
    "ENCRYPTION_KEYS": ["-B98RAPwxp5ynRQYDxmRFEGBsLQes2BsK-pSwti5eBk="],
}
