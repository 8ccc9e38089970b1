"""Nothing grows without bound, and nothing of a deleted user stays."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from pytest_django import Settings

from actionstep_connect.flows import prune as prune_module
from actionstep_connect.flows.prune import prune
from actionstep_connect.models import (
    AuthorizationRequest,
    Connection,
    ConnectionEvent,
    EventKind,
    Heartbeat,
    RefreshHour,
)
from tests.support.connections import make_connection, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def make_event(connection: Connection, *, age: timedelta, actor: User | None = None) -> None:
    ConnectionEvent.objects.create(
        connection=connection, kind=EventKind.FLAGGED, at=datetime.now(UTC) - age, actor=actor
    )


def make_request(user: User, *, age: timedelta) -> None:
    started = datetime.now(UTC) - age
    AuthorizationRequest.objects.create(
        state_hash=uuid4().hex * 2,
        user=user,
        created_at=started,
        expires_at=started + timedelta(minutes=10),
        scopes=["actions"],
    )


def test_events_are_kept_as_long_as_the_settings_say(settings: Settings) -> None:
    """A year by default, or EVENT_RETENTION; not a day less."""
    connection = make_connection(make_user())
    for days in (1, 29, 31, 364, 366):
        make_event(connection, age=timedelta(days=days))
    assert prune() == 1
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "EVENT_RETENTION": timedelta(days=30),
    }
    assert prune() == 2
    assert ConnectionEvent.objects.count() == 2


def test_a_finished_request_is_kept_for_an_hour() -> None:
    """So long a second arrival of its callback is told how it ended; then nothing of it is left."""
    user = make_user()
    make_request(user, age=timedelta(minutes=60))
    make_request(user, age=timedelta(minutes=71))
    assert prune() == 1
    assert AuthorizationRequest.objects.count() == 1


def test_a_backlog_is_pruned_batch_after_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shorter retention leaves more than one batch behind: a round goes on while it has time."""
    monkeypatch.setattr(prune_module, "BATCH", 10)
    connection = make_connection(make_user())
    old = datetime.now(UTC) - timedelta(days=400)
    ConnectionEvent.objects.bulk_create(
        ConnectionEvent(connection=connection, kind=EventKind.FLAGGED, at=old) for _ in range(45)
    )
    make_event(connection, age=timedelta(days=1))
    monkeypatch.setattr(prune_module, "TIMEOUT", 0.0)
    assert prune() == 0
    monkeypatch.undo()
    monkeypatch.setattr(prune_module, "BATCH", 10)
    assert prune() == 45
    assert ConnectionEvent.objects.count() == 1


def test_every_model_has_a_bound() -> None:
    """A new model fails here until someone has thought of what keeps it from growing forever."""
    pruned = {AuthorizationRequest, ConnectionEvent}
    folded = {RefreshHour}
    one_for_each_job, one_for_each_grant = {Heartbeat}, {Connection}
    known = pruned | folded | one_for_each_job | one_for_each_grant
    assert set(apps.get_app_config("actionstep_connect").get_models()) == known


def test_deleting_a_user_erases_all_that_is_theirs() -> None:
    """Connections with their tokens, their events, and flows under way; other users keep theirs."""
    gone, stays = make_user(), make_user()
    for user in (gone, stays):
        make_event(make_connection(user), age=timedelta(0))
        make_request(user, age=timedelta(0))
    gone.delete()
    for model in (Connection, AuthorizationRequest):
        assert list(model._default_manager.values_list("user", flat=True)) == [stays.pk]
    assert ConnectionEvent.objects.get().connection.user == stays


def test_deleting_an_admin_leaves_what_they_did_to_others() -> None:
    """The audit trail of another user's connection stays, without the name."""
    admin = make_user(is_staff=True)
    make_event(make_connection(make_user()), age=timedelta(0), actor=admin)
    admin.delete()
    assert ConnectionEvent.objects.get().actor is None
