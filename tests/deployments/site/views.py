"""The site's own pages."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.management import call_command
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse

from actionstep_connect.api import ActionstepClient, AsyncActionstepClient, get_access_token
from actionstep_connect.exceptions import ActionstepConnectError
from actionstep_connect.models import Connection
from actionstep_connect.tasks import maintain_connections


class PageError(Exception):
    """What goes wrong on a page after it has done its work."""


def _signed_in(user: object) -> AbstractBaseUser:
    assert isinstance(user, AbstractBaseUser)
    return user


def plain(request: HttpRequest) -> HttpResponse:
    """Show a page that has nothing to do with Actionstep, but reads the database."""
    return JsonResponse({"user": str(request.user.pk)})


def use(request: HttpRequest) -> HttpResponse:
    """Call Actionstep as the user."""
    try:
        connection = Connection.objects.get_for_user(_signed_in(request.user))
        with ActionstepClient(connection, max_wait=0) as actionstep:
            actionstep.get("timerecords", params={"pageSize": 1})
    except ActionstepConnectError as error:
        return JsonResponse({"code": error.code, "error": str(error)}, status=503)
    return JsonResponse({"generation": connection.generation})


async def use_async(request: HttpRequest) -> HttpResponse:
    """Call Actionstep as the user, in async code."""
    user = await request.auser()
    try:
        connection = await Connection.objects.aget_for_user(_signed_in(user))
        async with AsyncActionstepClient(connection, max_wait=0) as actionstep:
            await actionstep.get("timerecords", params={"pageSize": 1})
    except ActionstepConnectError as error:
        return JsonResponse({"code": error.code, "error": str(error)}, status=503)
    return JsonResponse({"generation": connection.generation})


def use_then_fail(request: HttpRequest) -> HttpResponse:
    """Use the connection within a transaction that is rolled back."""
    with transaction.atomic():
        get_access_token(Connection.objects.get_for_user(_signed_in(request.user)))
        raise PageError


def maintain_then_fail(request: HttpRequest) -> HttpResponse:
    """Maintain all connections within a transaction that is rolled back: a button "run now"."""
    with transaction.atomic():
        if "task" in request.GET:
            maintain_connections.delay()  # At once, where CELERY_TASK_ALWAYS_EAGER is on.
        else:
            call_command("actionstep_maintain")
        raise PageError
