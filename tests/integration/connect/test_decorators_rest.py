"""Decorated views of Django REST framework, scopes as one text, and users who are not active."""

import base64
import json
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils.decorators import method_decorator
from pytest_django import Settings
from rest_framework.authentication import BasicAuthentication, SessionAuthentication
from rest_framework.decorators import api_view, authentication_classes
from rest_framework.permissions import IsAuthenticated
from rest_framework.views import APIView

from actionstep_connect.decorators import ActionstepRequest, actionstep_connection_required
from actionstep_connect.scopes import missing_scopes, unique_scopes
from tests.support.connections import make_connection, make_user
from tests.support.person import Person, query, words

pytestmark = pytest.mark.django_db

needs_actions = actionstep_connection_required(scopes="actions")


class _View(APIView):  # type: ignore[misc] # Django REST framework has no annotations.
    authentication_classes = (SessionAuthentication, BasicAuthentication)
    permission_classes = (IsAuthenticated,)

    def get(self, request: Any) -> HttpResponse:
        return HttpResponse(f"{request.user} {request.actionstep.orgkey}")

    post = get


@method_decorator(needs_actions, name="dispatch")
class Dispatch(_View):
    """Decorated as a whole."""


class Method(_View):
    """Decorated by its method."""

    get = method_decorator(needs_actions)(_View.get)
    post = get


def function(request: Any) -> HttpResponse:
    """Be decorated around `@api_view`."""
    return HttpResponse(f"{request.user} {request.actionstep.orgkey}")


authenticated = authentication_classes([SessionAuthentication, BasicAuthentication])


VIEWS = {
    "dispatch": Dispatch.as_view(),
    "method": Method.as_view(),
    "as_view": needs_actions(_View.as_view()),
    "api_view": needs_actions(api_view(["GET", "POST"])(authenticated(function))),
}


def call(view: Any, *, method: str = "GET", password: str = "") -> Any:
    headers = {"Accept": "application/json"}
    if password:
        pair = base64.b64encode(f"kim:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    request = RequestFactory(enforce_csrf_checks=True).generic(method, "/api/", headers=headers)
    request.user = AnonymousUser()
    return view(request)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_rest_view_knows_whom_its_own_authentication_finds(view: Any, method: str) -> None:
    """A valid credential is let in, without a session and without a CSRF token."""
    user = make_user(username="kim")
    user.set_password("right")
    user.save()
    make_connection(user, granted_scopes=["actions"])
    answer = call(view, method=method, password="right")
    assert (answer.status_code, answer.content) == (200, b"kim acmelaw")


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_rest_view_refuses_wrong_credentials_itself(view: Any) -> None:
    """As Django REST framework does it, with its own status and words."""
    answer = call(view, password="wrong")
    assert answer.status_code in (401, 403)
    assert b"not_signed_in" not in answer.rendered_content


@pytest.mark.parametrize("view", [VIEWS["dispatch"], VIEWS["as_view"], VIEWS["api_view"]])
def test_a_rest_view_tells_a_stranger_so(view: Any) -> None:
    """Without credentials no one is signed in."""
    answer = call(view)
    assert (answer.status_code, json.loads(answer.content)["error"]) == (403, "not_signed_in")


def test_a_text_of_names_is_taken_as_names() -> None:
    """Everywhere, as the template tag takes it; what holds no names is refused at import."""
    assert unique_scopes("timerecords  bills") == ("timerecords", "bills")
    assert missing_scopes("timerecords", ["timerecords"]) == ()
    assert missing_scopes(["records"], "timerecords") == ("records",)
    with pytest.raises(ValueError, match="not a scope name"):
        actionstep_connection_required(scopes='time"records')
    for wrong in (b"timerecords", [1]):
        with pytest.raises(ValueError, match="not a scope name"):
            actionstep_connection_required(scopes=wrong)  # type: ignore[arg-type]


@needs_actions
def page(request: ActionstepRequest) -> HttpResponse:
    """Need a scope that was named by a text."""
    return HttpResponse(request.actionstep.orgkey)


def test_the_first_visit_asks_for_everything_at_once(settings: Settings) -> None:
    """SCOPES and what the view needs, by its name and not by its letters."""
    own = settings.ACTIONSTEP_CONNECT
    settings.ACTIONSTEP_CONNECT = {**own, "SCOPES": ["bills"], "ALLOWED_SCOPES": ["all"]}
    request = RequestFactory().get("/here/")
    request.user, request.session = make_user(), SessionStore()
    assert query(page(request).headers["Location"])["scopes"] == "bills actions"


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_a_user_who_is_not_active_is_told_so(accept: str) -> None:
    """They are not sent round in circles: connecting would not help."""
    user = make_user(is_active=False)
    make_connection(user, granted_scopes=["actions"])
    request = RequestFactory().get("/here/", headers={"Accept": accept})
    request.user, request.session = user, SessionStore()
    answer: Any = page(request)
    assert answer.status_code == 403
    if accept == "text/html":
        assert "Your account is not active" in words(answer)
        assert "no-store" in answer.headers["Cache-Control"]
    else:
        assert json.loads(answer.content)["error"] == "inactive_user"


def test_the_connect_page_tells_a_user_who_is_not_active(
    person: Person, settings: Settings
) -> None:
    """A site that lets such users sign in does not send them away to Actionstep."""
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.AllowAllUsersModelBackend"]
    person.sign_in_as(make_user(is_active=False))
    assert "Your account is not active" in words(person.browser.get("/actionstep/connect/"))
    assert person.browser.post("/actionstep/connect/").status_code == 403
