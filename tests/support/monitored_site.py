"""A site under Gunicorn or Uvicorn, on the database and settings of a test, watched by Sentry's own SDK.

Sentry is set up by the lines of docs/logging.md, in front of Django as in any site.
"""

import json
import os
from collections.abc import Callable
from typing import Any

import sentry_sdk
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponseBase

from tests.support.documents import lines_for

_given = json.loads(os.environ["SITE_OF_A_TEST"])
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
settings.ACTIONSTEP_CONNECT = _given["actionstep_connect"]
settings.DATABASES["default"].update(_given["database"])
settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.failing"]
exec(lines_for("monitoring.py", "docs/logging.md"))
sentry_sdk.get_client().options["traces_sample_rate"] = 1.0  # As sites have that measure all.


def failing(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Any:
    """Fail before or after the page, where a header asks for it."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if request.headers.get("X-Fail") == "before":
            raise RuntimeError("before")
        response = get_response(request)
        if request.headers.get("X-Fail") == "after":
            raise RuntimeError("after")
        return response

    return answer


wsgi = get_wsgi_application()
asgi = get_asgi_application()
