"""The site for gunicorn and uWSGI."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.deployments.site.settings")
application = get_wsgi_application()
get_resolver().url_patterns  # noqa: B018 - loaded once, where a server forks after this.

from tests.deployments.site import celery  # noqa: E402, F401 - as Django's and Celery's guides have it.
