"""The site for uvicorn."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.deployments.site.settings")
application = get_asgi_application()

from tests.deployments.site import celery  # noqa: E402, F401 - as Django's and Celery's guides have it.
