"""Celery tasks as a user: the right client, retries at the right time, and ends that say so."""

from typing import Any

import pytest
from celery import Celery
from celery.app.trace import build_tracer
from django.contrib.auth.models import User

from actionstep_connect.api import ActionstepClient, disconnect
from actionstep_connect.exceptions import NotConnected, ReconnectRequired, ScopeNotGranted
from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.support.connections import make_connection, make_user
from tests.support.documents import module_of

PAGE = "docs/client/jobs.md"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def jobs() -> Any:
    """Return the page's module, its task bound to an app whose broker is memory; a name is taken once."""
    module = module_of("jobs.py", PAGE)
    app = Celery("jobs", broker="memory://", set_as_current=False)
    app.finalize()
    module.record_time = app.tasks["record_time"]
    return module


def run(task: Any, *args: Any, retries: int = 0, **kwargs: Any) -> tuple[str, Any]:
    """Run a task as a worker does; return its state and what it raised or gave."""
    request = {"id": "a", "args": args, "kwargs": kwargs, "retries": retries, "is_eager": False}
    tracer = build_tracer(task.name, task, app=task.app)
    traced = tracer("a", args, kwargs, {**request, "delivery_info": {}, "hostname": "here"})
    return (traced.info.state, traced.info.retval) if traced.info else ("SUCCESS", traced.retval)


def hours(connection: Connection) -> int:
    """Return how many time records there are."""
    with ActionstepClient(connection) as actionstep:
        return actionstep.count("timerecords")


def test_a_task_works_as_its_user(connected_user: User, jobs: Any) -> None:
    """The id of a user and that of a connection both lead to the user's own client."""
    connection = Connection.objects.get_for_user(connected_user)
    before = hours(connection)
    assert run(jobs.record_time, "7", 1, user_id=connected_user.pk)[0] == "SUCCESS"
    assert run(jobs.record_time, "7", hours=1, connection_id=str(connection.pk))[0] == "SUCCESS"
    assert hours(connection) == before + 2


def test_a_429_is_tried_again_when_actionstep_says(
    connected_user: User, actionstep_sandbox: Sandbox, jobs: Any
) -> None:
    """The message comes back after Retry-After, and never sooner."""
    actionstep_sandbox.fail("api", 429, retry_after=300)
    state, retry = run(jobs.record_time, "7", 1, user_id=connected_user.pk)
    assert state == "RETRY"
    assert 300 <= retry.when <= 330


def test_without_a_time_waits_grow(
    connected_user: User, actionstep_sandbox: Sandbox, jobs: Any
) -> None:
    """The sixth wait is longer than the first, and none is longer than an hour and a bit."""
    for retries, (least, most) in {0: (30, 33), 5: (960, 1056), 11: (3600, 3960)}.items():
        actionstep_sandbox.fail("api", 429)
        _, retry = run(jobs.record_time, "7", 1, user_id=connected_user.pk, retries=retries)
        assert least <= retry.when <= most


def test_an_outage_of_the_token_endpoint_is_tried_again(
    connected_user: User, actionstep_sandbox: Sandbox, jobs: Any
) -> None:
    """A token that cannot be renewed just now is no end."""
    Connection.objects.update(access_token_expires_at="2026-01-01T00:00:00Z")
    actionstep_sandbox.fail("token", 503)
    assert run(jobs.record_time, "7", 1, user_id=connected_user.pk)[0] == "RETRY"


def test_what_only_the_user_can_cure_is_an_end_that_says_so(
    connected_user: User, actionstep_sandbox: Sandbox, jobs: Any
) -> None:
    """A scope that is missing, a dead connection and none at all: the result is that error."""
    connection = Connection.objects.get_for_user(connected_user)
    Connection.objects.update(granted_scopes=["actions"])
    state, error = run(jobs.record_time, "7", 1, user_id=connected_user.pk)
    assert (state, type(error)) == ("FAILURE", ScopeNotGranted)
    Connection.objects.update(granted_scopes=["timerecords"], status="reconnect_required")
    state, error = run(jobs.record_time, "7", 1, connection_id=str(connection.pk))
    assert (state, type(error)) == ("FAILURE", ReconnectRequired)
    connection.refresh_from_db()
    disconnect(connection)
    state, error = run(jobs.record_time, "7", 1, connection_id=str(connection.pk))
    assert (state, type(error)) == ("FAILURE", NotConnected)


def test_messages_carry_ids_only(connected_user: User, jobs: Any) -> None:
    """A connection or a user in a message is refused before it is sent, and so is no id at all."""
    connection = Connection.objects.get_for_user(connected_user)
    for wrong in ({"connection_id": connection}, {"user_id": connected_user}):
        with pytest.raises(TypeError, match="pass its primary key"):
            jobs.record_time.delay("7", 1, **wrong)
    assert isinstance(run(jobs.record_time, "7", 1)[1], TypeError)


def test_usable_are_those_that_can_do_the_work(connected_user: User) -> None:
    """Another client's, an inactive user's, an ended and a lesser grant are left out; `all` is enough."""
    mine = Connection.objects.get_for_user(connected_user)
    wildcard = make_connection(make_user(), granted_scopes=["all"])
    make_connection(make_user(), granted_scopes=["actions"])
    make_connection(make_user(is_active=False))
    make_connection(make_user(), client_id="another")
    make_connection(make_user(), status="reconnect_required")
    make_connection(make_user(), environment="elsewhere")
    found = Connection.objects.usable(scopes=["timerecords"])
    assert {each.pk for each in found} == {mine.pk, wildcard.pk}
    assert Connection.objects.usable().count() == 3


def test_the_page_sends_a_task_for_each(connected_user: User, jobs: Any) -> None:
    """The nightly loop sends one message, with ids alone."""
    jobs.record_time.app.control.purge()  # What other tests had tried again.
    jobs.nightly()
    with jobs.record_time.app.connection_for_read() as broker:
        message = broker.SimpleQueue("celery").get(timeout=5)
        args, kwargs, _ = message.payload
        message.ack()
    connection = Connection.objects.get_for_user(connected_user)
    assert (args, kwargs) == (["7", 0.5], {"connection_id": str(connection.pk)})
