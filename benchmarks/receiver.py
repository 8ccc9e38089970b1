"""The site that takes in notifications, for Gunicorn."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
