"""Views of Django REST framework that need a connection. Needs `djangorestframework`.

    permission_classes = [connection_required(scopes=["timerecords"])]

and in the settings, for what a view itself meets:

    REST_FRAMEWORK = {
        "EXCEPTION_HANDLER": "actionstep_connect.contrib.rest_framework.exception_handler"
    }
"""

from typing import Any

from rest_framework import exceptions, permissions, views

from actionstep_connect.decorators.api_views import Orgkey, fixed, for_request
from actionstep_connect.decorators.detour import not_signed_in, refusal
from actionstep_connect.decorators.finding import CURABLE, Needs, check, chosen_by, find, required
from actionstep_connect.exceptions import ActionstepConnectError
from actionstep_connect.models import Connection
from actionstep_connect.scopes import Scopes
from actionstep_connect.users import is_user

__all__ = ["api_exception", "connection_required", "exception_handler"]


def connection_required(*, scopes: Scopes = (), orgkey: Orgkey = None) -> Any:
    """Return a permission class that gives `request.actionstep`: the connection of `request.user`.

    A user without a connection that grants all of `scopes` is answered 403, a request without a user
    as the view's authentication has it, both with `error`, `detail` and `connect_url`, as
    `actionstep_connection_required` answers them. `orgkey` may be a callable that takes the request.
    Raises ValueError if `scopes` are no scope names.
    """
    stated = required(scopes, fixed(orgkey))

    class ConnectionRequired(permissions.BasePermission):  # type: ignore[misc] # Not annotated.
        def has_permission(self, request: Any, view: Any) -> bool:  # noqa: ARG002 - as called.
            request.actionstep = _connection(request, for_request(stated, orgkey, request))
            return True

    return ConnectionRequired


def exception_handler(error: Exception, context: dict[str, Any]) -> Any:
    """Answer what only the user can fix as `connection_required` does; the rest as the framework does."""
    if isinstance(error, CURABLE):
        error = api_exception(error, context["request"])
    return views.exception_handler(error, context)


def api_exception(error: ActionstepConnectError, request: Any) -> exceptions.APIException:
    """Return what only the user can fix as an exception of the framework's, for a handler of your own."""
    connection = getattr(request, "actionstep", None)
    orgkey = connection.orgkey if isinstance(connection, Connection) else None
    return _denied(refusal(request, error, (), orgkey))


def _connection(request: Any, needs: Needs) -> Connection:
    user = request.user
    if not is_user(user):
        told = not_signed_in(request)
        raise exceptions.NotAuthenticated(detail=told, code=told["error"])
    orgkey = needs.orgkey
    try:
        connection = find(user, needs, chosen=chosen_by(user, request, orgkey))
        orgkey = connection.orgkey
        check(connection, needs.scopes)
    except CURABLE as error:
        raise _denied(refusal(request, error, needs.scopes, orgkey)) from error
    return connection


def _denied(told: dict[str, str]) -> exceptions.PermissionDenied:
    return exceptions.PermissionDenied(detail=told, code=told["error"])
