"""Settings of a site's own processes in a test: the tests' settings, on that test's database."""

import json
import os

from tests.settings import *  # noqa: F403
from tests.settings import ACTIONSTEP_CONNECT, DATABASES

_given = json.loads(os.environ["TEST_SITE"])
ACTIONSTEP_CONNECT |= _given["values"]
DATABASES["default"] |= _given["database"]
globals().update(_given["mail"])

CELERY_BROKER_URL = "filesystem://localhost"
CELERY_BROKER_TRANSPORT = "example_project.broker:Transport"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_TRANSPORT_OPTIONS = _given["broker"]
# A site's own limits, which would cut a run off between an answer and its store.
CELERY_TASK_TIME_LIMIT = 2
CELERY_TASK_SOFT_TIME_LIMIT = 1
