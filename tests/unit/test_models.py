"""What the rows themselves hold to: who may write what, what is found, and for whom."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser, User
from django.core import serializers
from django.core.exceptions import FieldError
from django.db import IntegrityError, transaction
from django.forms.models import model_to_dict
from pytest_django import Settings
from rest_framework.renderers import JSONRenderer
from rest_framework.serializers import ModelSerializer

from actionstep_connect.exceptions import (
    AmbiguousConnection,
    DecryptionFailed,
    NotConnected,
    ReconnectRequired,
)
from actionstep_connect.generate_key import generate_key
from actionstep_connect.models import AuthorizationRequest, Connection, Heartbeat, Status
from actionstep_connect.models.connection import ACCESS_TOKEN, IDENTITY
from actionstep_connect.models.heartbeat import MAINTENANCE
from actionstep_connect.schedule import INTERVAL
from actionstep_connect.secret import Secret
from tests.support.connections import make_connection, make_user

pytestmark = pytest.mark.django_db

OWNED_BY_FLOWS = sorted(
    field.name for field in Connection._meta.concrete_fields if field.name not in IDENTITY
)


@pytest.mark.parametrize("name", OWNED_BY_FLOWS)
def test_s28_save_does_not_write_what_flows_own(name: str) -> None:
    """Saving an instance, which may be stale, can bring back no column that a worker writes."""
    connection = make_connection(make_user())
    with pytest.raises(ValueError, match=name):
        connection.save(update_fields=[name])


def test_s28_saving_a_whole_row_is_refused() -> None:
    """A plain `save()` of an existing row would write everything, so it raises and writes nothing."""
    connection = make_connection(make_user())
    Connection.objects.filter(pk=connection.pk).update(last_error="newer")
    with pytest.raises(ValueError, match="sealed_refresh_token"):
        connection.save()
    connection.refresh_from_db()
    assert connection.last_error == "newer"


def test_s28_async_saving_is_refused_as_well() -> None:
    """`asave()` is the same door."""
    connection = make_connection(make_user())
    with pytest.raises(ValueError, match="only the flows write"):
        async_to_sync(connection.asave)()


def test_save_writes_the_identity_of_a_row() -> None:
    """What says whose row it is may be saved, with or without naming the field."""
    connection = make_connection(make_user())
    connection.orgkey = "renamed"
    connection.save(update_fields=["orgkey"])
    Connection.objects.only("orgkey").get(pk=connection.pk).save()
    assert Connection.objects.get(pk=connection.pk).orgkey == "renamed"


def test_s34_a_row_given_to_another_user_does_not_open() -> None:
    """Anyone who moves a row to another user moves no token with it."""
    connection = make_connection(make_user(), access_token="canary")
    connection.user = make_user()
    connection.save(update_fields=["user"])
    with pytest.raises(DecryptionFailed):
        Connection.objects.get(pk=connection.pk).open_access_token()


def test_s34_columns_swapped_in_the_database_do_not_open() -> None:
    """The refresh token in the access token's column is not sent to an API."""
    connection = make_connection(make_user())
    Connection.objects.filter(pk=connection.pk).update(
        sealed_access_token=connection.sealed_refresh_token
    )
    connection.refresh_from_db()
    with pytest.raises(DecryptionFailed):
        connection.open_access_token()


def test_a_row_without_tokens_says_so() -> None:
    """A connection that was ended opens nothing."""
    connection = Connection(user=make_user(), environment="sandbox", orgkey="acmelaw")
    with pytest.raises(DecryptionFailed, match="no refresh token"):
        connection.open_refresh_token()


def test_listing_opens_nothing(settings: Settings) -> None:
    """Rows whose key is lost can still be listed, counted and shown."""
    make_connection(make_user())
    lost = {**settings.ACTIONSTEP_CONNECT, "ENCRYPTION_KEYS": [generate_key()]}
    settings.ACTIONSTEP_CONNECT = lost
    connection = Connection.objects.get()
    assert "acmelaw" in str(connection)
    with pytest.raises(DecryptionFailed):
        connection.open_access_token()


@pytest.mark.parametrize(
    "lookup", ["", "__exact", "__startswith", "__in", "__isnull", "__gt", "__length"]
)
@pytest.mark.parametrize("name", ["sealed_access_token", "sealed_refresh_token"])
def test_s37_sealed_columns_are_not_searched(name: str, lookup: str) -> None:
    """No filter on a sealed column is ever sent to the database."""
    with pytest.raises(FieldError, match="sealed"):
        Connection.objects.filter(**{f"{name}{lookup}": "v1"}).first()


@pytest.mark.parametrize("name", ["sealed_access_token", "-sealed_refresh_token"])
def test_s37_sealed_columns_give_no_order(name: str) -> None:
    """No query is ordered by a sealed column."""
    with pytest.raises(FieldError, match="sealed"):
        Connection.objects.order_by(name).first()


def test_s37_nothing_that_leaves_a_row_holds_a_token() -> None:
    """`dumpdata`, `values()`, `model_to_dict`, `repr` and `str` give no plaintext."""
    connection = make_connection(make_user(), access_token="canary-a", refresh_token="canary-b")
    left: list[Any] = [
        serializers.serialize("json", [connection]),
        list(Connection.objects.values()),
        model_to_dict(connection),
        repr(connection),
        str(connection),
        vars(connection),
    ]
    assert "canary" not in str(left)


def test_s37_a_rest_serializer_holds_no_token() -> None:
    """Django REST framework's ModelSerializer over all fields gives no plaintext."""

    class Everything(ModelSerializer):  # type: ignore[misc] # REST framework is not typed.
        class Meta:
            model = Connection
            fields = "__all__"

    connection = make_connection(make_user(), access_token="canary-a", refresh_token="canary-b")
    rendered = JSONRenderer().render(Everything(connection).data).decode()
    assert connection.orgkey in rendered
    assert "canary" not in rendered


def test_a_dump_can_be_loaded_again() -> None:
    """A fixture made with `dumpdata` brings back the same row, tokens and scopes included."""
    connection = make_connection(make_user(), access_token="a-token")
    dump = serializers.serialize("json", [connection])
    connection.delete()
    for row in serializers.deserialize("json", dump):
        row.save()
    loaded = Connection.objects.get()
    assert loaded.open_access_token() == Secret("a-token")
    assert loaded.granted_scopes == ["actions", "participants", "timerecords"]


@pytest.mark.parametrize(
    ("wanted", "is_found"),
    [
        ("timerecords", True),
        ("time%records", True),
        ("a_b", True),
        (r"back/slash", True),
        ("timerecord", False),
        ("records", False),
        ("TimeRecords", False),
        ("timerecords actions", False),
        ("time%", False),
        ("%", False),
        ("_", False),
        ("a?b", False),
        ("axb", False),
        ("'", False),
        ("", False),
    ],
)
def test_one_scope_is_found_by_its_exact_name(wanted: str, *, is_found: bool) -> None:
    """`granted_scopes__has` finds that very name on every database: no part, no wildcard, no case."""
    make_connection(
        make_user(), granted_scopes=["actions", "timerecords", "time%records", "a_b", "back/slash"]
    )
    assert Connection.objects.filter(granted_scopes__has=wanted).exists() is is_found


def test_granted_scopes_are_a_list() -> None:
    """Scopes come back as the list they were stored as, an empty one included."""
    scopes = ["timerecords", "actions"]
    full = make_connection(make_user(), granted_scopes=scopes)
    empty = make_connection(make_user(), granted_scopes=[])
    assert Connection.objects.get(pk=full.pk).granted_scopes == scopes
    assert Connection.objects.get(pk=empty.pk).granted_scopes == []


def test_a_stored_scope_is_a_scope() -> None:
    """What is no scope name (RFC 6749 §3.3) cannot be stored as one."""
    with pytest.raises(ValueError, match="not a scope name"):
        make_connection(make_user(), granted_scopes=["two words"])


def test_a_user_has_one_connection_to_an_organisation() -> None:
    """A second row for the same user, environment and organisation is refused by the database."""
    user = make_user()
    make_connection(user)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_connection(user)
    make_connection(user, orgkey="otherlaw")
    make_connection(user, environment="staging")
    make_connection(make_user())
    assert Connection.objects.count() == 4


def test_deleting_a_user_erases_their_connections() -> None:
    """Nothing of a deleted user is left."""
    user = make_user()
    make_connection(user)
    user.delete()
    assert not Connection.objects.exists()


def test_s44_a_look_up_gives_its_users_connection_only() -> None:
    """Each user gets their own connection, and no one else's if they have none."""
    a, b, nobody = make_user(), make_user(), make_user()
    for_a, for_b = make_connection(a), make_connection(b)
    assert Connection.objects.get_for_user(a) == for_a
    assert Connection.objects.get_for_user(b) == for_b
    assert list(Connection.objects.for_user(a)) == [for_a]
    with pytest.raises(NotConnected):
        Connection.objects.get_for_user(nobody)
    with pytest.raises(NotConnected, match="otherlaw"):
        Connection.objects.get_for_user(a, orgkey="otherlaw")


def test_several_connections_need_a_name() -> None:
    """With several organisations the caller must say which, and is told among which."""
    user = make_user()
    acme, other = make_connection(user), make_connection(user, orgkey="otherlaw")
    with pytest.raises(AmbiguousConnection) as caught:
        Connection.objects.get_for_user(user)
    assert caught.value.orgkeys == ("acmelaw", "otherlaw")
    assert Connection.objects.get_for_user(user, orgkey="acmelaw") == acme
    assert Connection.objects.get_for_user(user, orgkey="otherlaw") == other


def test_one_usable_connection_among_others_is_the_one() -> None:
    """A connection that is over does not make the usable one ambiguous."""
    user = make_user()
    make_connection(user, orgkey="otherlaw", status=Status.RECONNECT_REQUIRED)
    make_connection(user, orgkey="oldlaw", status=Status.DISCONNECTED)
    usable = make_connection(user)
    assert Connection.objects.get_for_user(user) == usable


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"status": Status.RECONNECT_REQUIRED}, ReconnectRequired),
        ({"client_id": "another client"}, ReconnectRequired),
        ({"status": Status.DISCONNECTED}, NotConnected),
        ({"environment": "production"}, NotConnected),
    ],
)
def test_an_unusable_connection_says_why(values: dict[str, Any], error: type[Exception]) -> None:
    """Each way in which a connection cannot be used asks its own reaction of the caller."""
    user = make_user()
    make_connection(user, **values)
    for orgkey in (None, "acmelaw"):
        with pytest.raises(error):
            Connection.objects.get_for_user(user, orgkey=orgkey)


def test_the_connection_of_an_inactive_user_is_unusable() -> None:
    """A user who may not sign in may not be acted for, and is not told to connect again."""
    user = make_user(is_active=False)
    make_connection(user)
    with pytest.raises(NotConnected, match="not active") as caught:
        Connection.objects.get_for_user(user)
    assert caught.value.code == "inactive_user"


def test_the_async_look_up_is_the_same() -> None:
    """`aget_for_user` gives and raises what `get_for_user` does."""
    user = make_user()

    async def look_up(orgkey: str | None = None) -> Connection:
        return await Connection.objects.aget_for_user(user, orgkey=orgkey)

    get = async_to_sync(look_up)
    with pytest.raises(NotConnected):
        get()
    connection = make_connection(user)
    assert get() == connection
    make_connection(user, orgkey="otherlaw")
    with pytest.raises(AmbiguousConnection):
        get()
    assert get(orgkey="acmelaw") == connection


def test_due_is_for_this_site_only() -> None:
    """Due are those whose time has come, of this environment and this client id."""
    now = datetime.now(UTC)
    past, future = now - timedelta(minutes=1), now + timedelta(minutes=1)
    due = make_connection(make_user(), refresh_at=past)
    make_connection(make_user(), refresh_at=future)
    make_connection(make_user(), refresh_at=None)
    make_connection(make_user(), refresh_at=past, environment="staging")
    make_connection(make_user(), refresh_at=past, client_id="another client")
    assert list(Connection.objects.due(now=now)) == [due]


def test_a_lease_holds_until_it_lapses() -> None:
    """Free are rows without a lease and those whose lease ran out."""
    now = datetime.now(UTC)
    unleased = make_connection(make_user())
    leased = make_connection(make_user(), lease_expires_at=now + timedelta(hours=1))
    lapsed = make_connection(make_user(), lease_expires_at=now - timedelta(hours=1))
    rows = Connection.objects.all()
    assert set(rows.claimable()) == {unleased, lapsed}
    assert list(rows.unleased()) == [unleased]
    assert list(rows.lapsed()) == [lapsed]
    assert leased not in rows.claimable()


def test_nearing_the_limit_is_for_connected_ones() -> None:
    """Near its limit is a connected row within that time of it, or past it; an ended one is not."""
    now = datetime.now(UTC)
    week = timedelta(days=7)
    near = make_connection(make_user(), refresh_token_expires_at=now + timedelta(days=6))
    past = make_connection(make_user(), refresh_token_expires_at=now - timedelta(days=1))
    make_connection(make_user(), refresh_token_expires_at=now + timedelta(days=8))
    make_connection(make_user(), refresh_token_expires_at=now, status=Status.RECONNECT_REQUIRED)
    rows = Connection.objects.expiring(now=now, within=week)
    assert set(rows) == {near, past}


def test_an_attempts_verifier_opens_in_its_own_attempt_only() -> None:
    """A PKCE verifier moved to another attempt of the same user does not open."""
    user = make_user()

    def attempt(state_hash: str) -> AuthorizationRequest:
        return AuthorizationRequest(state_hash=state_hash, user=user, environment="sandbox")

    mine, other = attempt("a" * 64), attempt("b" * 64)
    mine.sealed_code_verifier = mine.seal_code_verifier(Secret("verifier"))
    assert mine.open_code_verifier() == Secret("verifier")
    other.sealed_code_verifier = mine.sealed_code_verifier
    with pytest.raises(DecryptionFailed):
        other.open_code_verifier()


def test_a_heartbeat_is_missing_after_three_intervals() -> None:
    """One late run is no alarm; three intervals without any are."""
    now = datetime.now(UTC)
    heartbeat = Heartbeat(job=MAINTENANCE, started_at=now, finished_at=now, seconds=0)
    assert not heartbeat.is_missing(now=now + 3 * INTERVAL)
    assert heartbeat.is_missing(now=now + 3 * INTERVAL + timedelta(seconds=1))


def test_sealing_nothing_stores_nothing() -> None:
    """An answer without that token leaves its column empty."""
    assert Connection(user=make_user(), orgkey="a").seal(ACCESS_TOKEN, None) == ""


@pytest.mark.parametrize("of", [lambda user: user, lambda user: user.pk, lambda user: str(user.pk)])
def test_a_user_may_be_given_by_primary_key(of: Callable[[User], Any]) -> None:
    """`get_for_user(user_id)` is what Django's own filters take; another's key finds nothing of theirs."""
    mine, other = make_connection(make_user()), make_connection(make_user())
    find = Connection.objects.get_for_user
    assert find(of(mine.user)) == mine
    assert async_to_sync(Connection.objects.all().aget_for_user)(of(mine.user)) == mine
    assert find(of(other.user)) == other
    assert list(Connection.objects.for_user(of(mine.user))) == [mine]
    for nobody in (mine.user.pk + other.user.pk, AnonymousUser(), None):
        with pytest.raises(NotConnected):
            find(nobody)  # type: ignore[arg-type]  # As from a view that forgot to ask who it is.
