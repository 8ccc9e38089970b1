"""A Celery worker on the database and the settings of the test that starts it, given as JSON."""

import json
import os
from typing import Any

from celery import Celery
from django.conf import settings

_given = json.loads(os.environ["WORKER_OF_A_TEST"])
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
settings.ACTIONSTEP_CONNECT = _given["actionstep_connect"]
settings.DATABASES["default"].update(_given["database"])
_more: dict[str, Any] = {}
exec(_given["lines"], _more)
for _name, _value in _more.items():
    if _name.isupper():
        setattr(settings, _name, _value)

app = Celery("site", set_as_current=False)
app.conf.update(_given["celery"])
app.autodiscover_tasks(["actionstep_connect"])
app.set_default()
