"""``docs/client/api-views.md``, followed in a new project with both frameworks."""

from pathlib import Path

from tests.support.documents import lines_for
from tests.support.new_project import run_its_tests, start_project

PAGE = "docs/client/api-views.md"

URLS = """
from django.urls import include, path

from ninja_api import api
from rest_api import Matters

urlpatterns = [
    path("actionstep/", include("actionstep_connect.urls")),
    path("rest/", Matters.as_view()),
    path("ninja/", api.urls),
]
"""

PROOF = """
from datetime import timedelta

import pytest
from django.test import Client
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

pytest_plugins = ["actionstep_connect.testing"]
pytestmark = pytest.mark.django_db(transaction=True)


def test_rest_framework_with_its_own_tokens(connected_user, django_user_model):
    for user, status in ((connected_user, 200), (django_user_model.objects.create(username="x"), 403)):
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.create(user=user).key}")
        answer = client.get("/rest/")
        assert answer.status_code == status
        assert set(answer.json()) in ({"matters"}, {"error", "detail", "connect_url"})
    assert APIClient().get("/rest/").status_code == 401


def test_ninja_with_a_session(connected_user, actionstep_sandbox):
    client = Client()
    assert client.get("/ninja/matters").status_code == 401
    client.force_login(connected_user)
    assert client.get("/ninja/matters").json()["matters"] > 0
    actionstep_sandbox.advance(timedelta(hours=2))
    actionstep_sandbox.revoke("priya")
    answer = client.get("/ninja/matters")
    assert (answer.status_code, answer.json()["error"]) == (403, "reconnect_required")


def test_rest_framework_when_actionstep_ends_a_connection(connected_user, actionstep_sandbox):
    client = APIClient()
    client.force_login(connected_user)
    actionstep_sandbox.advance(timedelta(hours=2))
    actionstep_sandbox.revoke("priya")
    answer = client.get("/rest/")
    assert (answer.status_code, answer.json()["error"]) == (403, "reconnect_required")
"""


def test_the_examples_serve_in_a_new_project(tmp_path: Path) -> None:
    """Tokens of Django REST framework's own table, Ninja's session, and an end in mid-request."""
    with (start_project(tmp_path) / "settings.py").open("a") as target:
        target.write("\n" + lines_for("settings.py", "docs/tutorial.md"))
        target.write('\nROOT_URLCONF = "site_urls"\n')
        target.write('INSTALLED_APPS += ["rest_framework", "rest_framework.authtoken"]\n')
        target.write(lines_for("rest_settings.py", PAGE))
    for file in ("rest_api.py", "ninja_api.py"):
        (tmp_path / file).write_text(lines_for(file, PAGE))
    (tmp_path / "site_urls.py").write_text(URLS)
    (tmp_path / "test_it.py").write_text(PROOF)
    run_its_tests(tmp_path)
