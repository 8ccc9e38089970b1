"""The health view: 200 or 503 and a few numbers, for anybody, cheaply, and no one's names."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, ProgrammingError, connections
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from actionstep_connect.models import Heartbeat
from actionstep_connect.models.heartbeat import MAINTENANCE
from tests.support.connections import expired, make_connection, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def beat(*, ago: timedelta = timedelta(seconds=20), **summary: Any) -> None:
    """Leave the heartbeat of a run that ended `ago`."""
    then = datetime.now(UTC) - ago
    values = {"started_at": then, "finished_at": then, "seconds": 0.25, "summary": summary}
    Heartbeat.objects.update_or_create(pk=MAINTENANCE, defaults=values)


def look(client: Client) -> tuple[int, dict[str, Any]]:
    response = client.get(reverse("actionstep_connect:health"))
    return response.status_code, response.json()


def test_a_healthy_site_answers_200_and_numbers(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Two queries, no session, no cache, no frame; the answer says nothing of any user."""
    beat()
    make_connection(make_user(username="zara"), orgkey="secretlaw")
    make_connection(make_user(), **expired(refresh_at=datetime.now(UTC) - timedelta(seconds=30)))
    with django_assert_num_queries(2):
        response = client.get(reverse("actionstep_connect:health"))
    body = response.json()
    assert (response.status_code, body["healthy"], body["problems"]) == (200, True, [])
    assert 20 <= body["seconds_since_run"] < 80
    assert 30 <= body["longest_overdue_seconds"] < 90
    assert set(body) == {
        *("healthy", "problems", "seconds_since_run", "run_seconds", "longest_overdue_seconds"),
    }
    assert "no-store" in response["Cache-Control"]
    assert response["X-Frame-Options"] == "DENY"
    assert not response.cookies
    assert "zara" not in response.text
    assert "secretlaw" not in response.text


def test_nobody_is_e_mailed_however_often_it_is_asked(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """A 503 is its answer, not an error of the site: Django would mail each one to ADMINS."""
    assert look(client)[0] == 503
    assert not [record for record in caplog.records if record.name == "django.request"]


def test_it_only_answers(client: Client) -> None:
    """HEAD for monitors that want no body; nothing can be sent to it."""
    beat()
    url = reverse("actionstep_connect:health")
    assert client.head(url).status_code == 200
    assert client.post(url).status_code == 405


def test_nobody_has_to_sign_in(client: Client, settings: Settings) -> None:
    """Not even where the site asks every user to sign in everywhere."""
    middleware = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, middleware]
    beat()
    assert look(client)[0] == 200


@pytest.mark.parametrize("stopped_by", ["client_rejected", "refusals", "keys"])
def test_a_run_that_was_refused_is_503(client: Client, stopped_by: str) -> None:
    """Where the site's own credentials or keys fail, connections are going to be lost."""
    beat(stopped_by=stopped_by)
    status, body = look(client)
    assert (status, body["healthy"], body["problems"]) == (503, False, [stopped_by])


@pytest.mark.parametrize("stopped_by", ["outage", "time", "shutdown", ""])
def test_what_passes_by_itself_is_200(client: Client, stopped_by: str) -> None:
    """An outage at Actionstep, a backlog, a deploy: no one has to act, and nothing is lost yet."""
    beat(stopped_by=stopped_by)
    if stopped_by == "outage":  # Its runs end before all that is due has been tried.
        make_connection(make_user(), **expired())
    assert look(client)[0] == 200


def test_no_maintenance_is_503(client: Client) -> None:
    """A site whose worker never ran, or stopped, is not healthy."""
    status, body = look(client)
    assert (status, body["problems"], body["seconds_since_run"]) == (503, ["never_run"], None)
    beat(ago=timedelta(minutes=4))
    status, body = look(client)
    assert (status, body["problems"]) == (503, ["not_running"])
    assert 240 <= body["seconds_since_run"] < 300


@pytest.mark.parametrize(
    ("stopped_by", "waited"), [("", timedelta(minutes=11)), ("outage", timedelta(hours=5))]
)
def test_a_refresh_that_waits_too_long_is_503(
    client: Client, stopped_by: str, waited: timedelta
) -> None:
    """Runs end, and yet they do not come round; or it is no outage but this site's own firewall."""
    beat(stopped_by=stopped_by)
    make_connection(make_user(), **expired(refresh_at=datetime.now(UTC) - waited))
    status, body = look(client)
    assert (status, body["problems"]) == (503, ["overdue"])


@pytest.mark.parametrize("error", [OperationalError, ProgrammingError])
def test_a_database_that_gives_no_answer_is_503(client: Client, error: type[DatabaseError]) -> None:
    """Whether it is down or without tables: the answer is the same shape, not an error page."""

    def fail(*_: Any) -> None:
        raise error("the server closed the connection, or has no such table")

    with connections["default"].execute_wrapper(fail):
        status, body = look(client)
    assert (status, body["problems"], body["run_seconds"]) == (503, ["database"], None)


def test_wrong_settings_are_503(client: Client, settings: Settings) -> None:
    """A web server starts with wrong settings, because it runs no checks: here it shows."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "PKCE": "perhaps"}
    status, body = look(client)
    assert (status, body["problems"]) == (503, ["settings"])
