"""The receiver of a site with Celery, whose package loads its app as Celery's documentation says."""

from actionstep_connect.hooks.asgi import application
from tests.support.celery_site import app

__all__ = ["app", "application"]
