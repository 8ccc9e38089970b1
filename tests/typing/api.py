"""How a site uses the package: type-checked with everything else, and never run."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, assert_type

from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from actionstep_connect.api import (
    ActionstepClient,
    AsyncActionstepClient,
    actionstep_connection_required,
    adisconnect,
    aget_access_token,
    arefresh,
    disconnect,
    get_access_token,
    redirect_to_connect,
    refresh,
)
from actionstep_connect.client.linked import LinkedRow
from actionstep_connect.client.rows import TasksRow
from actionstep_connect.decorators import ActionstepRequest
from actionstep_connect.exceptions import (
    ActionstepConnectError,
    AmbiguousConnection,
    ApiError,
    NotConnected,
    RateLimited,
    ReconnectRequired,
    ScopeNotGranted,
    TemporarilyUnavailable,
)
from actionstep_connect.models import Connection, ConnectionEvent, EventKind, Status
from actionstep_connect.schedule import BEAT_SCHEDULE
from actionstep_connect.signals import reconnect_required
from actionstep_connect.testing import Activity, Sandbox


def call_as_the_user(user: User) -> list[float]:
    connection = Connection.objects.get_for_user(user)
    assert_type(connection, Connection)
    with ActionstepClient(connection, max_wait=5, timeout=10, headers={"X-A": "b"}) as actionstep:
        assert_type(actionstep, ActionstepClient)
        assert_type(actionstep.count("timerecords", isBillable="T"), int)
        assert_type(actionstep.current_user(), dict[str, Any])
        assert_type(actionstep.iterate("nonsense", sort="-id"), Iterator[dict[str, Any]])
        actionstep.iterate("timerecords", sort="-id", **{"fields[actions]": "id"})
        assert_type(
            next(actionstep.iterate("tasks", include="action")).follow("action"), LinkedRow | None
        )
        assert_type(next(actionstep.iterate("tasks", convert=True)), dict[str, Any])
        assert_type(actionstep.custom_fields(7), dict[str, Any])
        changes = actionstep.changes("actions", since=None, status="Active")
        assert_type(next(changes)["name"], str | None)
        assert_type(changes.next_since, datetime | None)
        assert_type(actionstep.create_many("tasks", []), list[dict[str, Any]])
        file = actionstep.upload("lease.pdf", progress=lambda arrived, total: None)
        assert_type(actionstep.attach(file, action=7, name="Lease"), dict[str, Any])
        assert_type(actionstep.download("DL::Actions::7::1", "lease.pdf"), int)
        return [row["actualHours"] for row in actionstep.iterate("timerecords")]


async def call_as_the_user_async(user: User) -> list[float]:
    connection = await Connection.objects.aget_for_user(user, orgkey="acmelaw")
    async with AsyncActionstepClient(connection, max_wait=60) as actionstep:
        assert_type(await actionstep.current_user(), dict[str, Any])
        assert_type(await actionstep.count("timerecords"), int)
        assert_type(await actionstep.upload(SimpleUploadedFile("a.txt", b"words")), str)
        assert_type(await anext(actionstep.achanges("tasks", since=None)), TasksRow)
        rows = actionstep.aiterate("timerecords", sort="-id")
        return [row["actualHours"] async for row in rows]


def read_a_connection(connection: Connection) -> None:
    assert_type(connection.orgkey, str)
    assert_type(connection.granted_scopes, list[str])
    assert_type(connection.is_usable, bool)
    assert_type(Connection.objects.for_user(connection.user).count(), int)
    Connection.objects.filter(status=Status.CONNECTED, granted_scopes__has="timerecords")
    ConnectionEvent.objects.filter(kind=EventKind.DISCONNECTED, connection=connection)


def hold_a_token(connection: Connection) -> None:
    assert_type(get_access_token(connection, min_validity=60), str)
    refresh(connection)
    disconnect(connection, actor=connection.user)


async def hold_a_token_async(connection: Connection) -> None:
    assert_type(await aget_access_token(connection), str)
    await arefresh(connection)
    await adisconnect(connection)


@actionstep_connection_required(scopes=["timerecords"])
def my_view(request: ActionstepRequest, number: int) -> HttpResponse:
    return HttpResponse(f"{request.actionstep.orgkey} {number}")


@actionstep_connection_required(scopes=["timerecords"])
async def my_async_view(request: ActionstepRequest) -> HttpResponse:
    return HttpResponse(await aget_access_token(request.actionstep))


def ask_for_more(request: HttpRequest) -> HttpResponseRedirect:
    return redirect_to_connect(request, scopes=["files"], next="/here/")


def react(user: User) -> str:
    try:
        Connection.objects.get_for_user(user)
    except (NotConnected, ReconnectRequired):
        return "connect"
    except AmbiguousConnection as error:
        return ", ".join(error.orgkeys)
    except ScopeNotGranted as error:
        return ", ".join(error.scopes)
    except (TemporarilyUnavailable, RateLimited) as error:
        assert_type(error.retry_after, float | None)
        return f"later, in {error.retry_after} s"
    except ApiError as error:
        assert_type(error.retry_after, float | None)
        return f"{error.status} {error.detail}"
    except ActionstepConnectError as error:
        return error.code
    return ""


@receiver(reconnect_required)
def tell_the_firm(*, connection: Connection, suspected_site_fault: bool, **_: object) -> None:
    print(connection.user, suspected_site_fault)


def schedule() -> dict[str, dict[str, Any]]:
    return {**BEAT_SCHEDULE, "mine": {"task": "mine", "schedule": timedelta(minutes=5)}}


def a_test_of_ones_own(connected_user: User, actionstep_sandbox: Sandbox) -> None:
    connection = actionstep_sandbox.connect(connected_user, username="tom", scopes=["timerecords"])
    assert_type(connection, Connection)
    actionstep_sandbox.advance(timedelta(hours=2))
    actionstep_sandbox.fail("api", 503, times=None, user="tom", retry_after=7)
    actionstep_sandbox.fail("token", "members", changes={"expires_in": "28800"}, remove=["orgkey"])
    actionstep_sandbox.fail("token", "nonsense")  # type: ignore[arg-type]  # No such fault.
    actionstep_sandbox.change_options(grace=60, api_endpoint_form="bare")
    actionstep_sandbox.change_options(gracious=60)  # type: ignore[call-arg]  # No such option.
    assert_type(actionstep_sandbox.activity(), list[Activity])
