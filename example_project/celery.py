"""The Celery application of the example site: a worker and beat keep its connections alive."""

import os

from celery import Celery
from django.conf import settings

from actionstep_connect.schedule import BEAT_SCHEDULE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")

app = Celery("example_project")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = BEAT_SCHEDULE

if settings.MAINTENANCE_SECONDS:
    app.conf.beat_schedule = {
        name: {**entry, "schedule": settings.MAINTENANCE_SECONDS}
        for name, entry in BEAT_SCHEDULE.items()
    }
