"""While staff act as another user: events and the admin's log name who acted."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Permission, User
from django.http import HttpRequest
from django.test import Client
from django.urls import include, path, reverse
from pytest_django import Settings

from actionstep_connect.models import Connection, ConnectionEvent, EventKind, StatusReason
from actionstep_connect.testing import Sandbox
from tests.support.admin_pages import LIST, act
from tests.support.connections import make_connection, make_user
from tests.support.person import Person
from tests.urls import urlpatterns as site_urls

pytestmark = pytest.mark.django_db(transaction=True)

urlpatterns = [*site_urls, path("hijack/", include("hijack.urls"))]


@pytest.fixture
def root(settings: Settings) -> User:
    """Return a superuser of a site with django-hijack."""
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "hijack"]
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "hijack.middleware.HijackUserMiddleware"]
    settings.ROOT_URLCONF = __name__
    settings.LOGOUT_REDIRECT_URL = "/"
    return User.objects.create_superuser("root", "root@law.example", "a password")


@pytest.fixture
def browser(root: User) -> Client:
    """Return the browser in which the superuser is signed in."""
    browser = Client()
    browser.force_login(root)
    return browser


def play(browser: Client, user: User) -> None:
    response = browser.post("/hijack/acquire/", {"user_pk": user.pk})
    assert response.status_code == 302
    assert browser.session["hijack_history"]


def test_who_disconnects_as_the_user_is_named(browser: Client, root: User) -> None:
    """The event names the member of staff, and the connection was ended by an administrator."""
    connection = make_connection(make_user(username="priya"))
    play(browser, connection.user)
    browser.post(reverse("actionstep_connect:disconnect", args=[connection.pk]))
    event = ConnectionEvent.objects.get()
    assert (event.kind, event.actor) == (EventKind.DISCONNECTED, root)
    connection.refresh_from_db()
    assert connection.status_reason == StatusReason.ENDED_BY_ADMIN


@pytest.mark.usefixtures("root")
def test_a_history_that_names_no_user_names_the_one_who_is_signed_in() -> None:
    """What a session holds may be as old as another user model, and is no reason to fail."""
    connection = make_connection(make_user(username="priya"))
    browser = Client()
    browser.force_login(connection.user)
    session = browser.session
    session["hijack_history"] = ["no key of a user"]
    session.save()
    browser.post(reverse("actionstep_connect:disconnect", args=[connection.pk]))
    assert ConnectionEvent.objects.get().actor == connection.user


def test_who_connects_as_the_user_is_named(root: User, sandbox: Sandbox) -> None:
    """The connection is the user's, and its event names the member of staff."""
    staff, priya = Person(root), make_user(username="priya")
    play(staff.browser, priya)
    staff.connect()
    event = ConnectionEvent.objects.get()
    assert (event.kind, event.actor) == (EventKind.CONNECTED, root)
    assert event.connection.user == priya


def test_s45_who_acts_in_the_admin_as_other_staff_is_named(browser: Client, root: User) -> None:
    """The log and the events name the superuser, and say as whom they acted; deletions as well."""
    sam = make_user(username="sam", is_staff=True)
    names = ("view_connection", "change_connection", "delete_connection")
    sam.user_permissions.set(Permission.objects.filter(codename__in=names))
    ended, reminded, deleted = (make_connection(make_user()) for _ in range(3))
    play(browser, sam)
    act(browser, "disconnect", ended)
    act(browser, "remind", reminded)
    export = {"action": "export_csv", "_selected_action": str(reminded.pk)}
    assert browser.post(reverse(LIST), export).status_code == 200
    act(browser, "delete_selected", deleted)
    entries = LogEntry.objects.filter(user=root)
    assert entries.count() == LogEntry.objects.count() == 4
    assert entries.filter(change_message__contains="(Acting as sam.)").count() == 3
    events = ConnectionEvent.objects.filter(actor=root)
    assert events.count() == ConnectionEvent.objects.count() == 2
    assert events.get(kind=EventKind.REMINDER_ASKED).detail.endswith("(Acting as sam.)")


def test_after_giving_back_the_session_nobody_acts_as_another(browser: Client, root: User) -> None:
    """Once django-hijack has ended it, the log is as for anybody."""
    play(browser, make_user(username="sam", is_staff=True))
    browser.post("/hijack/release/")
    act(browser, "disconnect", make_connection(make_user()))
    entry = LogEntry.objects.get()
    assert (entry.user, entry.change_message) == (root, "Disconnected; both tokens erased.")


def acting_staff(request: HttpRequest) -> AbstractBaseUser | None:
    """Find who acts as a site of its own might keep it."""
    return get_user_model()._default_manager.filter(username=request.session.get("behind")).first()


def test_a_site_names_who_acts_by_a_callable_of_its_own(settings: Any) -> None:
    """`IMPERSONATOR` takes the place of django-hijack."""
    own = {"IMPERSONATOR": f"{__name__}.acting_staff"}
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **own}
    boss, connection = make_user(username="boss"), make_connection(make_user())
    browser = Client()
    browser.force_login(connection.user)
    session = browser.session
    session["behind"] = "boss"
    session.save()
    browser.post(reverse("actionstep_connect:disconnect", args=[connection.pk]))
    assert ConnectionEvent.objects.get().actor == boss
    assert not Connection.objects.filter(status_reason=StatusReason.ENDED_BY_USER).exists()
