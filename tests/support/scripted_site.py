"""A site with a strict policy and a script on every page: its URLs, its frame and its middleware."""

from pathlib import Path
from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse
from django.template import engines
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from actionstep_connect.decorators import actionstep_connection_required
from tests.urls import urlpatterns as site_urls

SCRIPTS = Path(__file__).parent / "scripts"

#: Of each page: what Django's, django-csp's and nginx's documentation call strict, without nonces.
POLICY = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "object-src": ["'none'"],
}

#: The one style that Turbo writes, for the bar that it shows when a page takes half a second.
TURBOS_BAR = "'sha256-WAyOw4V+FqDc35lQPyRADLBWbuNK8ahvYEaQIYF1+Ps='"

FRAME = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="htmx-config" content='{"includeIndicatorStyles": false}'>
  <title>{% block title %}{% endblock %}</title>
  {% block head %}{% endblock %}
  SCRIPT
</head>
<body ATTRIBUTES><main>{% block content %}{% endblock %}</main></body>
</html>
"""


def policy(script: str) -> dict[str, list[str]]:
    """Return the strict policy of a site that has `script` on every page, and lets it do its work."""
    bar = [TURBOS_BAR] if script.startswith("turbo") else []
    return {**POLICY, "style-src": [*POLICY["style-src"], *bar]}


def frame(script: str) -> str:
    """Return the site's `actionstep_connect/base.html`, with `script` on every page."""
    tag = f'<script src="/scripts/{script}" defer></script>' if script else ""
    boost = 'hx-boost="true"' if script.startswith("htmx") else ""
    return FRAME.replace("SCRIPT", tag).replace("ATTRIBUTES", boost)


def home(request: HttpRequest) -> HttpResponse:
    """Show a page of the site with the button on it."""
    page = (
        '{% extends "actionstep_connect/base.html" %}{% load actionstep_connect %}'
        "{% block title %}Home{% endblock %}"
        "{% block content %}<h1>Home</h1>{% actionstep_connect_button next='/home/' %}"
        '<button hx-delete="/hours/">Delete</button>{% endblock %}'
    )
    return HttpResponse(engines["django"].from_string(page).render({}, request))


@csrf_exempt  # The button of `home` sends no token.
@actionstep_connection_required()
def hours(_request: HttpRequest) -> HttpResponse:
    """Need a connection to delete hours."""
    return HttpResponse("Deleted.")


def script(_request: HttpRequest, name: str) -> FileResponse:
    """Serve a script of this folder."""
    return FileResponse((SCRIPTS / name).open("rb"), content_type="text/javascript")


def without_attributes(get_response: Any) -> Any:
    """Take out what htmx and Turbo are told, as a site does that writes the templates again."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response: HttpResponse = get_response(request)
        if not response.streaming:
            for said in (b'hx-boost="false"', b'data-turbo="false"'):
                response.content = response.content.replace(said, b"")
            response.headers["Content-Length"] = str(len(response.content))
        return response

    return middleware


urlpatterns = [
    *site_urls,
    path("home/", home),
    path("hours/", hours),
    path("scripts/<str:name>", script),
]
