"""Settings of the site, as django-hosts' documentation has them, on the database of a test."""

import json
import os
from typing import Any

import django

from tests.settings import *  # noqa: F403 - all that other tests' site has.

_given = json.loads(os.environ["SITE_OF_A_TEST"])
ACTIONSTEP_CONNECT = _given["actionstep_connect"]
DATABASES["default"].update(_given["database"])  # noqa: F405
DATABASES["default"].pop("TEST", None)  # noqa: F405
ALLOWED_HOSTS = ["www.law.example", "connect.law.example"]
SESSION_COOKIE_DOMAIN = CSRF_COOKIE_DOMAIN = "law.example"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
LOGIN_URL = "https://www.law.example/login/"

# A URLconf that a host pattern overrides for each request.
ROOT_URLCONF = "tests.support.hosted_site.www"
ROOT_HOSTCONF = "tests.support.hosted_site.hosts"
DEFAULT_HOST = "www"
INSTALLED_APPS = [*INSTALLED_APPS, "django_hosts"]  # noqa: F405
MIDDLEWARE = [
    "django_hosts.middleware.HostsRequestMiddleware",
    *MIDDLEWARE,  # noqa: F405
    "django_hosts.middleware.HostsResponseMiddleware",
]

_FILES = "django.core.mail.backends.filebased.EmailBackend"
_LETTERS = os.environ["LETTERS"]
if django.VERSION >= (6, 1):
    _OPTIONS: dict[str, Any] = {"BACKEND": _FILES, "OPTIONS": {"file_path": _LETTERS}}
    MAILERS = {"default": _OPTIONS}
else:
    EMAIL_BACKEND, EMAIL_FILE_PATH = _FILES, _LETTERS
