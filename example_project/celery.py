"""The Celery application of the example site: a worker and beat keep its connections alive."""

import os

from celery import Celery

from actionstep_connect.schedule import BEAT_SCHEDULE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")

app = Celery("example_project")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = BEAT_SCHEDULE

# The demo's tokens live for minutes, not for an hour, so there the beat is faster as well.
if seconds := float(os.environ.get("DEMO_MAINTENANCE_SECONDS") or 0):
    app.conf.beat_schedule = {
        name: {**entry, "schedule": seconds} for name, entry in BEAT_SCHEDULE.items()
    }
